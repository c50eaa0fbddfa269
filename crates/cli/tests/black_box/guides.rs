//! The pages about the ledger, XA, workflows and DTM, run as a reader runs them: every command in order, every promised output looked for.
//!
//! A block of `sh` is run; a block without a language right behind it holds lines that its output must have, in that
//! order. `…` stands for whatever is left out at the beginning of a line.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::Tercet;

/// A block of commands, and lines that they print.
struct Step {
    commands: String,
    printed: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The blocks of a page, or of the part of it below a heading.
fn steps(page: &str, heading: Option<&str>) -> Vec<Step> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let text = match heading {
        None => &text[..],
        Some(heading) => {
            let (_, below) = text.split_once(heading).unwrap_or_else(|| panic!("{page} has no {heading:?}"));
            below.split("\n## ").next().unwrap()
        }
    };
    let mut steps: Vec<Step> = Vec::new();
    // Between fences: prose, block, prose, block, …
    let parts: Vec<&str> = text.split("```").collect();
    for pair in parts[1..].chunks(2) {
        let (language, body) = pair[0].split_once('\n').unwrap();
        match language {
            "sh" => steps.push(Step { commands: body.to_owned(), printed: Vec::new() }),
            "" => {
                // Before the first commands it is a picture.
                if let Some(step) = steps.last_mut() {
                    step.printed = body.lines().map(str::to_owned).collect();
                }
            }
            _ => {}
        }
    }
    // The server of the reader is the test's.
    steps.retain(|step| !step.commands.starts_with("tercet serve"));
    steps
}

/// What a page has started ends with its shell.
const ENDS: &str = "trap 'test -z \"$!\" || kill $!' EXIT\n";
const END: &str = "--- end of a block ---";

/// Runs the steps in one shell, in an empty folder beside the examples; the output of each.
fn run(server: &Tercet, steps: &[Step]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("examples"), folder.path().join("examples")).unwrap();
    let address = server.address.to_string();
    // The participant of the pages; the port was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let blocks = steps.iter().map(|step| {
        format!(
            "{{\n{}\n}} 2>&1; echo '{END}'\n",
            step.commands.replace("127.0.0.1:36789", &address).replace("7003", &port)
        )
    });
    let binaries = Path::new(env!("CARGO_BIN_EXE_tercet")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-e", "-c", &format!("{ENDS}{}", blocks.collect::<String>())])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("TERCET_URL", format!("http://{address}"))
        .output()
        .expect("a shell");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.split(END).map(str::to_owned).collect()
}

fn follow(page: &str, heading: Option<&str>) {
    let steps = steps(page, heading);
    assert!(!steps.is_empty(), "{page} has no commands");
    let server = Tercet::start();
    let outputs = run(&server, &steps);
    for (step, output) in steps.iter().zip(outputs) {
        let mut rest = &output[..];
        for line in &step.printed {
            let wanted = line.trim().trim_start_matches('…');
            let Some(at) = rest.find(wanted) else {
                panic!("{page}: `{wanted}` is not in the output of\n{}\n{output}", step.commands)
            };
            rest = &rest[at + wanted.len()..];
        }
    }
}

#[test]
fn the_ledger_of_the_readme_runs() {
    follow("README.md", Some("## A ledger in ten lines"));
}

#[test]
fn the_guide_to_points_runs() {
    follow("docs/guides/points.md", None);
}

#[test]
fn the_guide_to_coupons_runs() {
    follow("docs/guides/coupons.md", None);
}

#[test]
fn the_guide_to_stock_runs() {
    follow("docs/guides/stock.md", None);
}

#[test]
fn the_guide_to_a_balance_runs() {
    follow("docs/guides/wallet.md", None);
}

#[test]
fn the_guide_to_xa_runs() {
    follow("docs/guides/xa.md", None);
}

#[test]
fn the_guide_to_workflows_runs() {
    follow("docs/guides/workflow.md", None);
}

#[test]
fn the_guide_for_those_who_come_from_dtm_runs() {
    follow("docs/guides/from-dtm.md", None);
}
