//! `cargo xtask`: the project's chores, one file each.
//!
//! Decides only which chore a name means. Holds no knowledge of the product: no room of `crates/` is a
//! dependency, so the chores build in seconds and still run when a room does not compile.
//! Next: `check.rs`, the one gate; `tidy.rs`, the house rules.

mod advisories;
mod bench;
mod check;
mod clients;
mod crash;
mod deny;
mod fuzz;
mod mutants;
mod process;
mod proof;
mod proto;
mod services;
mod sim;
mod test;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One chore: what it is called, what it does in a line, and its code. `Ok(false)` = it ran and found fault.
struct Chore {
    name: &'static str,
    does: &'static str,
    run: fn(&Path, &[String]) -> anyhow::Result<bool>,
}

const CHORES: &[Chore] = &[
    Chore {
        name: "check",
        does: "the gate: every step below and more; --install fetches cargo-deny",
        run: check::chore,
    },
    Chore {
        name: "test",
        does: "install what tests need, then cargo test; arguments are passed on",
        run: test::chore,
    },
    Chore {
        name: "services",
        does: "PostgreSQL, MariaDB and Redis for tests: cargo xtask services start|stop|status",
        run: services::chore,
    },
    Chore { name: "tidy", does: "the house rules that a machine can check", run: tidy::chore },
    Chore { name: "deny", does: "advisories, bans, licences and sources of dependencies", run: deny::chore },
    Chore {
        name: "fuzz",
        does: "hostile bytes: cargo xtask fuzz [--seconds N] [TARGET [INPUT]]",
        run: fuzz::chore,
    },
    Chore {
        name: "crash",
        does: "the crash laboratory: cargo xtask crash [--long] [--only NAME] [--seed N] [--record]",
        run: crash::chore,
    },
    Chore {
        name: "proto",
        does: "write the code of proto/ anew; --check only looks whether it is stale",
        run: proto::chore,
    },
    Chore {
        name: "mutants",
        does: "planted bugs, each to be caught: cargo xtask mutants [--record] [BUG ...]",
        run: mutants::chore,
    },
    Chore {
        name: "sim",
        does: "the simulator: cargo xtask sim [--record] [arguments of the simulator]",
        run: sim::chore,
    },
    Chore { name: "bench", does: "a measurement: cargo xtask bench NAME [arguments]", run: bench::chore },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage(ExitCode::SUCCESS);
    };
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        return usage(ExitCode::from(2));
    };
    match (chore.run)(&root(), rest) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("xtask {name}: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage(code: ExitCode) -> ExitCode {
    eprintln!("cargo xtask CHORE");
    for chore in CHORES {
        eprintln!("  {:<8} {}", chore.name, chore.does);
    }
    code
}

/// The workspace's folder: the parent of the one this crate was built from.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
