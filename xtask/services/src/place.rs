//! Where one server lives: a folder that its account can reach, with the data in it, and a log.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::account::Account;
use crate::program;
use crate::service::Kind;

/// So many lines of a log tell why a start failed.
const TAIL: usize = 20;

#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    log: PathBuf,
    account: Account,
}

impl Place {
    /// A new folder in the first of `homes` that the account can reach: a folder below somebody's home is often
    /// closed to others.
    pub(crate) fn create(kind: &Kind, prefix: &str, homes: &[PathBuf]) -> anyhow::Result<Place> {
        let account = Account::of(kind.account)?;
        for home in homes {
            let Ok(made) = tempfile::Builder::new().prefix(prefix).tempdir_in(home) else { continue };
            account.give(made.path())?;
            if reaches(account, made.path()) {
                // As `/proc` will show it.
                let folder = made.keep().canonicalize()?;
                let place = Place { log: folder.join("log"), folder, account };
                fs::create_dir(place.data())?;
                account.give(&place.data())?;
                return Ok(place);
            }
        }
        bail!("{} can reach none of {homes:?}; set TMPDIR to a folder that it can", kind.name)
    }

    /// One that was created before.
    pub(crate) fn at(kind: &Kind, folder: PathBuf) -> anyhow::Result<Place> {
        Ok(Place { log: folder.join("log"), account: Account::of(kind.account)?, folder })
    }

    /// The same, with its log elsewhere.
    pub(crate) fn with_log(self, log: PathBuf) -> Place {
        Place { log, ..self }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The program, to be run by the account, in the data folder, with what it says in the log.
    pub(crate) fn command(&self, program: &str) -> anyhow::Result<Command> {
        let path = program::find(program).with_context(|| {
            format!("{program} is not installed; `cargo xtask test` installs it for root")
        })?;
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(path);
        self.account.take_over(&mut command);
        command.current_dir(self.data()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, command: &mut Command) -> anyhow::Result<()> {
        self.run_with(command, "")
    }

    /// The same, with something to read.
    pub(crate) fn run_with(&self, command: &mut Command, input: &str) -> anyhow::Result<()> {
        let name = command.get_program().display().to_string();
        let mut child =
            command.stdin(Stdio::piped()).spawn().with_context(|| format!("cannot start {name}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let ended = child.wait()?;
        ensure!(ended.success(), "{name}: {ended}\n{}", self.tail());
        Ok(())
    }

    /// The end of the log.
    pub(crate) fn tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        format!("the end of {}:\n{last}", self.log.display())
    }

    /// The folder and all that is in it; a log elsewhere stays.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn reaches(account: Account, folder: &Path) -> bool {
    let mut test = Command::new("test");
    account.take_over(&mut test);
    test.arg("-w").arg(folder).current_dir("/").status().is_ok_and(|ended| ended.success())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::service::Service;

    #[test]
    fn a_folder_that_the_account_cannot_reach_is_passed_over() {
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o500)).unwrap();
        let open = tempfile::tempdir().unwrap();
        fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let homes = ["/no/such/folder".into(), closed.path().into(), open.path().to_owned()];
        let place = Place::create(Service::Postgres.kind(), "p-", &homes).unwrap();
        assert!(place.folder().starts_with(open.path().canonicalize().unwrap()));
        assert!(place.data().is_dir());
        place.remove();
        assert!(!place.folder().exists());
        assert!(Place::create(Service::Postgres.kind(), "p-", &homes[..1]).is_err());
    }

    #[test]
    fn what_a_failed_program_said_is_told() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::create(Service::Redis.kind(), "r-", &[home.path().to_owned()]).unwrap();
        place.run_with(place.command("sh").unwrap().arg("-s"), "exit 0\n").unwrap();
        let script = "for n in $(seq 30); do echo line $n; done; exit 3";
        let fault = place.run(place.command("sh").unwrap().args(["-c", script])).unwrap_err().to_string();
        assert!(fault.contains("exit status: 3") && fault.ends_with("line 30"), "{fault}");
        assert!(fault.contains("\nline 11\n") && !fault.contains("\nline 10\n"), "{fault}");
    }
}
