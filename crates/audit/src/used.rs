//! Which ids were used, and what entries and captures moved: an id is used once, and no more is given back than was taken.
//!
//! Ids are remembered by 128 bits of a hash with random keys: some 20 bytes each, however long they are.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Whose ids: each space has its own.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Space {
    Asset,
    Account,
    Adjust,
    Entry,
    Hold,
    /// Captures and reopenings of a hold.
    OfHold,
    Item,
    /// Moves of an item.
    OfItem,
}

/// Every id so far.
#[derive(Debug, Default)]
pub(crate) struct Used {
    keys: (RandomState, RandomState),
    ids: HashSet<(u64, u64)>,
}

impl Used {
    /// An id is used; below its parent where it has one.
    pub(crate) fn once(&mut self, space: Space, id: (&str, &str)) -> Result<(), String> {
        let key = (self.keys.0.hash_one((space, id)), self.keys.1.hash_one((space, id)));
        if self.ids.insert(key) {
            return Ok(());
        }
        let (parent, id) = id;
        let of = if parent.is_empty() { String::new() } else { format!(" of {parent}") };
        Err(format!("the id {id}{of} was used before"))
    }
}

/// What one entry or capture moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    pub(crate) position: u64,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) amount: i128,
}

/// What all of them moved, and what was given back.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Ascending by position.
    moved: Vec<Moved>,
    refunded: BTreeMap<u64, i128>,
}

impl Taken {
    pub(crate) fn push(&mut self, moved: Moved) {
        self.moved.push(moved);
    }

    /// The entry `back` gives back of what the event at `original` took; `so_far` is told as the sum.
    pub(crate) fn refund(&mut self, original: u64, (back, so_far): (Moved, i128)) -> Result<(), String> {
        let found = self.moved.binary_search_by_key(&original, |moved| moved.position);
        let Some(taken) = found.ok().and_then(|index| self.moved.get(index)) else {
            return Err(format!(
                "it gives back what was taken at {original}, where no entry or capture lies"
            ));
        };
        if (taken.from, taken.to) != (back.to, back.from) {
            return Err("it gives back between other accounts than it was taken from".to_owned());
        }
        let before = self.refunded.get(&original).copied().unwrap_or(0);
        if before.checked_add(back.amount) != Some(so_far) {
            return Err(format!("{before} were given back before it, {so_far} are told with it"));
        }
        if so_far > taken.amount {
            return Err(format!("{so_far} are given back of {}", taken.amount));
        }
        self.refunded.insert(original, so_far);
        Ok(())
    }
}
