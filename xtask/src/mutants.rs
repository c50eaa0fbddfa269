//! `cargo xtask mutants [--record] [BUG …]`: every planted bug is switched on in turn, and must be caught.
//!
//! The simulator hunts for most of them; the few that no history reaches, since something behind them holds, are run
//! against the tests of their own room, which must fail with the bug and hold without it. Next: `crates/planted`.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};

use crate::{process, proof};

/// A bug that a test of its own room catches.
struct Direct {
    bug: &'static str,
    room: &'static str,
    test: &'static str,
}

const DIRECT: &[Direct] = &[
    Direct { bug: "ChainUnchecked", room: "journal", test: "a_whole_frame_of_another_chain_is_damage" },
    Direct { bug: "HighWaterIgnored", room: "journal", test: "a_missing_segment_is_refused" },
    Direct { bug: "RetriesUnbounded", room: "engine", test: "repeats_are_budgeted" },
];

/// By which variable a process of tests is told its bug: `planted::VARIABLE`.
const VARIABLE: &str = "TERCET_PLANTED";

/// Hunts for all of them, or for those that are named.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let is_record = |word: &&String| *word == "--record";
    let names: Vec<&String> = arguments.iter().filter(|word| !is_record(word)).collect();
    let record = arguments.iter().any(|word| is_record(&word));
    ensure!(!record || names.is_empty(), "--record needs all bugs");
    ensure!(names.iter().all(|name| !name.starts_with('-')), "mutants takes --record and names of bugs");
    let wanted = |direct: &&Direct| names.is_empty() || names.iter().any(|name| *name == direct.bug);
    let direct: Vec<&Direct> = DIRECT.iter().filter(wanted).collect();
    let mut table =
        String::from("| bug | room | what is wrong | seeds | in | caught by |\n|---|---|---|--:|--:|---|\n");
    let mut all = true;
    if direct.len() < names.len() || names.is_empty() {
        all &= hunted(root, &names, &mut table)?;
    }
    for bug in direct {
        all &= tested(root, bug)?;
    }
    if record && all {
        proof::record(root, "mutants", &table)?;
    }
    Ok(all)
}

/// The simulator's share.
fn hunted(root: &Path, names: &[&String], table: &mut String) -> anyhow::Result<bool> {
    let rows = std::env::temp_dir().join(format!("mutants-{}.md", std::process::id()));
    let mut command = process::cargo(
        root,
        &["run", "--quiet", "--release", "-p", "sim", "--features", "planted", "--bin", "mutants", "--"],
    );
    command.args(names.iter().filter(|name| DIRECT.iter().all(|direct| direct.bug != name.as_str())));
    for direct in DIRECT {
        command.arg("--tested").arg(format!("{}={}", direct.bug, direct.test));
    }
    let caught = process::run(command.arg("--markdown").arg(&rows))?;
    table.push_str(&std::fs::read_to_string(&rows).context("the simulator wrote no table")?);
    std::fs::remove_file(&rows)?;
    Ok(caught)
}

/// One bug against a test of its room.
fn tested(root: &Path, direct: &Direct) -> anyhow::Result<bool> {
    let test = |bug: &str| -> anyhow::Result<bool> {
        let arguments = ["test", "--quiet", "-p", direct.room, "--features", "planted", direct.test];
        let mut command = process::cargo(root, &arguments);
        process::run(command.env(VARIABLE, bug).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    ensure!(test("")?, "{} fails without a bug", direct.test);
    let caught = !test(direct.bug)?;
    let word = if caught { "caught" } else { "NOT CAUGHT" };
    println!("{:<22} {word} by the test {}", direct.bug, direct.test);
    Ok(caught)
}
