//! As whom a server runs: as ourselves, except that root starts those that refuse root as the user of their package.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// Who runs a server and owns its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    Own,
    Other { user: u32, group: u32 },
}

impl Account {
    /// The account `name` when we are root and may choose.
    pub(crate) fn of(name: Option<&str>) -> anyhow::Result<Account> {
        match name {
            Some(name) if rustix::process::geteuid().is_root() => {
                Ok(Account::Other { user: id("-u", name)?, group: id("-g", name)? })
            }
            _ => Ok(Account::Own),
        }
    }

    /// Its number.
    pub(crate) fn user(self) -> u32 {
        match self {
            Account::Own => rustix::process::geteuid().as_raw(),
            Account::Other { user, .. } => user,
        }
    }

    /// Has the command run as this account.
    pub(crate) fn take_over(self, command: &mut Command) {
        if let Account::Other { user, group } = self {
            command.uid(user).gid(group);
        }
    }

    /// Makes it the owner of the folder.
    pub(crate) fn give(self, folder: &Path) -> anyhow::Result<()> {
        if let Account::Other { user, group } = self {
            chown(folder, Some(user), Some(group)).with_context(|| format!("chown {}", folder.display()))?;
        }
        Ok(())
    }
}

fn id(which: &str, name: &str) -> anyhow::Result<u32> {
    let found = Command::new("id").args([which, name]).output().context("cannot start id")?;
    ensure!(found.status.success(), "there is no user {name}: install its package");
    Ok(String::from_utf8(found.stdout)?.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_refuses_nobody_runs_as_ourselves() {
        assert_eq!(Account::of(None).unwrap(), Account::Own);
    }

    #[test]
    fn ids_are_looked_up() {
        assert_eq!(id("-u", "root").unwrap(), 0);
        assert!(id("-u", "no-such-user-here").is_err());
    }
}
