//! `cargo xtask sim [--record] [arguments]`: runs the simulator; `--record` writes what was seen into the proof.
//!
//! Without `--record` it is `cargo run -p sim --release`. Judges nothing. Next: `docs/internals/proof.md`, `crates/sim`.

use std::path::Path;

use crate::{process, proof};

/// Passes its arguments on.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let words = arguments.iter().filter(|word| *word != "--record");
    let mut command = process::cargo(root, &["run", "--quiet", "--release", "-p", "sim", "--"]);
    command.args(words);
    if !arguments.iter().any(|word| word == "--record") {
        return process::run(&mut command);
    }
    let table = std::env::temp_dir().join(format!("sim-{}.md", std::process::id()));
    let well = process::run(command.arg("--markdown").arg(&table))?;
    if well {
        proof::record(root, "sim", &std::fs::read_to_string(&table)?)?;
        std::fs::remove_file(&table)?;
    }
    Ok(well)
}
