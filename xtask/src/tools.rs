//! The programs that tests start, and their installation: by root on a Debian-like machine, in one go. Anywhere else the
//! person decides what is installed.
//!
//! Must never bring up a service of the distribution: tests use servers of their own. Read next: `clients.rs`, what is
//! fetched into the target folder and not onto the machine.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::{clients, process};

/// A program that tests start, and the Debian package it is in.
struct Tool {
    program: &'static str,
    /// What makes it end at once and well.
    asks: &'static [&'static str],
    package: &'static str,
    why: &'static str,
}

const VERSION: &[&str] = &["--version"];

const TOOLS: &[Tool] = &[
    Tool {
        program: "strace",
        asks: VERSION,
        package: "strace",
        why: "counts the journal's syncs before a reply, makes one fail, kills at a certain call",
    },
    Tool {
        program: "python3",
        asks: VERSION,
        package: "python3",
        why: "runs the example participants, cuts a file system from its disk",
    },
    Tool {
        program: "python3",
        asks: &["-c", "import ensurepip, venv"],
        package: "python3-venv",
        why: "gives each example and each client in Python packages of its own",
    },
    Tool {
        program: "python3",
        asks: &["-m", "pip", "--version"],
        package: "python3-pip",
        why: "fetches the packages of examples and clients in Python",
    },
    Tool {
        program: "node",
        asks: VERSION,
        package: "nodejs",
        why: "runs the example participant in JavaScript",
    },
    Tool {
        program: "npm",
        asks: VERSION,
        package: "npm",
        why: "fetches the packages of the example in JavaScript",
    },
    Tool {
        program: "postgres",
        asks: VERSION,
        package: "postgresql",
        why: "is one of the databases of participants",
    },
    Tool {
        program: "mariadbd",
        asks: VERSION,
        package: "mariadb-server",
        why: "is one of the databases of participants",
    },
    Tool {
        program: "redis-server",
        asks: VERSION,
        package: "redis-server",
        why: "is one of the stores of participants",
    },
    Tool {
        program: "unshare",
        asks: VERSION,
        package: "util-linux",
        why: "mounts small disks to fill, cut and hold still",
    },
    Tool { program: "mkfs.ext4", asks: &["-V"], package: "e2fsprogs", why: "makes the disks that are cut" },
    Tool { program: "c++", asks: VERSION, package: "g++", why: "builds the fuzzer" },
];

/// Installs what is missing, or says what to install.
pub(crate) fn provide() -> anyhow::Result<()> {
    programs()?;
    clients::provide()
}

fn programs() -> anyhow::Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !found(tool)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    ensure!(may_install(), "{}install these packages and run this again", told(&missing));
    eprint!("== installing what tests need\n{}", told(&missing));
    let _quiet = Quiet::begin(Path::new("/usr/sbin/policy-rc.d"))?;
    // The list of packages may be older than the mirror, or not there at all.
    process::run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let packages = missing.iter().map(|tool| tool.package);
    process::run(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !found(tool)).collect();
    ensure!(missing.is_empty(), "apt-get did not bring all:\n{}install them by hand", told(&missing));
    Ok(())
}

/// A line for each.
fn told(tools: &[&Tool]) -> String {
    let line = |Tool { program, package, why, .. }: &&Tool| format!("  {package}: {program} {why}\n");
    tools.iter().map(line).collect()
}

fn found(tool: &Tool) -> bool {
    services::program::find(tool.program)
        .is_some_and(|program| process::present(Command::new(program).args(tool.asks)))
}

/// Only root on a Debian-like machine.
fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    root && process::present(Command::new("apt-get").arg("--version"))
}

/// While it lives, packages start no service: Debian asks this file before one does.
struct Quiet {
    /// `None`: the machine has a policy of its own, and keeps it.
    ours: Option<PathBuf>,
}

impl Quiet {
    fn begin(policy: &Path) -> anyhow::Result<Quiet> {
        match File::create_new(policy) {
            Ok(mut file) => {
                let quiet = Quiet { ours: Some(policy.to_owned()) };
                file.write_all(
                    b"#!/bin/sh\n# Of `cargo xtask test`, while it installs: start nothing.\nexit 101\n",
                )?;
                file.set_permissions(fs::Permissions::from_mode(0o755))?;
                Ok(quiet)
            }
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => Ok(Quiet { ours: None }),
            Err(fault) => Err(fault).with_context(|| format!("cannot write {}", policy.display())),
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(policy) = &self.ours {
            let _ = fs::remove_file(policy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(program: &'static str, asks: &'static [&'static str]) -> Tool {
        Tool { program, asks, package: "p", why: "w" }
    }

    #[test]
    fn an_absent_program_is_seen_as_absent() {
        assert!(!found(&tool("no-such-program-here", VERSION)));
        assert!(!found(&tool("git", &["no-such-word-here"])));
        assert!(found(&tool("git", VERSION)));
    }

    #[test]
    fn what_is_missing_is_told_by_package() {
        assert_eq!(told(&[&tool("a", VERSION), &tool("b", VERSION)]), "  p: a w\n  p: b w\n");
    }

    #[test]
    fn every_service_is_a_tool() {
        for program in ["postgres", "mariadbd", "redis-server"] {
            assert!(TOOLS.iter().any(|tool| tool.program == program), "{program}");
        }
    }

    #[test]
    fn our_policy_ends_with_the_installation_and_anothers_stays() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy");
        let quiet = Quiet::begin(&policy).unwrap();
        assert_eq!(Command::new(&policy).status().unwrap().code(), Some(101));
        drop(Quiet::begin(&policy).unwrap());
        assert!(policy.exists());
        drop(quiet);
        assert!(!policy.exists());
    }
}
