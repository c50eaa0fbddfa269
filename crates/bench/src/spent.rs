//! What a process used up to a moment: processor time by thread, bytes written.
//!
//! Where the measured thing runs in the bench's own process, threads of the bench itself are told by their names,
//! `bench-…`. Read next: `process.rs`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;

use crate::process::{TICKS_PER_SECOND, Whose, cpu_us, ticks};

/// Begins the name of every thread that only generates the load.
pub(crate) const OWN_PREFIX: &str = "bench-";

/// Up to a moment.
#[derive(Debug, Clone)]
pub(crate) struct Spent {
    /// Of all threads, those that ended too, in microseconds.
    cpu_us: u64,
    /// Of the threads that run, by name, in microseconds.
    by_thread: BTreeMap<String, u64>,
    /// Bytes in calls that write, those to sockets among them. (What the kernel counts as written to the disk is of no
    /// use for small frames: it counts the whole of a large page for each few bytes in it.)
    written: u64,
}

/// Between two moments.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    pub(crate) cpu_us: u64,
    /// By thread, the busiest first.
    pub(crate) by_thread: Vec<(String, u64)>,
    pub(crate) written: u64,
}

impl Spent {
    /// Of this process.
    pub(crate) fn now() -> anyhow::Result<Spent> {
        Spent::of(std::process::id())
    }

    /// Of another process of this user.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Spent> {
        let mut by_thread = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the two reads.
            let Ok(stat) = fs::read_to_string(task?.path().join("stat")) else { continue };
            let name =
                stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(name, _)| name);
            let used = ticks(&stat, Whose::Own).context("/proc/PID/task")?;
            *by_thread.entry(name.to_owned()).or_default() += used * 1_000_000 / TICKS_PER_SECOND;
        }
        let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok());
        Ok(Spent { cpu_us: cpu_us(pid, Whose::Own)?, by_thread, written: written.unwrap_or(0) })
    }

    /// What was used since `before`.
    pub(crate) fn since(&self, before: &Spent) -> Used {
        let used = self.by_thread.iter().map(|(name, us)| {
            (name.clone(), us.saturating_sub(before.by_thread.get(name).copied().unwrap_or(0)))
        });
        let mut by_thread: Vec<(String, u64)> = used.filter(|(_, us)| *us > 0).collect();
        by_thread.sort_by_key(|(_, us)| std::cmp::Reverse(*us));
        Used {
            cpu_us: self.cpu_us.saturating_sub(before.cpu_us),
            by_thread,
            written: self.written.saturating_sub(before.written),
        }
    }
}

impl Used {
    /// Together with what the process of the load used, as one thread of it.
    pub(crate) fn with_load(mut self, load: &Used) -> Used {
        self.cpu_us += load.cpu_us;
        self.by_thread.push((format!("{OWN_PREFIX}load"), load.cpu_us));
        self
    }

    /// What the load's own threads used.
    pub(crate) fn own_us(&self) -> u64 {
        self.by_thread.iter().filter(|(name, _)| name.starts_with(OWN_PREFIX)).map(|(_, us)| us).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_busy_thread_is_seen_by_its_name() {
        let before = Spent::now().unwrap();
        let (ready, end) = (std::sync::mpsc::channel::<()>(), std::sync::mpsc::channel::<()>());
        let busy = std::thread::Builder::new().name("bench-busy".to_owned());
        let thread = busy.spawn(move || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(60) {}
            ready.0.send(()).unwrap();
            let _ = end.1.recv();
        });
        ready.1.recv().unwrap();
        let used = Spent::now().unwrap().since(&before);
        drop(end.0);
        thread.unwrap().join().unwrap();
        assert!(used.own_us() >= 10_000 && used.cpu_us >= used.own_us() / 2, "{used:?}");
        assert!(used.by_thread.iter().any(|(name, _)| name == "bench-busy"));
    }
}
