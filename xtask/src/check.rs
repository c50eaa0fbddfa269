//! `cargo xtask check`: the one gate a change passes before it is pushed.
//!
//! Runs every step even after one failed, so that one run tells everything. Decides nothing about the rules
//! themselves: they are in clippy, `tidy.rs`, `deny.rs` and the tests.

use std::path::Path;
use std::time::Instant;

use anyhow::bail;

use crate::{deny, process, proto, test, tidy};

/// How a step ended. `Partly` passes the gate, but says what could not be looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Held,
    Partly(String),
    Failed,
}

impl From<bool> for Outcome {
    fn from(held: bool) -> Self {
        if held { Self::Held } else { Self::Failed }
    }
}

/// What the whole gate may do to the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Install {
    /// Use what is there.
    Never,
    /// Build cargo-deny from source when it is absent: minutes.
    Missing,
}

struct Step {
    name: &'static str,
    run: fn(&Path, Install) -> anyhow::Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", run: |root, _| cargo(root, &["fmt", "--all", "--check"]) },
    Step { name: "tidy", run: |root, _| Ok(tidy::chore(root, &[])?.into()) },
    Step { name: "deny", run: deny::step },
    Step { name: "proto", run: proto::step },
    Step {
        name: "clippy",
        run: |root, _| {
            cargo(root, &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
        },
    },
    // The binary that knows no databases is built by nobody else.
    Step {
        name: "lean",
        run: |root, _| {
            cargo(
                root,
                &["clippy", "--package", "cli", "--bins", "--no-default-features", "--", "-D", "warnings"],
            )
        },
    },
    Step { name: "docs", run: |root, _| docs(root) },
    Step { name: "tests", run: |root, _| Ok(test::chore(root, &[])?.into()) },
];

/// The only argument is `--install`; in CI it is meant without being said.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let install = match arguments {
        [] if std::env::var_os("CI").is_none() => Install::Never,
        [] => Install::Missing,
        [one] if one == "--install" => Install::Missing,
        other => bail!("check takes --install only, not {other:?}"),
    };
    let mut ended = Vec::new();
    for step in STEPS {
        eprintln!("== {}", step.name);
        let began = Instant::now();
        let outcome = (step.run)(root, install).unwrap_or_else(|fault| {
            eprintln!("{}: {fault:#}", step.name);
            Outcome::Failed
        });
        let seconds = began.elapsed().as_secs_f64();
        eprintln!("== {}: {} in {seconds:.1} s", step.name, told(&outcome));
        ended.push((step.name, outcome));
    }
    eprintln!("{}", summary(&ended));
    Ok(ended.iter().all(|(_, outcome)| *outcome != Outcome::Failed))
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Held => "held".into(),
        Outcome::Partly(what) => format!("held in part ({what})"),
        Outcome::Failed => "FAILED".into(),
    }
}

/// The last line: what failed, and what nobody looked at.
fn summary(ended: &[(&str, Outcome)]) -> String {
    let failed: Vec<_> = ended.iter().filter(|(_, o)| *o == Outcome::Failed).map(|(name, _)| *name).collect();
    let mut line = match failed.as_slice() {
        [] => format!("check: all {} steps held", ended.len()),
        names => format!("check: {} of {} steps failed: {}", names.len(), ended.len(), names.join(", ")),
    };
    for (name, outcome) in ended {
        if let Outcome::Partly(what) = outcome {
            line.push_str(&format!("; {name}: {what}"));
        }
    }
    line
}

fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<Outcome> {
    Ok(process::run(&mut process::cargo(root, arguments))?.into())
}

fn docs(root: &Path) -> anyhow::Result<Outcome> {
    let mut command = process::cargo(root, &["doc", "--workspace", "--no-deps", "--quiet"]);
    Ok(process::run(command.env("RUSTDOCFLAGS", "-D warnings"))?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_failed_and_what_was_not_looked_at() {
        let ended = [
            ("fmt", Outcome::Failed),
            ("tidy", Outcome::Held),
            ("deny", Outcome::Partly("licences were not checked".into())),
        ];
        assert_eq!(summary(&ended), "check: 1 of 3 steps failed: fmt; deny: licences were not checked");
        assert_eq!(summary(&ended[1..2]), "check: all 1 steps held");
    }

    #[test]
    fn every_step_of_the_house_rules_is_in_the_gate() {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        for name in ["fmt", "clippy", "tidy", "deny", "docs", "tests"] {
            assert!(names.contains(&name), "{name} is missing");
        }
    }

    #[test]
    fn another_argument_is_refused() {
        assert!(chore(Path::new("."), &["--quick".into()]).is_err());
    }
}
