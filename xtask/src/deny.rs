//! The gate's look at dependencies: `deny.toml` is the policy, `cargo deny` and `advisories.rs` the eyes.
//!
//! Bans and advisories are checked from `Cargo.lock` even where cargo-deny is absent; licences and sources need
//! it. What was not looked at is said, never passed over. Must never wait for a network without a limit.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::advisories::{self, Locked, Policy};
use crate::check::{Install, Outcome};
use crate::process::{self, Ended};

/// Names the folder of a copy of the RustSec data; without it the live database is asked.
const DATA: &str = "TERCET_ADVISORY_DB";
/// The live database is a few MiB: who has not got it by then has no network worth waiting for.
const FETCH_LIMIT: Duration = Duration::from_secs(90);
/// Measured: about 3 minutes on one core.
const INSTALL_LIMIT: Duration = Duration::from_secs(20 * 60);

/// `cargo xtask deny [--install]`: the step alone.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let install = match arguments {
        [] => Install::Never,
        [one] if one == "--install" => Install::Missing,
        other => bail!("deny takes --install only, not {other:?}"),
    };
    let outcome = step(root, install)?;
    if let Outcome::Partly(what) = &outcome {
        eprintln!("deny: {what}");
    }
    Ok(outcome != Outcome::Failed)
}

/// The step of the gate.
pub(crate) fn step(root: &Path, install: Install) -> anyhow::Result<Outcome> {
    let policy = Policy::parse(&read(root, "deny.toml")?)?;
    let locked = advisories::locked(&read(root, "Cargo.lock")?)?;
    let mut gaps = Vec::new();
    let mut held = report("ban", &policy.banned(&locked));

    let data = std::env::var_os(DATA);
    if let Some(folder) = &data {
        held &= offline(Path::new(folder), &policy, &locked)?;
    }
    if !cargo_deny(root, install)? {
        gaps.push("licences and sources were not checked: cargo-deny is absent, --install builds it");
        if data.is_none() {
            gaps.push("advisories were not checked");
        }
        return Ok(if held { outcome(&gaps) } else { Outcome::Failed });
    }
    held &= deny(root, &["check", "--hide-inclusion-graph", "bans", "licenses", "sources"])?;
    if data.is_none() {
        let fetched = process::run_within(&mut process::cargo(root, &["deny", "fetch", "db"]), FETCH_LIMIT)?;
        match fetched {
            Ended::Well => held &= deny(root, &["check", "--hide-inclusion-graph", "advisories"])?,
            Ended::Badly | Ended::Late => {
                gaps.push("advisories were not checked: the live database was not reached");
            }
        }
    }
    Ok(if held { outcome(&gaps) } else { Outcome::Failed })
}

/// Of a step that found no fault.
fn outcome(gaps: &[&str]) -> Outcome {
    if gaps.is_empty() { Outcome::Held } else { Outcome::Partly(gaps.join("; ")) }
}

fn offline(folder: &Path, policy: &Policy, locked: &[Locked]) -> anyhow::Result<bool> {
    let data = advisories::read(folder).with_context(|| format!("{DATA} = {}", folder.display()))?;
    let found = data.against(locked, policy);
    eprintln!("advisories: {} of {}, {} crates looked up", data.count(), data.newest(), locked.len());
    Ok(report("advisory", &found))
}

/// Prints what was found; `true` = nothing.
fn report(rule: &str, findings: &[String]) -> bool {
    for finding in findings {
        eprintln!("Cargo.lock: {rule}: {finding}");
    }
    findings.is_empty()
}

/// Whether cargo-deny is there, after building it where that was allowed.
fn cargo_deny(root: &Path, install: Install) -> anyhow::Result<bool> {
    let present = || process::present(&mut process::cargo(root, &["deny", "--version"]));
    if present() || install == Install::Never {
        return Ok(present());
    }
    eprintln!("deny: building cargo-deny, which takes minutes");
    let ended = process::run_within(
        &mut process::cargo(root, &["install", "cargo-deny", "--locked"]),
        INSTALL_LIMIT,
    )?;
    if ended != Ended::Well {
        eprintln!("deny: cargo install cargo-deny ended {ended:?}");
    }
    Ok(present())
}

fn deny(root: &Path, arguments: &[&str]) -> anyhow::Result<bool> {
    process::run(process::cargo(root, &["deny"]).args(arguments))
}

fn read(root: &Path, name: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_looked_at_is_told() {
        assert_eq!(outcome(&[]), Outcome::Held);
        assert_eq!(outcome(&["a", "b"]), Outcome::Partly("a; b".into()));
    }

    #[test]
    fn the_policy_in_the_tree_is_readable() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let policy = Policy::parse(&read(root, "deny.toml").unwrap()).unwrap();
        let locked = advisories::locked(&read(root, "Cargo.lock").unwrap()).unwrap();
        assert!(!locked.is_empty());
        assert_eq!(policy.banned(&locked), Vec::<String>::new());
    }
}
