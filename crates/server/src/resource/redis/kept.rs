//! The small file of a Redis resource in the data folder: its epoch, and the sums of what the engine may have removed.
//!
//! It is written whole, and never before its content is true. Losing it while old transactions are removed too makes the
//! books incomplete; a rebuild then refuses what would fall below zero.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::books::Sums;

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The epoch that Redis was filled under; empty: it never was.
    pub(super) epoch: String,
    /// Transactions begun before this time (in microseconds) are in the sums.
    pub(super) through: i64,
    /// The sums by counter.
    pub(super) counters: BTreeMap<String, Sums>,
}

impl Kept {
    /// Reads it; no file is the beginning.
    pub(super) fn read(path: &Path) -> io::Result<Kept> {
        match fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes it in place of the one before, durably.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let next = path.with_extension("next");
        let mut file = File::create(&next)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        File::open(folder)?.sync_all()
    }
}
