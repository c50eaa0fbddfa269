//! What an archive in memory stands on: tables, history and index of ids, that a simulator cuts, fills and copies.
//!
//! It must never be kinder than a folder on a disk. Read next: `memory.rs`, and `disk/fake.rs` of the journal.

use std::sync::Arc;

use journal::disk::FakeDisk;
use journal::disk::fake::{Keep, Power};

use super::memory::MemoryStore;
use super::{Archive, MEMORY_KEYS};
use crate::Fault;

/// The storage of an archive in memory. Clones are the same storage.
#[derive(Clone)]
pub struct Shelf {
    tables: MemoryStore,
    history: FakeDisk,
    ids: FakeDisk,
}

impl Default for Shelf {
    /// An empty one on a power of its own.
    fn default() -> Shelf {
        Shelf::on(&Power::default())
    }
}

impl Shelf {
    /// An empty storage, all of which hangs on this power.
    #[must_use]
    pub fn on(supply: &Power) -> Shelf {
        Shelf { tables: MemoryStore::on(supply), history: FakeDisk::on(supply), ids: FakeDisk::on(supply) }
    }

    /// Opens the archive that stands here, or a new one.
    ///
    /// # Errors
    /// When it is damaged, or a disk was told to fail.
    pub fn open(&self) -> Result<Archive, Fault> {
        let disks = (Arc::new(self.history.clone()) as _, Arc::new(self.ids.clone()) as _);
        Archive::over(Box::new(self.tables.clone()), disks, MEMORY_KEYS)
    }

    /// A power cut: `seed` decides what survives of what was not synced.
    pub fn crash(&self, seed: u64) {
        let commits = self.tables.unsynced() as u64 + 1;
        self.tables.cut(usize::try_from((seed >> 32) % commits).unwrap_or(0));
        self.history.crash(seed.rotate_left(13));
        self.ids.crash(seed.rotate_left(29));
    }

    /// A power cut that is told what survives: so many of the tables' unsynced commits, and of each disk.
    pub fn crash_keeping(&self, tables: usize, history: Keep, ids: Keep) {
        self.tables.cut(tables);
        self.history.crash_keeping(history);
        self.ids.crash_keeping(ids);
    }

    /// Commits of the tables that a power cut may take back.
    #[must_use]
    pub fn unsynced_commits(&self) -> usize {
        self.tables.unsynced()
    }

    /// A `kill -9`: all that was written stays.
    pub fn kill(&self) {
        self.history.kill();
        self.ids.kill();
    }

    /// From now on its tables cannot be written, for this reason, or they can again.
    pub fn trouble(&self, why: Option<&'static str>) {
        self.tables.trouble(why);
    }

    /// The disk of the ledger's history.
    #[must_use]
    pub fn history(&self) -> &FakeDisk {
        &self.history
    }

    /// The disk of the index of ids.
    #[must_use]
    pub fn ids(&self) -> &FakeDisk {
        &self.ids
    }

    /// An independent storage with the same seen and durable content, nobody on it, on this power.
    #[must_use]
    pub fn copy_on(&self, supply: &Power) -> Shelf {
        Shelf {
            tables: self.tables.copy_on(supply),
            history: self.history.copy_on(supply),
            ids: self.ids.copy_on(supply),
        }
    }
}
