//! Private servers whose test was killed before it could end them: ended by the next test that starts one.
//!
//! A folder's name says whose it is. Must never end the server of a test that runs, nor what somebody else owns.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::Account;
use crate::process;
use crate::service::Kind;

/// Not younger: a test in another container may share the folder and yet be no process here.
const AGE: Duration = Duration::from_secs(15 * 60);

/// How the folder's name begins when it is this process's own.
pub(crate) fn prefix(kind: &Kind) -> String {
    format!("{}{}-", any(kind), std::process::id())
}

fn any(kind: &Kind) -> String {
    format!("tercet-{}-of-", kind.name)
}

/// Ends those in `homes`, and removes their data.
pub(crate) fn end(kind: &Kind, account: Account, homes: &[PathBuf]) {
    // As `/proc` will show them.
    let homes = homes.iter().filter_map(|home| home.canonicalize().ok());
    let entries = homes.filter_map(|home| fs::read_dir(home).ok()).flatten().flatten();
    for folder in entries.map(|entry| entry.path()).filter(|folder| is_orphan(kind, account, folder)) {
        if process::kill_all(kind.program, &folder.join("data")) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

fn is_orphan(kind: &Kind, account: Account, folder: &Path) -> bool {
    let owner = || {
        let name = folder.file_name()?.to_str()?;
        name.strip_prefix(&any(kind))?.split_once('-')?.0.parse::<u32>().ok()
    };
    let Some(owner) = owner() else { return false };
    let gone = !Path::new("/proc").join(owner.to_string()).exists();
    // Not through a link: that would be somebody's trap.
    let ours = fs::symlink_metadata(folder).is_ok_and(|found| {
        let old = found.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > AGE);
        found.is_dir() && found.uid() == account.user() && old
    });
    gone && ours
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::SystemTime;

    use super::*;
    use crate::service::Service;

    #[test]
    fn the_folder_of_a_test_that_is_gone_goes_too() {
        let home = tempfile::tempdir().unwrap();
        let kind = Service::Redis.kind();
        // No process has the number 0.
        let [orphan, own, young, other] = [
            "tercet-redis-of-0-a".into(),
            prefix(kind) + "b",
            "tercet-redis-of-0-c".into(),
            "redis-of-0-d".into(),
        ]
        .map(|name| home.path().join(name));
        for folder in [&orphan, &own, &young, &other] {
            fs::create_dir(folder).unwrap();
        }
        for folder in [&orphan, &own, &other] {
            File::open(folder).unwrap().set_modified(SystemTime::now() - 2 * AGE).unwrap();
        }
        end(kind, Account::Own, &[home.path().to_owned(), "/no/such/folder".into()]);
        assert!(!orphan.exists());
        assert!(own.exists() && young.exists() && other.exists());
    }
}
