//! A private PostgreSQL with its default settings, so durable, in the measurement's folder and only while it runs.
//!
//! Read next: `dtmrs.rs`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::peer::free_address;
use crate::process::Process;

/// PostgreSQL refuses to run as this user.
const ROOT: u32 = 0;

/// Whom it runs as: user and group.
#[derive(Debug, Clone, Copy)]
struct Owner(u32, u32);

/// A serving PostgreSQL; dropping it ends it with all its processes.
pub(crate) struct Postgres {
    pub(crate) process: Process,
    /// Of its database.
    pub(super) url: String,
    home: PathBuf,
    owner: Option<Owner>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Asked to stop, it waits for its own children; if it cannot be asked, it is killed with `process`.
        let mut stop = command("pg_ctl", self.owner, &self.home);
        stop.args(["stop", "-w", "-m", "fast", "-D"]).arg(self.home.join("data"));
        let _ = stop.stdin(Stdio::null()).output();
    }
}

/// Makes a cluster below `folder` and serves it.
pub(super) fn start(folder: &Path) -> anyhow::Result<Postgres> {
    let home = folder.join("postgres");
    fs::create_dir(&home)?;
    let owner = owner(folder)?;
    if let Some(Owner(user, group)) = owner {
        // Its user has to reach its folder.
        fs::set_permissions(folder, Permissions::from_mode(0o711))?;
        chown(&home, Some(user), Some(group))?;
    }
    let data = home.join("data");
    let mut make = command("initdb", owner, &home);
    make.arg("-D").arg(&data).args(["-U", "tercet", "-A", "trust", "-E", "UTF8", "--no-sync"]);
    let made = make.stdin(Stdio::null()).output().context("cannot start initdb: is PostgreSQL on PATH?")?;
    ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
    let address = free_address()?;
    let mut serve = command("postgres", owner, &home);
    serve.arg("-D").arg(&data).arg("-k").arg(&home).args(["-p", &address.port().to_string()]);
    serve.args(["-c", "listen_addresses=127.0.0.1"]);
    let process = Process::start_at(serve, &folder.join("postgres.log"), address)?;
    Ok(Postgres { process, url: format!("postgres://tercet@{address}/postgres"), home, owner })
}

fn command(program: &str, owner: Option<Owner>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home);
    if let Some(Owner(user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// Somebody else than root, when this is root: `postgres` if there is one, else `nobody`.
fn owner(folder: &Path) -> anyhow::Result<Option<Owner>> {
    if fs::metadata(folder)?.uid() != ROOT {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = ["postgres", "nobody"].iter().find_map(|name| user(&users, name));
    Ok(Some(found.context("PostgreSQL does not run as root, and there is no user postgres or nobody")?))
}

fn user(users: &str, name: &str) -> Option<Owner> {
    let line = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let mut fields = line.split(':').skip(1);
    Some(Owner(fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "postgres2:x:1:2::/:\npostgres:x:101:104:p,,,:/var:/bin/sh\n";
        let found = user(users, "postgres").map(|Owner(user, group)| (user, group));
        assert_eq!(found, Some((101, 104)));
        assert!(user(users, "nobody").is_none());
    }
}
