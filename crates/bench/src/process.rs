//! The processes of a measurement: started, watched from /proc, ended with -9.
//!
//! Only processes started here are ever ended. Read next: `tercet.rs`, `limit/listen.rs`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};

/// A start-up with a million open transactions is measured too.
const READY_WITHIN: Duration = Duration::from_secs(300);
const LISTENING_WITHIN: Duration = Duration::from_secs(30);
/// `USER_HZ`: fixed at 100 on every Linux that this runs on.
pub(crate) const TICKS_PER_SECOND: u64 = 100;

/// A running process; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// What it printed behind `ready `.
    pub(crate) ready: String,
    /// From the spawn to the ready line.
    pub(crate) start_up: Duration,
}

impl Process {
    /// Starts `command` and waits for its line `ready …`; what it logs goes to the file `log`.
    pub(crate) fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let output = child.stdout.take().context("the process has no output")?;
        let mut process = Process { child, ready: String::new(), start_up: Duration::ZERO };
        let (told, first) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = String::new();
            let read = output.read_line(&mut line).map(|_| (line, Instant::now()));
            // Nobody listens any more when the line came too late.
            let _ = told.send(read);
            let _ = output.read_to_end(&mut Vec::new());
        });
        let (line, at) =
            first.recv_timeout(READY_WITHIN).map_err(|_| anyhow!("{name} was not ready in time"))??;
        let ready = line.strip_prefix("ready ").map(str::trim);
        let ready = ready.with_context(|| format!("{name} did not become ready:\n{}", tail(log)))?;
        ready.clone_into(&mut process.ready);
        process.start_up = at - begun;
        Ok(process)
    }

    /// Starts `command` and waits until `address` takes connections; all it prints goes to the file `log`.
    pub(crate) fn start_at(mut command: Command, log: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = File::create(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let mut process = Process { child, ready: address.to_string(), start_up: Duration::ZERO };
        while TcpStream::connect(address).is_err() {
            let ended = process.child.try_wait()?;
            ensure!(ended.is_none(), "{name} ended:\n{}", tail(log));
            ensure!(begun.elapsed() < LISTENING_WITHIN, "{name} does not listen:\n{}", tail(log));
            std::thread::sleep(Duration::from_millis(20));
        }
        process.start_up = begun.elapsed();
        Ok(process)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory now, in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        self.memory("VmRSS:")
    }

    /// The most resident memory so far, in bytes.
    pub(crate) fn resident_peak(&self) -> anyhow::Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> anyhow::Result<u64> {
        memory(self.id(), field)
    }

    /// Closes its input and waits until it has ended by itself, in good order.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let ended = self.child.wait()?;
        ensure!(ended.success(), "a process of the measurement ended with {ended}");
        Ok(())
    }

    /// kill -9, at once.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about either.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of this very process, in bytes.
pub(crate) fn own_resident() -> anyhow::Result<u64> {
    memory(std::process::id(), "VmRSS:")
}

fn memory(pid: u32, field: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(proc_of(pid, "status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).context("no such line in status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// This program, as the command that starts a helping process of it.
pub(crate) fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this program's own file")
}

/// Whose processor time is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// The process alone.
    Own,
    /// Its children's too, those that run and those that ended: a database serves each connection by one.
    WithChildren,
}

/// Processor time of a process so far, user and system, in microseconds (to 10 ms).
pub(crate) fn cpu_us(pid: u32, whose: Whose) -> anyhow::Result<u64> {
    let text = fs::read_to_string(proc_of(pid, "stat")).context("a measured process has ended")?;
    let own = ticks(&text, whose).context("/proc/PID/stat")?;
    let below = if let Whose::WithChildren = whose { ticks_below(pid) } else { 0 };
    Ok((own + below) * 1_000_000 / TICKS_PER_SECOND)
}

/// Of the running children, and theirs. One that has just ended is in its parent's figures from now on.
fn ticks_below(pid: u32) -> u64 {
    let children = fs::read_to_string(proc_of(pid, &format!("task/{pid}/children"))).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    let each = children.map(|child| {
        let stat = fs::read_to_string(proc_of(child, "stat")).unwrap_or_default();
        ticks(&stat, Whose::WithChildren).unwrap_or(0) + ticks_below(child)
    });
    each.sum()
}

/// Fields 14 and 15, and 16 and 17 for children that ended; the name may hold spaces and parentheses itself.
pub(crate) fn ticks(stat: &str, whose: Whose) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let count = if let Whose::Own = whose { 2 } else { 4 };
    let fields: Vec<u64> =
        fields.split(' ').skip(11).take(count).map_while(|field| field.parse().ok()).collect();
    (fields.len() == count).then(|| fields.iter().sum())
}

fn proc_of(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// The last lines of a log, for a message.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4 5 6 7 8 30 12 5 3 20 0";
        assert_eq!([ticks(stat, Whose::Own), ticks(stat, Whose::WithChildren)], [Some(42), Some(50)]);
        assert_eq!(ticks("7 (a)", Whose::Own), None);
    }

    #[test]
    fn this_process_has_used_the_processor() {
        let begun = Instant::now();
        let pid = std::process::id();
        while cpu_us(pid, Whose::Own).unwrap() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
    }

    #[test]
    fn a_process_is_ready_when_it_says_so_and_its_log_tells_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let process = Process::start(shell("echo ready a=b; read x"), &log).unwrap();
        assert_eq!(process.ready, "a=b");
        assert!(process.resident().unwrap() > 0 && process.resident_peak().unwrap() > 0);
        process.kill().unwrap();
        let refused = Process::start(shell("echo no such folder >&2"), &log).unwrap_err();
        assert!(refused.to_string().contains("no such folder"), "{refused}");
    }
}
