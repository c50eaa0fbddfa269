//! The state of the ledger and the one way through it: decide, keep, fold.

use std::collections::{BTreeMap, BTreeSet};

use transaction::Refusal;

use crate::Outcome;
use crate::accounts::Accounts;
use crate::assets::Assets;
use crate::digest;
use crate::holds::Holds;
use crate::item::Items;
use crate::live::Due;
use crate::lots::AccountLots;
use crate::pages::Pages;
use crate::undo::Undo;

/// Keys of the hash of ids: fixed for the life of a data folder, unknown to callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys(pub u64, pub u64);

/// What became of each member, in order.
pub type Results = Vec<Result<Outcome, Box<Refusal>>>;

/// All live value: assets, accounts with their lots, open holds, items that can still move, machines.
///
/// Where to read: `run.rs` (batches and chains), `entry.rs`, `hold.rs`, `open.rs` (what is decided), `apply.rs` (the fold),
/// `live.rs` (changes), `page.rs` (the checkpoint), `look.rs` (views).
#[derive(Debug)]
pub struct Ledger {
    pub(crate) keys: Keys,
    pub(crate) assets: Assets,
    pub(crate) accounts: Accounts,
    /// Of the accounts that keep lots.
    pub(crate) lots: BTreeMap<u32, AccountLots>,
    pub(crate) holds: Holds,
    pub(crate) items: Items,
    /// Units given back, by the position of the event that had taken them.
    pub(crate) refunded: BTreeMap<u64, i128>,
    /// All that happens by itself.
    pub(crate) due: BTreeSet<Due>,
    pub(crate) undo: Undo,
    pub(crate) pages: Pages,
    /// Room to encode into.
    pub(crate) scratch: Vec<u8>,
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
        Ledger {
            keys,
            assets: Assets::default(),
            accounts: Accounts::new(),
            lots: BTreeMap::new(),
            holds: Holds::new(),
            items: Items::new(keys),
            refunded: BTreeMap::new(),
            due: BTreeSet::new(),
            undo: Undo::default(),
            pages: Pages::loading(),
            scratch: Vec::with_capacity(1024),
        }
    }

    /// The hash by which the index of ids knows an id of this space.
    #[must_use]
    pub fn hash(&self, space: Space, parent: &str, id: &str) -> u64 {
        digest::id(self.keys, space, (parent, id)).hash
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
