//! `cargo xtask test`: what CI runs. Installs the programs that tests start, then runs the slices in order.
//!
//! Prints nothing after the last slice: its closing lines are the run's result.

use std::path::Path;
use std::process::Command;

use anyhow::bail;

use crate::process;

/// A program that tests start, and the Debian package it is in.
struct Tool {
    program: &'static str,
    /// The flag that makes it end at once and well.
    asks: &'static str,
    package: &'static str,
    why: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "strace",
        asks: "--version",
        package: "strace",
        why: "counts the journal's syncs before a reply, makes one fail, kills at a certain call",
    },
    Tool {
        program: "python3",
        asks: "--version",
        package: "python3",
        why: "runs the example participant, cuts a file system from its disk",
    },
    Tool {
        program: "unshare",
        asks: "--version",
        package: "util-linux",
        why: "mounts small disks to fill, cut and hold still",
    },
    Tool { program: "mkfs.ext4", asks: "-V", package: "e2fsprogs", why: "makes the disks that are cut" },
    Tool { program: "c++", asks: "--version", package: "g++", why: "builds the fuzzer" },
];

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
    for tool in TOOLS {
        provide(tool)?;
    }
    for (index, slice) in SLICES.iter().enumerate() {
        let mut command = process::cargo(root, slice.cargo);
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

fn provide(tool: &Tool) -> anyhow::Result<()> {
    if found(tool) {
        return Ok(());
    }
    let Tool { program, package, why, .. } = tool;
    if !may_install() {
        bail!("tests need {program} ({why}); install the package {package} and run this again");
    }
    eprintln!("== installing {package}: {why}");
    // The list of packages may be older than the mirror, or not there at all.
    process::run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let installed = process::run(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends", package])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    if !installed || !found(tool) {
        bail!("apt-get did not bring {program} ({why}); install the package {package} by hand");
    }
    Ok(())
}

fn found(tool: &Tool) -> bool {
    process::present(Command::new(tool.program).arg(tool.asks))
}

/// Only root on a Debian-like machine: anywhere else the person decides what is installed.
fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    root && process::present(Command::new("apt-get").arg("--version"))
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

    #[test]
    fn an_absent_program_is_seen_as_absent() {
        let tool = |program| Tool { program, asks: "--version", package: "p", why: "w" };
        assert!(!found(&tool("no-such-program-here")));
        assert!(found(&tool("git")));
    }
}
