//! The sums of the history's blocks, 64 KiB each: what shows that a byte below the end is not what was written.
//!
//! A block's sum is made over its bytes, its position, and the sum of the block before: blocks cannot change places, and
//! the last sum speaks for all of them. They lie in one file beside the history, eight bytes each; the sum of the block
//! that is not full yet is kept by the archive's tables. It must never be read for a block beyond the end. Read next:
//! `blocks.rs` (how they are checked).

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use journal::disk::{read_exact, write_all};
use journal::{Disk, DiskFile};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::record::whole;
use super::segments::failed;
use crate::Fault;

/// Bytes that have one sum.
pub(super) const BLOCK_BYTES: u64 = 64 * 1024;
/// Bytes of a sum, little endian.
pub(super) const SUM_BYTES: u64 = 8;
const NAME: &str = "sums";

/// The sum of the block at a position.
pub(super) fn sum(block: &[u8], position: u64, former: u64) -> u64 {
    xxh3_64_with_seed(block, former ^ position)
}

/// The sums of a history as far as it was written.
#[derive(Clone)]
pub(super) struct Chain {
    /// Bytes of a block.
    block: u64,
    end: u64,
    open: Xxh3,
}

impl Chain {
    /// The chain at the beginning of the block at `position`, after the block that has the sum `former`.
    pub(super) fn new(block: u64, position: u64, former: u64) -> Chain {
        Chain { block, end: position, open: Xxh3::with_seed(former ^ position) }
    }

    /// Goes on by these bytes; adds the sums of the blocks that they fill.
    pub(super) fn take(&mut self, bytes: &[u8], full: &mut Vec<u64>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.block - self.end % self.block;
            let (now, later) = rest.split_at(rest.len().min(whole(room)));
            self.open.update(now);
            self.end += now.len() as u64;
            if self.end.is_multiple_of(self.block) {
                full.push(self.sum());
                *self = Chain::new(self.block, self.end, self.sum());
            }
            rest = later;
        }
    }

    /// The sum of what the block under way has so far.
    pub(super) fn sum(&self) -> u64 {
        self.open.digest()
    }

    /// How many blocks are full.
    pub(super) fn full(&self) -> u64 {
        self.end / self.block
    }
}

/// The file of sums: made when the first block is full.
pub(super) struct Sums {
    disk: Arc<dyn Disk>,
    file: OnceLock<Box<dyn DiskFile>>,
    unsynced: AtomicBool,
}

impl Sums {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Sums {
        Sums { disk, file: OnceLock::new(), unsynced: AtomicBool::new(false) }
    }

    /// The file's path, for messages.
    pub(super) fn shown(&self) -> String {
        format!("{}/{NAME}", self.disk.folder())
    }

    /// The sum of block `index`; `None` when the file ends before it, or is missing.
    pub(super) fn get(&self, index: u64) -> Result<Option<u64>, Fault> {
        let shown = self.shown();
        if self.file.get().is_none() {
            match self.disk.open(NAME) {
                Ok(file) => drop(self.file.set(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed("open", &shown)(error)),
            }
        }
        let Some(file) = self.file.get() else { return Ok(None) };
        let mut sum = [0; SUM_BYTES as usize];
        match read_exact(&**file, &mut sum, index * SUM_BYTES) {
            Ok(()) => Ok(Some(u64::from_le_bytes(sum))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(failed("read", &shown)(error)),
        }
    }

    /// Writes the sums of the blocks from `index` on.
    pub(super) fn put(&self, index: u64, sums: &[u64]) -> Result<(), Fault> {
        if sums.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        let file = self.made()?;
        write_all(file, &bytes, index * SUM_BYTES).map_err(failed("write", &self.shown()))?;
        self.unsynced.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes all sums durable.
    pub(super) fn sync(&self) -> Result<(), Fault> {
        if !self.unsynced.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let shown = self.shown();
        if let Some(file) = self.file.get() {
            file.sync_data().map_err(failed("sync", &shown))?;
        }
        // Its name may be as new as its bytes; a folder without changes costs nothing to sync.
        self.disk.sync_dir().map_err(failed("sync the names in", &self.disk.folder()))
    }

    /// The file, made when there is none.
    fn made(&self) -> Result<&dyn DiskFile, Fault> {
        if let Some(file) = self.file.get() {
            return Ok(&**file);
        }
        let opened = match self.disk.open(NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.disk.create(NAME),
            opened => opened,
        };
        let file = opened.map_err(failed("open", &self.shown()))?;
        Ok(&**self.file.get_or_init(|| file))
    }
}
