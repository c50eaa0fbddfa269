//! Finds slots by the hash of an id. Holds slots only; the subjects keep their hashes and ids.
//!
//! Sharded, so that the growth of one table is short at any size. Must never decide that two ids are equal: `is` does.

use hashbrown::HashTable;

const SHARDS: usize = 256;

/// Slots by hash.
#[derive(Debug)]
pub(crate) struct Index {
    shards: Vec<HashTable<u32>>,
}

impl Index {
    pub(crate) fn new() -> Index {
        Index { shards: (0..SHARDS).map(|_| HashTable::new()).collect() }
    }

    /// The slot with this hash of which `is` says so.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.shards[shard(hash)].find(hash, |slot| is(*slot)).copied()
    }

    /// Adds a slot; `hash_of` answers for slots that are in already.
    pub(crate) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        self.shards[shard(hash)].insert_unique(hash, slot, |slot| hash_of(*slot));
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        if let Ok(found) = self.shards[shard(hash)].find_entry(hash, |other| *other == slot) {
            found.remove();
        }
    }
}

/// By bits in the middle: a table uses the lowest for places and the highest for tags.
fn shard(hash: u64) -> usize {
    usize::from(hash.to_le_bytes()[4]) % SHARDS
}
