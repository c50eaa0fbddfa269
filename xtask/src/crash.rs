//! `cargo xtask crash [--long] [--only NAME] [--seed N] [--record]`: the crash laboratory, on the binary that tests use.
//!
//! Builds `tercet` and `lab` and starts the laboratory, where it may with mounts of its own that end with it. `--record`
//! writes its table into the proof. Judges nothing. Next: `docs/internals/proof.md`, `crates/lab`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::{process, proof};

/// `--long` is so many times the gate's slice.
const LONG: &str = "10";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    /// Passed on to the laboratory.
    words: Vec<OsString>,
    record: bool,
}

/// Runs the laboratory.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let Asked { words, record } = asked(arguments)?;
    // The features of the whole workspace: what `cargo test` has built, or builds next, is not built twice.
    let build = ["build", "--workspace", "--bin", "tercet", "--bin", "lab"];
    if !process::run(&mut process::cargo(root, &build))? {
        return Ok(false);
    }
    let built = built()?;
    let mut command = in_own_mounts(&built.join("lab"));
    command.arg("--tercet").arg(built.join("tercet")).args(words);
    let table = built.join("crash.md");
    if record {
        command.arg("--markdown").arg(&table);
    }
    let well = process::run(&mut command)?;
    if record && well {
        proof::record(root, "crash", &std::fs::read_to_string(&table)?)?;
    }
    Ok(well)
}

fn asked(arguments: &[String]) -> anyhow::Result<Asked> {
    let mut asked = Asked::default();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--long" => asked.words.extend(["--times".into(), LONG.into()]),
            "--record" => asked.record = true,
            "--only" | "--seed" => {
                let value = rest.next().with_context(|| format!("{word} takes a value"))?;
                asked.words.extend([word.into(), value.into()]);
            }
            other => bail!("{other}? cargo xtask crash [--long] [--only NAME] [--seed N] [--record]"),
        }
    }
    let only = asked.words.iter().any(|word| word == "--only");
    ensure!(!(asked.record && only), "--record needs all experiments");
    Ok(asked)
}

/// The folder with the binaries: this one is in it.
fn built() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().context("a program is in a folder")?.to_owned())
}

/// Mounts that nobody else sees, and that end with the last process that does.
fn in_own_mounts(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    if process::present(command.args(["--mount", "--propagation", "private", "true"])) {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_passed_on_or_refused() {
        let ask = |words: &[&str]| asked(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            ask(&["--only", "kills", "--seed", "7"]).unwrap().words,
            words(&["--only", "kills", "--seed", "7"])
        );
        let long = Asked { words: words(&["--times", LONG]), record: true };
        assert_eq!(ask(&["--long", "--record"]).unwrap(), long);
        for wrong in [&["--fast"][..], &["--only"], &["--only", "kills", "--record"]] {
            assert!(ask(wrong).is_err(), "{wrong:?}");
        }
    }
}
