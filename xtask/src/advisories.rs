//! Compares `Cargo.lock` with the bans of `deny.toml` and with a folder of RustSec advisories, without a network.
//!
//! Reads only: an advisory is a Markdown file `crates/NAME/*.md` that opens with a TOML block. A version that the
//! data does not call safe is a finding, so a form it cannot judge errs on the loud side. Next: `deny.rs`.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use semver::{Version, VersionReq};
use toml::{Table, Value};

/// One crate of the lock file that came from a registry or a repository.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) name: String,
    pub(crate) version: Version,
}

/// What `deny.toml` says by name: crates not for us, and advisories judged harmless here.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Crate and reason.
    bans: Vec<(String, String)>,
    ignored: Vec<String>,
}

/// Every advisory of a folder.
pub(crate) struct Advisories {
    all: Vec<Advisory>,
}

struct Advisory {
    id: String,
    package: String,
    date: String,
    /// `unmaintained`, `unsound`, `notice`; `None` = a vulnerability.
    kind: Option<String>,
    withdrawn: bool,
    /// Patched or never affected.
    safe: Vec<VersionReq>,
}

/// The foreign crates of a `Cargo.lock`; our own have no source and are left out.
pub(crate) fn locked(text: &str) -> anyhow::Result<Vec<Locked>> {
    let lock: Table = text.parse().context("Cargo.lock is not TOML")?;
    let packages = lock.get("package").and_then(Value::as_array).context("Cargo.lock names no package")?;
    let foreign = packages.iter().filter(|package| package.get("source").is_some());
    foreign
        .map(|package| {
            let name = string(package, "name").context("a package without a name")?;
            let version = string(package, "version").context("a package without a version")?;
            Ok(Locked { version: version.parse().with_context(|| format!("{name} {version}"))?, name })
        })
        .collect()
}

impl Policy {
    /// Reads `[bans] deny` and `[advisories] ignore`; an entry of another form is refused.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let table: Table = text.parse().context("deny.toml is not TOML")?;
        let list = |section: &str, key: &str| -> Vec<Value> {
            let found = table.get(section).and_then(|section| section.get(key)).and_then(Value::as_array);
            found.cloned().unwrap_or_default()
        };
        let mut policy = Self { bans: Vec::new(), ignored: Vec::new() };
        for entry in list("bans", "deny") {
            let Some((name, reason)) = string(&entry, "crate").zip(string(&entry, "reason")) else {
                bail!("deny.toml: a ban needs crate and reason: {entry:?}");
            };
            policy.bans.push((name, reason));
        }
        for entry in list("advisories", "ignore") {
            let Some((id, _)) = string(&entry, "id").zip(string(&entry, "reason")) else {
                bail!("deny.toml: an ignored advisory needs id and reason: {entry:?}");
            };
            policy.ignored.push(id);
        }
        Ok(policy)
    }

    /// The banned crates that are locked all the same, with the reason.
    pub(crate) fn banned(&self, locked: &[Locked]) -> Vec<String> {
        let mut found = Vec::new();
        for krate in locked {
            if let Some((_, reason)) = self.bans.iter().find(|(name, _)| *name == krate.name) {
                found.push(format!("{} {}: {reason}", krate.name, krate.version));
            }
        }
        found
    }
}

/// Reads a folder of advisories. Refuses one that holds none: an empty look is no look.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Advisories> {
    let mut all = Vec::new();
    for krate in fs::read_dir(folder.join("crates")).context("no folder crates/ in it")? {
        for file in fs::read_dir(krate?.path())? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path)?;
                all.push(parse(&text).with_context(|| path.display().to_string())?);
            }
        }
    }
    if all.is_empty() {
        bail!("it holds no advisory");
    }
    Ok(Advisories { all })
}

fn parse(text: &str) -> anyhow::Result<Advisory> {
    let front = text.split_once("```toml").and_then(|(_, rest)| rest.split_once("```"));
    let (front, _) = front.context("no TOML block")?;
    let table: Table = front.parse()?;
    let about = table.get("advisory").context("no [advisory]")?;
    let field = |name| string(about, name).with_context(|| format!("no advisory.{name}"));
    let versions = |name| table.get("versions").and_then(|v| v.get(name)).and_then(Value::as_array);
    let mut safe = Vec::new();
    for range in ["patched", "unaffected"].into_iter().filter_map(versions).flatten() {
        safe.push(VersionReq::parse(range.as_str().context("a range that is no string")?)?);
    }
    Ok(Advisory {
        id: field("id")?,
        package: field("package")?,
        date: field("date")?,
        kind: string(about, "informational"),
        withdrawn: about.get("withdrawn").is_some(),
        safe,
    })
}

impl Advisories {
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// The day of the newest advisory: how old the data is at most.
    pub(crate) fn newest(&self) -> &str {
        self.all.iter().map(|advisory| advisory.date.as_str()).max().unwrap_or("no date")
    }

    /// What the data says against the locked crates, less what the policy ignores. A `notice` is no finding.
    pub(crate) fn against(&self, locked: &[Locked], policy: &Policy) -> Vec<String> {
        let mut found = Vec::new();
        for advisory in &self.all {
            let silent = advisory.withdrawn
                || advisory.kind.as_deref() == Some("notice")
                || policy.ignored.contains(&advisory.id);
            for krate in locked.iter().filter(|krate| !silent && krate.name == advisory.package) {
                if !advisory.safe.iter().any(|range| range.matches(&krate.version)) {
                    let kind = advisory.kind.as_deref().unwrap_or("vulnerability");
                    found.push(format!("{} {}: {} ({kind})", krate.name, krate.version, advisory.id));
                }
            }
        }
        found.sort();
        found
    }
}

fn string(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests;
