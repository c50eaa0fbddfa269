//! How long a workload runs, how often, and where it writes: the flags that all workloads share.
//!
//! Read next: `compare.rs`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

/// Flags of every workload.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Pace {
    /// Seconds of one round of one side
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Rounds; the sides alternate, the median is reported with the least and the most
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) rounds: u64,
    /// Prints one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder to write below, on a disk [default: ./target when there is one, else .]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

impl Pace {
    pub(crate) fn round(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// A fresh folder that is removed with the value.
    pub(crate) fn folder(&self) -> anyhow::Result<tempfile::TempDir> {
        let parent = match &self.dir {
            Some(dir) => dir.as_path(),
            None if Path::new("target").is_dir() => Path::new("target"),
            None => Path::new("."),
        };
        let made = tempfile::Builder::new().prefix("bench-").tempdir_in(parent);
        made.with_context(|| format!("cannot make a folder in {}", parent.display()))
    }
}
