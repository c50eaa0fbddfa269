//! The state of the ledger and the one way through it: decide, keep, fold.

use std::ops::Range;

use transaction::{Refusal, Time};

use crate::{AccountView, AssetView, Batch, Book, HoldView, ItemView, Kept, MachineView, Outcome};

/// Keys of the hash of ids: fixed for the life of a data folder, unknown to callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys(pub u64, pub u64);

/// What became of each member, in order.
pub type Results = Vec<Result<Outcome, Box<Refusal>>>;

/// All live value: assets, accounts with their lots, open holds, items that can still move, machines.
#[derive(Debug)]
pub struct Ledger {
    keys: Keys,
}

/// A batch is decided for good, or to see what would happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// For good.
    Real,
    /// Everything is taken back at the end; nothing is kept.
    Dry,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(keys: Keys) -> Ledger {
        Ledger { keys }
    }

    /// Decides each member against the state that the earlier ones left, keeps and folds what is accepted. A chain of
    /// linked members succeeds or fails as one; other members are unaffected. What is due at `now` is decided before.
    pub fn carry_out(&mut self, batch: &Batch, run: Run, (book, now): (&mut dyn Book, Time)) -> Results {
        let _ = (batch, run, book, now);
        crate::being_written()
    }

    /// Decides what is due at `now` by itself (expired holds, lots, states of items), in order of time, then of age; at most
    /// `at_most`. Answers how many.
    pub fn fall_due(&mut self, at_most: usize, (book, now): (&mut dyn Book, Time)) -> usize {
        let _ = (at_most, book, now);
        crate::being_written()
    }

    /// When the next thing is due by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        crate::being_written()
    }

    /// Folds one kept event, which lies at `position`. Cannot fail: what an event says has happened.
    pub fn apply(&mut self, kept: &Kept<'_>, position: u64) {
        let _ = (kept, position);
        crate::being_written()
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<AccountView> {
        let _ = id;
        crate::being_written()
    }

    /// The accounts whose ids begin so, sorted by id, after `after`, at most `limit`; walks all accounts.
    #[must_use]
    pub fn accounts(&self, prefix: &str, after: &str, limit: usize) -> Vec<AccountView> {
        let _ = (prefix, after, limit);
        crate::being_written()
    }

    /// The id of the account in this slot.
    #[must_use]
    pub fn account_id(&self, slot: u32) -> Option<&str> {
        let _ = slot;
        crate::being_written()
    }

    /// The open hold with this id.
    #[must_use]
    pub fn hold(&self, id: &str) -> Option<HoldView> {
        let _ = id;
        crate::being_written()
    }

    /// The item with this id, while it is in memory.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<ItemView> {
        let _ = id;
        crate::being_written()
    }

    /// A machine, in this version or its newest.
    #[must_use]
    pub fn machine(&self, name: &str, version: Option<u32>) -> Option<MachineView> {
        let _ = (name, version);
        crate::being_written()
    }

    /// The machine with this number.
    #[must_use]
    pub fn machine_of(&self, number: u32) -> Option<MachineView> {
        let _ = number;
        crate::being_written()
    }

    /// All assets, in the order of declaration.
    #[must_use]
    pub fn assets(&self) -> Vec<AssetView> {
        crate::being_written()
    }

    /// The hash by which the index of ids knows an id of this space.
    #[must_use]
    pub fn hash(&self, space: Space, parent: &str, id: &str) -> u64 {
        let _ = (space, parent, id, self.keys);
        crate::being_written()
    }

    // --- checkpoint: pages of live state -------------------------------------------------------------------------

    /// Begins a sweep: the pages changed since the last one are handed out by [`Ledger::next_page`].
    pub fn begin_sweep(&mut self) {
        crate::being_written()
    }

    /// Writes the next page of the sweep into `into`; `None`: the sweep is complete.
    pub fn next_page(&mut self, into: &mut Vec<u8>) -> Option<PageId> {
        let _ = into;
        crate::being_written()
    }

    /// Takes over a page at start-up, as it stood when all events below `position` were folded.
    ///
    /// # Errors
    /// When the bytes are no page of this version.
    pub fn load_page(&mut self, page: PageId, position: u64, bytes: &[u8]) -> Result<(), String> {
        let _ = (page, position, bytes);
        crate::being_written()
    }

    /// All pages are loaded and all events since are applied: begins normal life.
    pub fn loaded(&mut self) {
        crate::being_written()
    }

    /// Everything in this ledger that differs from `other`, in words, at most `at_most`: for the verifier.
    #[must_use]
    pub fn differences(&self, other: &Ledger, at_most: usize) -> Vec<String> {
        let _ = (other, at_most);
        crate::being_written()
    }
}

/// A page of live state: its table and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId {
    /// Which table; the number is the format.
    pub table: u8,
    /// Which page of it.
    pub index: u32,
}

/// Whose ids: each space has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Space {
    /// Entries.
    Entry = 1,
    /// Holds: leads to the event that held.
    Hold = 2,
    /// Captures and reopenings of a hold (`parent`).
    Capture = 3,
    /// Holds that are closed: leads to their last event.
    HoldEnd = 4,
    /// Items: leads to their creation.
    Item = 5,
    /// Moves of an item (`parent`).
    Move = 6,
    /// Items that left memory: leads to their last event.
    ItemEnd = 7,
    /// Changes of accounts.
    Adjust = 8,
}

/// What an encoded event leads to in the index of ids: how start-up fills the index again from the history. The keys are
/// those that [`Ledger::carry_out`] would have learnt.
///
/// # Errors
/// When the bytes are no event of this version.
pub fn learnt(keys: Keys, encoded: &[u8], position: u64, learn: &mut dyn FnMut(u64, crate::Known)) -> Result<(), String> {
    let _ = (keys, encoded, position, learn, Range::<u8>::default());
    crate::being_written()
}
