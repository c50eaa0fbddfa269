//! A run: an immutable file of rows in the order of their hashes, with its filter and its fences in memory.
//!
//! ```text
//! 0     magic "TERCETID"          32  u64 from, the lowest position it covers
//! 8     u32 format version        40  u64 upto, one above the highest
//! 12    u32 level                 48  u64 blocks of the filter
//! 16    u64 rows                  56  u32 CRC-32 of the tail
//! 24    zeros                     60  u32 CRC-32 of bytes 0..60
//! 4096  blocks of 4 KiB of rows (`block.rs`)
//! then  the tail: the filter's blocks, and the fences: the first hash of each block of rows
//! ```
//!
//! A look-up asks the filter, finds the one block in the fences, and reads it. A run never holds two rows of one hash.
//! It must never take a block that fails its checksum for one that lacks the row. Read next: `run_writer.rs`, `runs.rs`.

use std::sync::Arc;

use journal::disk::read_exact;
use journal::{Disk, DiskFile};

use super::block::{self, BLOCK, ROWS, number, short};
use super::files::{damaged, failed};
use super::filter::{BLOCK_BYTES, Filter};
use super::{Found, Row};
use crate::Fault;

/// How a run's file is called after its range.
pub(super) const SUFFIX: &str = ".run";

const MAGIC: [u8; 8] = *b"TERCETID";
const VERSION: u32 = 1;
const SUM_AT: usize = 60;
/// Bytes of the tail read at once.
const CHUNK: usize = 1 << 18;

/// What a run is, as header and manifest say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// 0 for a window's rows; a merge of runs is one higher than they.
    pub(super) level: u32,
    pub(super) rows: u64,
    /// The positions it covers.
    pub(super) from: u64,
    pub(super) upto: u64,
}

impl About {
    /// The file's name. No two runs that ever counted share it: a merge has another level than what it replaces.
    pub(super) fn name(&self) -> String {
        format!("{}-{:016x}-{:016x}{SUFFIX}", self.level, self.from, self.upto)
    }

    /// Blocks of rows.
    pub(super) fn blocks(&self) -> u64 {
        self.rows.div_ceil(ROWS as u64)
    }

    /// Where the tail begins.
    pub(super) fn tail_at(&self) -> u64 {
        (self.blocks() + 1) * BLOCK as u64
    }

    /// The header of a run with such a tail.
    pub(super) fn header(&self, filter_blocks: usize, tail_sum: u32) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.level.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.rows.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.from.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.upto.to_le_bytes());
        bytes[48..56].copy_from_slice(&(filter_blocks as u64).to_le_bytes());
        bytes[56..60].copy_from_slice(&tail_sum.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..SUM_AT]);
        bytes[SUM_AT..SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

/// An open run.
pub(crate) struct Run {
    pub(super) about: About,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) file: Box<dyn DiskFile>,
    pub(super) filter: Arc<Filter>,
    pub(super) fences: Vec<u64>,
}

impl Run {
    /// Opens the run that the manifest speaks of, and reads its filter and fences.
    pub(super) fn open(disk: &Arc<dyn Disk>, about: About) -> Result<Run, Fault> {
        let name = about.name();
        let file = disk.open(&name).map_err(failed(&**disk, "open", &name))?;
        let bad = |why: &str| damaged(&**disk, &name, why);
        let mut header = [0; BLOCK];
        read_exact(&*file, &mut header, 0).map_err(|_| bad("it is cut off"))?;
        let filter_blocks = check_header(&header, &about).map_err(bad)?;
        let tail = filter_blocks.checked_mul(BLOCK_BYTES as u64);
        let end = tail.and_then(|tail| tail.checked_add(about.tail_at() + about.blocks() * 8));
        let length = file.length().map_err(failed(&**disk, "read", &name))?;
        if end != Some(length) {
            return Err(bad("its length is wrong"));
        }
        let filter_blocks = usize::try_from(filter_blocks).map_err(|_| bad("its filter is too large"))?;
        let mut tail = Tail { file: &*file, at: about.tail_at(), sum: crc32fast::Hasher::new() };
        let mut filter = Filter::with_room(filter_blocks);
        let read = tail.each(filter_blocks * BLOCK_BYTES, |block| filter.push_block(block));
        read.map_err(failed(&**disk, "read", &name))?;
        let mut fences = Vec::with_capacity(usize::try_from(about.blocks()).unwrap_or(0));
        let read = tail.each(fences.capacity() * 8, |bytes: &[u8; 8]| fences.push(number(bytes, 0)));
        read.map_err(failed(&**disk, "read", &name))?;
        if tail.sum.finalize() != short(&header, 56) {
            return Err(bad("its filter does not match its checksum"));
        }
        Ok(Run { about, disk: Arc::clone(disk), file, filter: Arc::new(filter), fences })
    }

