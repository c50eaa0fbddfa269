//! Writes a run from rows that come in the order of their hashes, in as many steps as its caller likes.
//!
//! Rows go straight to blocks, blocks to the file in pieces; filter and fences grow in memory and follow as the tail.
//! The header comes last, then the sync, then the name: a file with a run's name is whole. Syncs along the way keep each
//! one short, so that the journal's own never queues behind a large one.
//!
//! It must never name a file that is not durable. Read next: `runs.rs`.

use std::sync::Arc;

use journal::disk::write_all;
use journal::{Disk, DiskFile};

use super::Row;
use super::block::{self, BLOCK, ROWS};
use super::files::{create, failed, publish};
use super::filter::{BLOCK_BYTES, Filter};
use super::run::{About, Run};
use crate::Fault;

/// Bytes given to the file at once.
const PIECE: usize = 64 * BLOCK;
/// Bytes after which what was written is synced.
const SYNC_AFTER: usize = 8 << 20;

/// A run that is being written.
pub(super) struct RunWriter {
    disk: Arc<dyn Disk>,
    part: String,
    file: Box<dyn DiskFile>,
    about: About,
    filter_blocks: usize,
    filter: Filter,
    fences: Vec<u64>,
    /// The newest row of the highest hash so far: a newer one may follow.
    pending: Option<Row>,
    buffer: Vec<u8>,
    /// Where in the buffer the block in work begins.
    block_at: usize,
    written: u64,
    unsynced: usize,
    /// Pieces of the tail that are written, and their sum.
    tail: usize,
    tail_sum: crc32fast::Hasher,
}

impl RunWriter {
    /// Begins the run `about`, which says how many rows will come at most.
    pub(super) fn begin(disk: &Arc<dyn Disk>, about: About) -> Result<RunWriter, Fault> {
        let part = format!("{}.part", about.name());
        let file = create(&**disk, &part)?;
        let filter_blocks = Filter::blocks_for(about.rows);
        Ok(RunWriter {
            disk: Arc::clone(disk),
            part,
            file,
            filter: Filter::with_room(filter_blocks),
            filter_blocks,
            fences: Vec::with_capacity(usize::try_from(about.blocks()).unwrap_or(0)),
            about: About { rows: 0, ..about },
            pending: None,
            buffer: Vec::with_capacity(PIECE),
            block_at: 0,
            written: BLOCK as u64,
            unsynced: 0,
            tail: 0,
            tail_sum: crc32fast::Hasher::new(),
        })
    }

    /// The next row: its hash is no lower than the one before, and of one hash the newer row comes later and counts.
    pub(super) fn push(&mut self, row: Row) -> Result<(), Fault> {
        match self.pending.replace(row) {
            Some(before) if before.hash != row.hash => self.place(before),
            _ => Ok(()),
        }
    }

    /// No row will come any more.
    pub(super) fn end_rows(&mut self) -> Result<(), Fault> {
        if let Some(last) = self.pending.take() {
            self.place(last)?;
        }
        if self.buffer.len() > self.block_at {
            self.end_block();
        }
        self.filter.fill_up(self.filter_blocks);
        self.flush()
    }

    /// Writes about `bytes` more of the tail; whether it is done.
    pub(super) fn write_tail(&mut self, bytes: usize) -> Result<Progress, Fault> {
        let mut left = bytes;
        while left > 0 {
            let end = self.filter.len() + self.fences.len();
            while self.tail < end && self.buffer.len() < PIECE {
                match self.tail.checked_sub(self.filter.len()) {
                    None => self.filter.write_block(self.tail, &mut self.buffer),
                    Some(fence) => self.buffer.extend_from_slice(&self.fences[fence].to_le_bytes()),
                }
                self.tail += 1;
            }
            if self.buffer.is_empty() {
                return Ok(Progress::Done);
            }
            left = left.saturating_sub(self.buffer.len().max(BLOCK_BYTES));
            self.tail_sum.update(&self.buffer);
            self.flush()?;
        }
        Ok(Progress::Going)
    }

    /// Writes the header, makes all durable, gives the file its name.
    pub(super) fn finish(self) -> Result<Run, Fault> {
        let RunWriter { disk, part, file, about, .. } = self;
        let header = about.header(self.filter_blocks, self.tail_sum.finalize());
        write_all(&*file, &header, 0).map_err(failed(&*disk, "write", &part))?;
        file.sync_data().map_err(failed(&*disk, "sync", &part))?;
        publish(&*disk, &part, &about.name())?;
        Ok(Run { about, disk, file, filter: Arc::new(self.filter), fences: self.fences })
    }

    /// The name of the file until it is whole.
    pub(super) fn part(&self) -> &str {
        &self.part
    }

    fn place(&mut self, row: Row) -> Result<(), Fault> {
        if self.buffer.len() == self.block_at {
            self.fences.push(row.hash);
        }
        block::push_row(&mut self.buffer, row);
        self.filter.add(row.hash, self.filter_blocks);
        self.about.rows += 1;
        if self.about.rows.is_multiple_of(ROWS as u64) {
            self.end_block();
            if self.buffer.len() >= PIECE {
                return self.flush();
            }
        }
        Ok(())
    }

    fn end_block(&mut self) {
        block::end(&mut self.buffer, self.block_at, self.fences.len() as u64 - 1);
        self.block_at = self.buffer.len();
    }

    fn flush(&mut self) -> Result<(), Fault> {
        write_all(&*self.file, &self.buffer, self.written).map_err(failed(
            &*self.disk,
            "write",
            &self.part,
        ))?;
        self.written += self.buffer.len() as u64;
        self.unsynced += self.buffer.len();
        self.buffer.clear();
        self.block_at = 0;
        if self.unsynced >= SYNC_AFTER {
            self.file.sync_data().map_err(failed(&*self.disk, "sync", &self.part))?;
            self.unsynced = 0;
        }
        Ok(())
    }
}

/// How far a piece of work in steps is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Going,
    Done,
}
