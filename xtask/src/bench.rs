//! `cargo xtask bench NAME`: one measurement of `docs/performance.md`, always from a release build.
//!
//! Measures nothing itself: the workloads are in `crates/bench`.

use std::path::Path;

use anyhow::ensure;

use crate::process;

/// Runs `tercet bench NAME …` of a release build and passes everything after the name on.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    ensure!(!arguments.is_empty(), "name a measurement, or say --help: cargo xtask bench NAME [arguments]");
    process::run(
        process::cargo(root, &["run", "--release", "--package", "cli", "--", "bench"]).args(arguments),
    )
}
