//! `cargo xtask services start|stop|status`: PostgreSQL, MariaDB and Redis for tests, private to this target folder.
//!
//! Knows when they start and stop, not how: that is the crate beside this one, `xtask/services`, which the laboratory
//! uses too. It is no room and knows nothing of the product. Read next: `xtask/services/src/set.rs`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use services::{Service, Set};

use crate::tools;

/// The servers go on running when `start` has ended, until `stop`.
pub(crate) fn chore(_: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let set = set()?;
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["start"] => {
            tools::provide()?;
            set.start()?;
            status(&set)
        }
        ["stop"] => {
            set.stop(&Service::ALL)?;
            Ok(true)
        }
        ["status"] => status(&set),
        other => bail!("{other:?}? cargo xtask services start|stop|status"),
    }
}

/// Runs `work` while they run, with the variables that tell where, and ends those that did not run before.
pub(crate) fn during(work: impl FnOnce(&[(&str, String)]) -> anyhow::Result<bool>) -> anyhow::Result<bool> {
    let set = set()?;
    let started = set.start()?;
    let running = set.running();
    let worked = running.and_then(|running| {
        let told: Vec<_> = running.iter().map(|server| (server.service().variable(), server.url())).collect();
        work(&told)
    });
    set.stop(&started)?;
    worked
}

/// A line for each; `false` when one does not run.
fn status(set: &Set) -> anyhow::Result<bool> {
    let running = set.running()?;
    for service in Service::ALL {
        let name = service.name();
        match running.iter().find(|server| server.service() == service) {
            Some(server) => {
                let (pid, url, log) = (server.pid(), server.url(), server.log().display());
                println!("{name:<9} {url}  pid {pid}, log {log}");
            }
            None => println!("{name:<9} does not run"),
        }
    }
    Ok(running.len() == Service::ALL.len())
}

fn set() -> anyhow::Result<Set> {
    Ok(Set::of(&target()?))
}

/// The target folder that this program was built into, wherever that is.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("cargo builds into TARGET/PROFILE")?;
    Ok(target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_word_is_refused() {
        for wrong in [&[][..], &["restart".into()], &["stop".into(), "now".into()]] {
            assert!(chore(Path::new("."), wrong).is_err(), "{wrong:?}");
        }
    }
}
