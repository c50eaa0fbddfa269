//! The narrow port to whatever keeps the barrier's rows: insert if nobody did, read, keep an answer.
//!
//! One row per operation of a branch. The key's last part, the *phase*, makes those operations meet that exclude each
//! other: a try and the tombstone of an empty cancel in the first, confirm and cancel in the second.

use std::future::Future;

use transaction::barrier::Record;
use transaction::{Operation, Pattern};

use crate::call::{Branch, Content};

/// A place that one operation of a branch can take, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// `try`, `action`, `submit`, and what keeps them out: the tombstone of an empty cancel, a check-back.
    First = 1,
    /// `confirm`, `cancel`, `compensate`, `deliver`.
    Second = 2,
}

/// What a row says became of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Its business change was made.
    Done,
    /// It was refused, and nothing was changed.
    Refused,
    /// There was nothing to do; the row keeps its place.
    Void,
}

/// A row to be written.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Whose.
    pub branch: &'a Branch,
    /// Which place.
    pub phase: Phase,
    /// The operation that takes it, by its name on the wire.
    pub operation: &'static str,
    /// What becomes of it.
    pub told: Told,
    /// What was asked.
    pub content: Content,
}

/// A row as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The operation that took the place.
    pub operation: String,
    /// What became of it.
    pub told: Told,
    /// What was asked, as hex; recipes in other languages may leave it out.
    pub content: Option<String>,
    /// What was answered.
    pub answer: Option<Vec<u8>>,
}

/// Both places of a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The first phase.
    pub first: Option<Kept>,
    /// The second phase.
    pub second: Option<Kept>,
}

/// Who was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// This row.
    First,
    /// Another row is in its place; nothing was written.
    Occupied,
}

/// Whether a row that this local transaction wrote is still there when the business change is through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Stands,
    /// The store has given the local transaction up meanwhile, and with it the row.
    Lost,
}

impl Standing {
    /// By the number of rows that were found.
    #[must_use]
    pub fn of(rows: u64) -> Standing {
        if rows == 1 { Standing::Stands } else { Standing::Lost }
    }
}

/// The rows, inside an open local transaction.
pub trait Rows: Send {
    /// What can go wrong with the store.
    type Fault: Send;

    /// Writes the row unless its place is taken. Waits for a local transaction that is about to take it.
    fn insert(&mut self, row: Row<'_>) -> impl Future<Output = Result<Written, Self::Fault>> + Send;

    /// As [`Rows::insert`], and only where the first phase says that `operation` was done.
    fn insert_after(
        &mut self,
        row: Row<'_>,
        operation: &'static str,
    ) -> impl Future<Output = Result<Written, Self::Fault>> + Send;

    /// Both places, as last committed (or written by this local transaction).
    fn read(&mut self, branch: &Branch) -> impl Future<Output = Result<Places, Self::Fault>> + Send;

    /// Puts an answer into a row that this local transaction wrote; an empty one is only looked for the row.
    ///
    /// To be done after the business change, whatever it answered: a business function may have swallowed an error after
    /// which its store rolls back, and a commit alone would not tell (PostgreSQL answers `ROLLBACK`, without an error).
    fn keep(
        &mut self,
        branch: &Branch,
        phase: Phase,
        answer: &[u8],
    ) -> impl Future<Output = Result<Standing, Self::Fault>> + Send;
}

impl Phase {
    /// The place of an operation.
    #[must_use]
    pub fn of(operation: Operation) -> Phase {
        match operation {
            Operation::Try | Operation::Check => Phase::First,
            Operation::Confirm | Operation::Cancel => Phase::Second,
        }
    }

    /// As it is written in the table.
    #[must_use]
    pub fn number(self) -> i16 {
        self as i16
    }
}

impl Told {
    /// As it is written in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Told::Done => "done",
            Told::Refused => "refused",
            Told::Void => "void",
        }
    }

    /// Read back; what nobody writes is taken for the careful thing: nothing is held.
    #[must_use]
    pub fn read(name: &str) -> Told {
        match name {
            "done" => Told::Done,
            "refused" => Told::Refused,
            _ => Told::Void,
        }
    }
}

impl Places {
    /// What the rows say of a branch in a transaction of `pattern`.
    #[must_use]
    pub fn record(&self, pattern: Pattern) -> Record {
        let confirm = Operation::Confirm.name(pattern);
        let attempt = Operation::Try.name(pattern);
        match (&self.first, &self.second) {
            (_, Some(second)) if second.operation == confirm => Record::Confirmed,
            (_, Some(second)) if second.told == Told::Done => Record::Cancelled,
            (_, Some(_)) => Record::Voided,
            (None, None) => Record::Blank,
            (Some(first), None) if first.operation != attempt => Record::Voided,
            (Some(first), None) if first.told == Told::Done => Record::Tried,
            (Some(_), None) => Record::Refused,
        }
    }

    /// The row of an operation, if it has one.
    #[must_use]
    pub fn of(&self, operation: &str) -> Option<&Kept> {
        [&self.first, &self.second].into_iter().flatten().find(|kept| kept.operation == operation)
    }

    /// Puts a row in its place, as a store reads them one after another. A phase that nobody writes is left out.
    pub fn put(&mut self, phase: i64, kept: Kept) {
        match phase {
            1 => self.first = Some(kept),
            2 => self.second = Some(kept),
            _ => {}
        }
    }
}