    /// The row of this hash, by one read.
    pub(super) fn find(&self, hash: u64) -> Result<Option<Found>, Fault> {
        let Some(at) = self.fences.partition_point(|fence| *fence <= hash).checked_sub(1) else {
            return Ok(None);
        };
        let mut bytes = [0; BLOCK];
        self.read_blocks(at as u64, &mut bytes)?;
        let row = block::find(&bytes, self.rows_in(at as u64), hash);
        Ok(row.map(|Row { check, position, .. }| Found { check, position }))
    }

    /// Fills `bytes` with whole blocks from number `first` on, and proves them.
    pub(super) fn read_blocks(&self, first: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        let name = || self.about.name();
        let offset = (first + 1) * BLOCK as u64;
        read_exact(&*self.file, bytes, offset)
            .map_err(|error| failed(&*self.disk, "read", &name())(error))?;
        for (bytes, at) in bytes.chunks_exact(BLOCK).zip(first..) {
            if !block::is_whole(bytes, at) {
                return Err(damaged(
                    &*self.disk,
                    &name(),
                    &format!("block {at} does not match its checksum"),
                ));
            }
        }
        Ok(())
    }

    /// Rows in the block of this number.
    pub(super) fn rows_in(&self, block: u64) -> usize {
        let left = self.about.rows.saturating_sub(block * ROWS as u64);
        usize::try_from(left).unwrap_or(ROWS).min(ROWS)
    }
}

/// Checks a header against the manifest's word; gives the blocks of the filter.
fn check_header(header: &[u8; BLOCK], about: &About) -> Result<u64, &'static str> {
    if header[..8] != MAGIC || crc32fast::hash(&header[..SUM_AT]) != short(header, SUM_AT) {
        return Err("its header does not match its checksum");
    }
    if short(header, 8) != VERSION {
        return Err("its format version is not known here");
    }
    let said = About {
        level: short(header, 12),
        rows: number(header, 16),
        from: number(header, 32),
        upto: number(header, 40),
    };
    let filter_blocks = number(header, 48);
    if said == *about && filter_blocks > 0 { Ok(filter_blocks) } else { Err("it is not the run of its name") }
}

/// Reads a run's tail in order, and sums it.
struct Tail<'a> {
    file: &'a dyn DiskFile,
    at: u64,
    sum: crc32fast::Hasher,
}

impl Tail<'_> {
    /// Gives the next `length` bytes in pieces of `N`.
    fn each<const N: usize>(&mut self, length: usize, mut take: impl FnMut(&[u8; N])) -> std::io::Result<()> {
        let mut buffer = vec![0; length.min(CHUNK)];
        let mut left = length;
        while left > 0 {
            let bytes = &mut buffer[..left.min(CHUNK)];
            read_exact(self.file, bytes, self.at)?;
            self.sum.update(bytes);
            bytes.as_chunks().0.iter().for_each(&mut take);
            self.at += bytes.len() as u64;
            left -= bytes.len();
        }
        Ok(())
    }
}
