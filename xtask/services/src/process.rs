//! Which processes are ours: those of the program's name that work in the data folder. A process id alone proves
//! nothing, since ids come round again; a stranger is never signalled.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long an end may take after SIGKILL: the kernel has to give back what the process held.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether this process is the program, at work in that folder.
pub(crate) fn is(pid: u32, program: &str, folder: &Path) -> bool {
    let about = Path::new("/proc").join(pid.to_string());
    let named = fs::read_to_string(about.join("comm")).is_ok_and(|name| name.trim_end() == program);
    // A process that has ended, but was not waited for, works nowhere.
    named && fs::read_link(about.join("cwd")).is_ok_and(|at| at == folder)
}

/// The program's processes in that folder: a server and its children.
pub(crate) fn all(program: &str, folder: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| is(*pid, program, folder)).collect()
}

/// One that is gone already is fine.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// SIGKILL to all of them, until none is left; `false`: some would not end.
pub(crate) fn kill_all(program: &str, folder: &Path) -> bool {
    within(PATIENCE, || {
        let left = all(program, folder);
        left.iter().for_each(|pid| signal(*pid, Signal::KILL));
        left.is_empty()
    })
}

/// Looks until it is so, or the time is over.
pub(crate) fn within(time: Duration, mut so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    loop {
        if so() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_known_by_its_name_and_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (here, elsewhere) = (folder.path().canonicalize().unwrap(), std::env::temp_dir());
        let mut child = Command::new("sleep").arg("60").current_dir(&here).spawn().unwrap();
        let pid = child.id();
        assert!(within(PATIENCE, || is(pid, "sleep", &here)));
        assert!(!is(pid, "redis-server", &here) && !is(pid, "sleep", &elsewhere));
        assert_eq!(all("sleep", &here), [pid]);
        assert!(kill_all("sleep", &here));
        // Not waited for yet, and all the same no longer there.
        assert!(!is(pid, "sleep", &here));
        assert!(!child.wait().unwrap().success());
    }
}
