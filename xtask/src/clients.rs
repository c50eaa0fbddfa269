//! Clients of other people that tests drive: fetched once, each into a folder of its own below the target folder.
//!
//! Nothing of them is in the tree, and the machine's own Python stays as it is. Which programs that needs is known to
//! `tools.rs`; who drives them is `crates/cli/tests/dtm_clients`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::{process, services};

/// The environment variable that tells tests which Python has DTM's client.
pub(crate) const VARIABLE: &str = "TEST_DTMCLI_PYTHON";

/// DTM's own client for Python, in the last version there is; it names what it needs itself.
const PACKAGE: &str = "dtmcli==1.7.7.0";

/// Ends well when everything is there, in that version.
const ASKS: &str = "\
import sys
from importlib.metadata import version
import dtmcli.barrier, dtmcli.msg, dtmcli.saga, dtmcli.tcc, pymysql, requests
sys.exit('dtmcli==' + version('dtmcli') != sys.argv[1])
";

/// The Python that has the client, whether or not it is there by now.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    Ok(program(&folder()?))
}

/// Fetches what is not there yet.
pub(crate) fn provide() -> anyhow::Result<()> {
    let folder = folder()?;
    if is_complete(&folder) {
        return Ok(());
    }
    // Two runs on one target folder make it once.
    fs::create_dir_all(folder.parent().context("a folder below the target folder")?)?;
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    if is_complete(&folder) {
        return Ok(());
    }
    eprintln!("== fetching {PACKAGE} into {}", folder.display());
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    ensure!(process::run(&mut make)?, "python3 could not make {}", folder.display());
    let mut fetch = Command::new(program(&folder));
    fetch.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]);
    ensure!(process::run(&mut fetch)?, "pip could not fetch {PACKAGE}");
    ensure!(is_complete(&folder), "{PACKAGE} was fetched and does not run: look at {}", folder.display());
    Ok(())
}

fn folder() -> anyhow::Result<PathBuf> {
    Ok(services::target()?.join("services").join("python-dtmcli"))
}

fn program(folder: &Path) -> PathBuf {
    folder.join("bin").join("python")
}

fn is_complete(folder: &Path) -> bool {
    process::present(Command::new(program(folder)).args(["-c", ASKS, PACKAGE]))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_python_without_the_client_or_none_at_all_is_not_complete() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_complete(folder.path()));
        fs::create_dir(folder.path().join("bin")).unwrap();
        for (stand_in, is_one) in [("false", false), ("true", true)] {
            let _ = fs::remove_file(program(folder.path()));
            symlink(::services::program::find(stand_in).unwrap(), program(folder.path())).unwrap();
            assert_eq!(is_complete(folder.path()), is_one, "{stand_in}");
        }
    }
}
