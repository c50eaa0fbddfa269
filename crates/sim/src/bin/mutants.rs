//! `cargo xtask mutants`: switches on every planted bug in turn and lets the simulator look for it.
//!
//! Exit codes: 0 all were caught, each by a promise that it breaks; 1 one got away, or was caught for another reason.
//! Those that only a test of their own room reaches are the chore's to run.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use planted::Bug;
use sim::mutants::{Caught, hunt};

#[derive(Parser)]
#[command(about = "Planted bugs, and how soon they are caught", max_term_width = 120)]
struct Words {
    /// Only these bugs
    names: Vec<String>,
    /// These are caught by a test of their own room: BUG=TEST
    #[arg(long, value_parser = tested)]
    tested: Vec<(String, String)>,
    /// Seeds that a bug may live at most
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// Write the table there
    #[arg(long)]
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let words = Words::parse();
    std::panic::set_hook(Box::new(|_| {}));
    let wanted = |bug: &&Bug| words.names.is_empty() || words.names.iter().any(|name| name == bug.name());
    let mut table = String::new();
    let mut escaped = Vec::new();
    for bug in Bug::ALL.iter().filter(wanted) {
        if let Some((_, test)) = words.tested.iter().find(|(name, _)| name == bug.name()) {
            table.push_str(&row(*bug, &format!("– | – | the test `{test}`")));
            continue;
        }
        let caught = hunt(*bug, words.seeds);
        println!("{}", line(&caught));
        table.push_str(&row(*bug, &hunted(&caught)));
        if !caught.is_right() {
            escaped.push(bug.name());
        }
    }
    if let Some(path) = &words.markdown
        && let Err(error) = std::fs::write(path, table)
    {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if escaped.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("not caught, or for another reason: {}", escaped.join(", "));
    ExitCode::FAILURE
}

fn tested(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').ok_or("say BUG=TEST")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

fn line(caught: &Caught) -> String {
    let (name, seconds) = (caught.bug.name(), caught.took.as_secs_f64());
    match &caught.by {
        Some((seed, violation)) => {
            let brief: String = violation.to_string().chars().take(110).collect();
            format!("{name:<22} seed {seed:>5}  {seconds:>6.1} s  {brief}")
        }
        None => format!("{name:<22} GOT AWAY    {seconds:>6.1} s"),
    }
}

fn row(bug: Bug, how: &str) -> String {
    format!("| `{}` | {} | {} | {how} |\n", bug.name(), bug.room(), bug.what())
}

fn hunted(caught: &Caught) -> String {
    let seconds = caught.took.as_secs_f64();
    match &caught.by {
        Some((seed, violation)) => format!("{} | {seconds:.1} s | {}", seed + 1, violation.promise),
        None => format!("– | {seconds:.1} s | nothing"),
    }
}
