//! Every id the ledger ever took, so that a repeat is told from a new request for ever.
//!
//! An id is a keyed hash; its row says what was asked (a check of id and content) and where in the history the answer
//! lies. Nearly every look-up is for an id that is not there, so that case reads memory only: the newest rows are in a
//! [`Window`], full windows are [`Sealed`] until the archive's thread has written them as runs, and each run on disk has
//! a filter in memory. Of several rows with one hash the newest counts.
//!
//! It must never write a row to disk before the event it points at is durable, never grow a table while a request
//! waits, and never answer "not there" for what it could not read.
//!
//! Read next: `window.rs` (memory), `runs.rs` (disk), `merge.rs` (how runs stay few).

mod block;
mod files;
mod filter;
mod lanes;
mod manifest;
mod merge;
mod run;
mod run_writer;
mod runs;
#[cfg(test)]
mod tests;
mod window;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::Fault;
use filter::Probe;
pub(crate) use lanes::RunSet;
#[allow(unused_imports, reason = "the archive's thread does not use it yet")]
pub(crate) use runs::{Runs, Step};
use window::Window;
pub(crate) use window::{Sealed, Size};

/// What one id stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// The id's keyed hash: uniform over all 64 bits.
    pub(crate) hash: u64,
    /// A digest of the id and of the content that came with it.
    pub(crate) check: u64,
    /// Where the event lies in the history, in bytes.
    pub(crate) position: u64,
}

/// The newest row of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) check: u64,
    pub(crate) position: u64,
}

/// A point to come back to: the rows inserted so far, since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// The index, owned by the partition's thread.
pub(crate) struct Ids {
    size: Size,
    active: Window,
    /// Rows in windows sealed since the process began: nothing below is taken back.
    settled: u64,
    /// Oldest first; the first `taken` are with whoever writes runs.
    sealed: VecDeque<Arc<Sealed>>,
    taken: usize,
    runs: RunSet,
}

impl Ids {
    /// An index over `runs`. Rows from [`RunSet::covered`] on are the caller's to insert again from the history.
    pub(crate) fn new(size: Size, runs: RunSet) -> Ids {
        let active = Window::new(size, runs.covered());
        Ids { size, active, settled: 0, sealed: VecDeque::new(), taken: 0, runs }
    }

    /// The newest row of this hash. A fault when a run that may have it cannot be read: then nobody knows.
    pub(crate) fn find(&self, hash: u64) -> Result<Option<Found>, Fault> {
        // All filters first and no branch on what they say, so that their cache misses and the window's overlap.
        let probe = Probe::new(hash);
        let hits = self.runs.hits(&probe);
        if let Some(found) = self.active.find(hash) {
            return Ok(Some(found));
        }
        if let Some(found) = self.sealed.iter().rev().find_map(|sealed| sealed.find(hash)) {
            return Ok(Some(found));
        }
        if hits == 0 { Ok(None) } else { self.runs.find(&probe, hits) }
    }

    /// Takes in a row; positions come in order, equal ones allowed.
    pub(crate) fn insert(&mut self, row: Row) {
        self.active.insert(row);
    }

    /// A point to come back to, until the next [`Ids::seal_if_full`].
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.settled + self.active.len() as u64)
    }

    /// Takes back every row inserted since `mark`.
    pub(crate) fn roll_back(&mut self, mark: Mark) {
        let keep = mark.0.checked_sub(self.settled).expect("a mark does not outlive its window");
        self.active.shorten(usize::try_from(keep).expect("a window's rows fit in memory"));
    }

    /// To be called between batches, when no mark is held: a full window is sealed and a fresh one begins. Between two
    /// calls at most [`Size::surplus`] rows may come.
    pub(crate) fn seal_if_full(&mut self) {
        if self.active.len() < self.size.rows {
            return;
        }
        let upto = self.active.upto();
        let full = std::mem::replace(&mut self.active, Window::new(self.size, upto));
        self.settled += full.len() as u64;
        self.sealed.push_back(Arc::new(Sealed::new(full)));
    }

    /// The oldest sealed window that nobody has taken yet, for [`Runs::write`], once all its events are among the first
    /// `durable` bytes of the history: a run must not know an id that a power cut takes back.
    pub(crate) fn take_sealed(&mut self, durable: u64) -> Option<Arc<Sealed>> {
        let next = self.sealed.get(self.taken).filter(|sealed| sealed.upto() <= durable)?;
        self.taken += 1;
        Some(Arc::clone(next))
    }

    /// Reads from these runs from now on, and forgets the windows that they cover.
    pub(crate) fn installed(&mut self, runs: RunSet) {
        let covered = runs.covered();
        while self.sealed.front().is_some_and(|sealed| sealed.upto() <= covered) {
            self.sealed.pop_front();
            self.taken = self.taken.saturating_sub(1);
        }
        self.runs = runs;
    }

    /// Windows that are full and not yet in runs. Each takes some 30 MiB: new work is to be refused before they are many.
    pub(crate) fn waiting(&self) -> usize {
        self.sealed.len()
    }
}
