//! What the measurement ran on: read from the kernel, printed beside every figure.
//!
//! Read next: `figures.rs`.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::process::{TICKS_PER_SECOND, Whose, cpu_us};

/// The machine, as the run began.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    /// Over 1, 5 and 15 minutes.
    pub(crate) load_average: [f64; 3],
    pub(crate) kernel: String,
    /// Of the folder that is written to.
    pub(crate) file_system: String,
    /// `release` or `debug`: figures of a debug build mean nothing.
    pub(crate) build: &'static str,
    /// Share of all cores' time that was used by others while this ran, the kernel's own threads among them.
    pub(crate) neighbours: f64,
    #[serde(skip)]
    begun: Spent,
}

/// Processor time up to a moment, in ticks.
#[derive(Debug, Clone, Copy)]
struct Spent {
    at: Instant,
    by_all: u64,
    by_us: u64,
}

impl Machine {
    /// Reads it. Refuses a folder in memory, where a sync costs nothing.
    pub(crate) fn look(folder: &Path) -> anyhow::Result<Self> {
        let file_system = file_system(folder)?;
        ensure!(
            !matches!(file_system.as_str(), "tmpfs" | "ramfs"),
            "{} is on {file_system}: a sync there costs nothing; name a folder on a disk with --dir",
            folder.display()
        );
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Ok(Machine {
            cores: std::thread::available_parallelism()?.get(),
            processor: processor.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            load_average: load_average()?,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            file_system,
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            neighbours: 0.0,
            begun: Spent::now()?,
        })
    }

    /// Looks what others used since [`Machine::look`].
    pub(crate) fn look_again(&mut self) -> anyhow::Result<()> {
        let now = Spent::now()?;
        let others = (now.by_all - self.begun.by_all).saturating_sub(now.by_us - self.begun.by_us);
        let seconds = (now.at - self.begun.at).as_secs_f64();
        self.neighbours = others as f64 / (seconds * (self.cores as u64 * TICKS_PER_SECOND) as f64);
        Ok(())
    }
}

impl Spent {
    fn now() -> anyhow::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let by_all = busy(&stat).context("/proc/stat")?;
        let by_us = cpu_us(std::process::id(), Whose::WithChildren)? * TICKS_PER_SECOND / 1_000_000;
        Ok(Spent { at: Instant::now(), by_all, by_us })
    }
}

/// All that is not idle: user, nice, system, interrupts, and what the host took away.
fn busy(stat: &str) -> Option<u64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
    let fields: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, hard, soft, stolen] = fields[..] else { return None };
    Some(user + nice + system + hard + soft + stolen)
}

fn load_average() -> anyhow::Result<[f64; 3]> {
    let text = fs::read_to_string("/proc/loadavg")?;
    let mut figures = [0.0; 3];
    for (figure, word) in figures.iter_mut().zip(text.split(' ')) {
        *figure = word.parse().context("/proc/loadavg")?;
    }
    Ok(figures)
}

/// The type of the file system that holds `folder`.
fn file_system(folder: &Path) -> anyhow::Result<String> {
    let folder = fs::canonicalize(folder)?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let kind = mounted_at(&mounts, &folder).context("no mount holds the folder")?;
    Ok(kind.to_owned())
}

/// The deepest mount above `folder`; of two at the same place the later covers the earlier.
fn mounted_at<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let (place, source) = line.split_once(" - ")?;
        let place = place.split(' ').nth(4)?;
        folder.starts_with(place).then_some((place.len(), source.split(' ').next()?))
    });
    mounts.max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_and_latest_mount_counts() {
        let mounts = "21 1 254:0 / / rw - ext4 /dev/vda rw\n\
                      22 21 0:1 / /a rw,shared:1 - xfs x rw\n\
                      23 21 0:2 / /a rw - tmpfs tmpfs rw\n\
                      24 21 0:3 / /ab rw - btrfs x rw\n";
        for (folder, kind) in [("/a/b", "tmpfs"), ("/ab", "btrfs"), ("/abc", "ext4")] {
            assert_eq!(mounted_at(mounts, Path::new(folder)), Some(kind), "{folder}");
        }
    }

    #[test]
    fn busy_is_all_but_idle() {
        assert_eq!(busy("cpu  1 2 4 8 16 32 64 128 256 512\ncpu0 1 2\n"), Some(1 + 2 + 4 + 32 + 64 + 128));
        assert_eq!(busy("cpu 1 2\n"), None);
    }

    #[test]
    fn this_machine_can_be_read() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut machine = Machine::look(folder.path()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        machine.look_again().unwrap();
        // Ticks are coarse: of a short time a little more than all may seem used.
        assert!((0.0..=1.5).contains(&machine.neighbours), "{}", machine.neighbours);
        assert!(machine.cores >= 1 && !machine.kernel.is_empty() && !machine.file_system.is_empty());
    }
}
