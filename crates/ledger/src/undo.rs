//! What stood before: how a chain or a dry run is taken back, so that it runs through the very same code as all else.
//!
//! While a point is open, every change to live state first notes here what it replaces. Nothing is noted otherwise.

use transaction::Time;

use crate::accounts::{Account, Bounds};
use crate::holds::Hold;
use crate::item::ItemBefore;
use crate::lots::Lot;

/// What stood before one change.
#[derive(Debug)]
pub(crate) enum Before {
    /// An account's own row.
    Account(u32, Account),
    /// The last account did not exist.
    NoAccount,
    /// An account's floor and ceiling.
    Bounds(u32, Bounds),
    /// The last asset did not exist.
    NoAsset,
    /// One lot of an account.
    Lot(u32, Time, Lot),
    /// An account kept no lots.
    NoLots(u32),
    /// The hold in a slot.
    Hold(u32, Option<Box<Hold>>),
    /// What was refunded of the event at a position.
    Refunded(u64, Option<i128>),
    /// An item, or a machine.
    Item(ItemBefore),
}

/// Notes of what stood before.
#[derive(Debug, Default)]
pub(crate) struct Undo {
    open: u32,
    notes: Vec<Before>,
}

/// A point to come back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point(usize);

impl Undo {
    pub(crate) fn begin(&mut self) -> Point {
        self.open += 1;
        Point(self.notes.len())
    }

    /// What was done since stays.
    pub(crate) fn settle(&mut self) {
        self.open -= 1;
        if self.open == 0 {
            self.notes.clear();
        }
    }

    /// The latest note since `point`; `None`: there is none left, and the point is closed.
    pub(crate) fn pop(&mut self, point: Point) -> Option<Before> {
        if self.notes.len() > point.0 {
            return self.notes.pop();
        }
        self.open -= 1;
        None
    }

    /// Notes what stood before a change, where someone may want it back.
    #[inline]
    pub(crate) fn note(&mut self, before: impl FnOnce() -> Before) {
        if self.open > 0 {
            self.notes.push(before());
        }
    }
}
