//! Finds slots by the hash of an id. Holds no ids; the subjects keep their digests, and `is` compares them.
//!
//! A cell is 8 bytes, half of it a piece of the hash: a search reads one cell and then the subject that is meant, hardly
//! ever another. Sharded, so that the growth of one table is short at any size and looks at no subject.

const SHARDS: usize = 256;

/// No slot: a cell without a subject.
const EMPTY: u64 = u64::MAX;

/// Slots by hash.
#[derive(Debug)]
pub(crate) struct Index {
    shards: Vec<Shard>,
}

/// A table with linear probing; its length is a power of two, and a quarter of it is empty at least.
#[derive(Debug, Default)]
struct Shard {
    cells: Vec<u64>,
    used: usize,
}

impl Index {
    pub(crate) fn new() -> Index {
        Index { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }

    /// The slot with this hash of which `is` says so.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (shard, tag) = split(hash);
        self.shards[shard].find(tag, is)
    }

    /// Reads the cell where a search begins, so that it is near.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u64 {
        let (shard, tag) = split(hash);
        let cells = &self.shards[shard].cells;
        cells.get(home(tag, cells.len().wrapping_sub(1))).copied().unwrap_or(0)
    }

    /// Adds a slot that is not in under this hash yet.
    pub(crate) fn insert(&mut self, hash: u64, slot: u32) {
        let (shard, tag) = split(hash);
        let shard = &mut self.shards[shard];
        if shard.used >= shard.cells.len() / 4 * 3 {
            shard.grow();
        }
        shard.put(tag << 32 | u64::from(slot));
        shard.used += 1;
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        let (shard, tag) = split(hash);
        self.shards[shard].remove(tag << 32 | u64::from(slot));
    }
}

impl Shard {
    #[inline]
    fn find(&self, tag: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.cells.len().wrapping_sub(1);
        let mut at = home(tag, mask);
        loop {
            let cell = *self.cells.get(at)?;
            if cell == EMPTY {
                return None;
            }
            if cell >> 32 == tag && is(slot_of(cell)) {
                return Some(slot_of(cell));
            }
            at = (at + 1) & mask;
        }
    }

    /// Puts a cell behind those that share its home. There is room.
    fn put(&mut self, cell: u64) {
        let mask = self.cells.len() - 1;
        let mut at = home(cell >> 32, mask);
        while self.cells[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.cells[at] = cell;
    }

    fn grow(&mut self) {
        let length = (self.cells.len() * 2).max(8);
        let old = std::mem::replace(&mut self.cells, vec![EMPTY; length]);
        for cell in old {
            if cell != EMPTY {
                self.put(cell);
            }
        }
    }

    fn remove(&mut self, cell: u64) {
        let Some(mask) = self.cells.len().checked_sub(1) else { return };
        let mut at = home(cell >> 32, mask);
        while self.cells[at] != cell {
            if self.cells[at] == EMPTY {
                return;
            }
            at = (at + 1) & mask;
        }
        self.used -= 1;
        // Those behind move up, so that no search ends too early at the hole.
        let mut hole = at;
        loop {
            at = (at + 1) & mask;
            let next = self.cells[at];
            if next == EMPTY {
                break;
            }
            let from_home = at.wrapping_sub(home(next >> 32, mask)) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.cells[hole] = next;
                hole = at;
            }
        }
        self.cells[hole] = EMPTY;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the tag is 32 bits wide")]
fn home(tag: u64, mask: usize) -> usize {
    tag as usize & mask
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is the slot")]
fn slot_of(cell: u64) -> u32 {
    cell as u32
}

/// The shard, by the highest bits, and the tag, the lowest 32.
fn split(hash: u64) -> (usize, u64) {
    (usize::from(hash.to_le_bytes()[7]) % SHARDS, hash & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn finds_what_a_map_finds() {
        let mut random = fastrand::Rng::with_seed(3);
        let (mut index, mut model) = (Index::new(), BTreeMap::new());
        for slot in 0..30_000_u32 {
            // Few shards and few tags, so that runs are long and wrap around.
            let hash = random.u64(..3) << 56 | random.u64(..700);
            if random.u8(..) < 140 {
                index.insert(hash, slot);
                model.insert(slot, hash);
            } else if let Some((slot, hash)) = model.pop_first() {
                index.remove(hash, slot);
                index.remove(hash, slot);
            }
            if slot % 97 == 0 {
                for (slot, hash) in &model {
                    assert_eq!(index.find(*hash, |found| found == *slot), Some(*slot));
                }
            }
            assert_eq!(index.find(hash ^ 1 << 60, |_| true), None);
            assert_eq!(index.find(hash, |found| !model.contains_key(&found)), None);
        }
    }
}
