//! Merges runs of one level into one of the next, a bounded number of rows at a time.
//!
//! The inputs cover neighbouring ranges of the history, so of equal hashes the row of the younger run counts and the
//! others are left out. Readers go on with the inputs until the manifest names the output.
//!
//! It must never hold more in memory than a piece of each input, the output's filter and its fences. Read next: `runs.rs`.

use std::sync::Arc;

use super::Row;
use super::block::{self, BLOCK};
use super::run::{About, Run};
use super::run_writer::{Progress, RunWriter};
use crate::Fault;

/// Blocks of an input read at once.
const AHEAD: u64 = 32;
/// Bytes of a row in a file, to count the tail in rows.
const ROW_BYTES: usize = 24;

/// A merge under way.
pub(super) struct Merge {
    /// Oldest first; those that are at their end are gone.
    cursors: Vec<Cursor>,
    phase: Phase,
    writer: RunWriter,
    inputs: Vec<Arc<Run>>,
}

enum Phase {
    Rows,
    Tail,
}

impl Merge {
    /// Begins to merge `inputs`, neighbours of one level, oldest first.
    pub(super) fn begin(inputs: Vec<Arc<Run>>) -> Result<Merge, Fault> {
        let (oldest, youngest) = (&inputs[0], &inputs[inputs.len() - 1]);
        let about = About {
            level: oldest.about.level + 1,
            rows: inputs.iter().map(|run| run.about.rows).sum(),
            from: oldest.about.from,
            upto: youngest.about.upto,
        };
        let writer = RunWriter::begin(&oldest.disk, about)?;
        let cursors = inputs.iter().map(|run| Cursor::new(Arc::clone(run))).collect::<Result<_, _>>()?;
        Ok(Merge { cursors, phase: Phase::Rows, writer, inputs })
    }

    /// The level of the inputs.
    pub(super) fn level(&self) -> u32 {
        self.inputs[0].about.level
    }

    /// Carries on by about `budget` rows, or the bytes of as many.
    pub(super) fn step(&mut self, budget: usize) -> Result<Progress, Fault> {
        match self.phase {
            Phase::Rows => {
                for _ in 0..budget {
                    let Some(row) = self.next()? else {
                        self.writer.end_rows()?;
                        self.phase = Phase::Tail;
                        break;
                    };
                    self.writer.push(row)?;
                }
                Ok(Progress::Going)
            }
            Phase::Tail => self.writer.write_tail(budget * ROW_BYTES),
        }
    }

    /// The inputs and the durable output, when [`Merge::step`] said that it is done.
    pub(super) fn finish(self) -> Result<(Vec<Arc<Run>>, Run), Fault> {
        Ok((self.inputs, self.writer.finish()?))
    }

    /// The name of the unfinished file.
    pub(super) fn part(&self) -> &str {
        self.writer.part()
    }

    /// The row with the lowest hash, of the oldest run first.
    fn next(&mut self) -> Result<Option<Row>, Fault> {
        let mut cursors = self.cursors.iter().enumerate();
        let Some((mut lowest, first)) = cursors.next() else { return Ok(None) };
        let mut hash = first.head;
        for (at, cursor) in cursors {
            if cursor.head < hash {
                (lowest, hash) = (at, cursor.head);
            }
        }
        let cursor = &mut self.cursors[lowest];
        let row = cursor.rows[cursor.at];
        if cursor.advance()? == Left::Nothing {
            self.cursors.remove(lowest);
        }
        Ok(Some(row))
    }
}

/// Where the merge is in one input. It stands on a row, until nothing is left.
struct Cursor {
    /// The hash of the row it stands on.
    head: u64,
    run: Arc<Run>,
    next_block: u64,
    bytes: Vec<u8>,
    rows: Vec<Row>,
    at: usize,
}

#[derive(PartialEq, Eq)]
enum Left {
    Rows,
    Nothing,
}

impl Cursor {
    /// At the first row; a run has one at least.
    fn new(run: Arc<Run>) -> Result<Cursor, Fault> {
        let mut cursor = Cursor { head: 0, run, next_block: 0, bytes: Vec::new(), rows: Vec::new(), at: 0 };
        cursor.refill()?;
        Ok(cursor)
    }

    fn advance(&mut self) -> Result<Left, Fault> {
        self.at += 1;
        match self.rows.get(self.at) {
            Some(row) => {
                self.head = row.hash;
                Ok(Left::Rows)
            }
            None => self.refill(),
        }
    }

    /// Reads the next blocks.
    fn refill(&mut self) -> Result<Left, Fault> {
        let upto = self.run.about.blocks().min(self.next_block + AHEAD);
        self.bytes.resize((upto - self.next_block) as usize * BLOCK, 0);
        self.run.read_blocks(self.next_block, &mut self.bytes)?;
        self.rows.clear();
        for (bytes, at) in self.bytes.chunks_exact(BLOCK).zip(self.next_block..) {
            self.rows.extend((0..self.run.rows_in(at)).map(|row| block::row(bytes, row)));
        }
        self.at = 0;
        self.next_block = upto;
        let Some(first) = self.rows.first() else { return Ok(Left::Nothing) };
        self.head = first.hash;
        Ok(Left::Rows)
    }
}
