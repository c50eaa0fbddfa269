//! Starts programs, waits for them, and gives up on those that outlast their time.
//!
//! Ends only what it started itself. Decides nothing about what a failure means: see `check.rs`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;

/// How a bounded run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Badly,
    /// It was still running when its time was over, and was ended.
    Late,
}

/// The cargo that runs us, in the workspace's folder.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    command
}

/// Runs to the end with our own output; `true` = exit code 0.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<bool> {
    let ended =
        command.status().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    Ok(ended.success())
}

/// As [`run`], but ends the program when `limit` has passed.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> anyhow::Result<Ended> {
    let name = command.get_program().display().to_string();
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let until = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            Some(ended) if ended.success() => return Ok(Ended::Well),
            Some(_) => return Ok(Ended::Badly),
            None if Instant::now() >= until => {
                child.kill()?;
                child.wait()?;
                return Ok(Ended::Late);
            }
            None => sleep(Duration::from_millis(50)),
        }
    }
}

/// Whether the program can be started at all; its output is dropped.
pub(crate) fn present(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|ended| ended.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_outlasts_its_time_is_ended() {
        let began = Instant::now();
        let ended = run_within(Command::new("sleep").arg("60"), Duration::from_millis(100)).unwrap();
        assert_eq!(ended, Ended::Late);
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn exit_codes_are_told_apart() {
        let limit = Duration::from_secs(30);
        assert_eq!(run_within(&mut Command::new("true"), limit).unwrap(), Ended::Well);
        assert_eq!(run_within(&mut Command::new("false"), limit).unwrap(), Ended::Badly);
        assert!(run(&mut Command::new("no-such-program-here")).is_err());
        assert!(!present(&mut Command::new("no-such-program-here")));
    }
}
