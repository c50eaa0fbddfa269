//! `cargo xtask test`: what CI runs. Installs the programs that tests start, starts the servers they
//! share, runs the slices in order and ends the servers.
//!
//! Prints nothing after the last slice: its closing lines are the run's result.

use std::path::Path;

use crate::{clients, process, services, tools};

/// One part of the run. The last one is cargo's tests, and arguments of the chore go to it alone.
struct Slice {
    name: &'static str,
    cargo: &'static [&'static str],
}

const SLICES: &[Slice] = &[
    // Without a sanitizer: `docs/internals/fuzzing.md` says what was measured.
    Slice { name: "fuzz", cargo: &["xtask", "fuzz", "--seconds", "60", "--sanitizer", "none"] },
    Slice { name: "sim", cargo: &["xtask", "sim", "--seeds", "0..10000"] },
    Slice { name: "mutants", cargo: &["xtask", "mutants"] },
    Slice { name: "crash", cargo: &["xtask", "crash"] },
    Slice { name: "tests", cargo: &["test", "--workspace"] },
];

/// Stops at the first slice that fails. `arguments` are passed to `cargo test`.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    tools::provide()?;
    let client = (clients::VARIABLE, clients::python()?.display().to_string());
    services::during(|told| slices(root, arguments, &[told, std::slice::from_ref(&client)].concat()))
}

/// `told` is where the servers are (see `services.rs`), and the clients (`clients.rs`).
fn slices(root: &Path, arguments: &[String], told: &[(&str, String)]) -> anyhow::Result<bool> {
    for (index, slice) in SLICES.iter().enumerate() {
        let mut command = process::cargo(root, slice.cargo);
        command.envs(told.iter().map(|(name, url)| (name, url)));
        if index + 1 == SLICES.len() {
            command.args(arguments);
        }
        eprintln!("== {}", slice.name);
        if !process::run(&mut command)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_slice_is_cargos_tests() {
        let last = SLICES.last().unwrap();
        assert_eq!(last.name, "tests");
        assert_eq!(last.cargo[0], "test");
    }
}
