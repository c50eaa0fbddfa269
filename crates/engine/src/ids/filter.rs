//! A blocked Bloom filter: one cache line says that a hash is not in a run, or that it may be.
//!
//! The block of a hash is its place in the order of hashes, so rows that come sorted fill the filter from front to
//! back. In its block a hash has one bit in each of eight words; which ones depends on the hash alone, so they are
//! worked out once ([`Probe`]) for all filters.
//!
//! It must never say that a hash is missing which was added. Read next: `run.rs`.

/// Bits of filter per row. With 16, one hash in some 1,000 that is not there seems to be; each costs a read of 4 KiB.
const BITS_PER_ROW: u64 = 16;
const BLOCK_BITS: u64 = 512;

/// Bytes of a block in a file.
pub(super) const BLOCK_BYTES: usize = 64;

/// `hash` as a place among `places`: uniform, and in the order of the hashes.
pub(super) fn place(hash: u64, places: usize) -> usize {
    ((u128::from(hash) * places as u128) >> 64) as usize
}

/// A hash and the bits it has in its block.
pub(crate) struct Probe {
    pub(super) hash: u64,
    bits: [u64; 8],
}

impl Probe {
    pub(super) fn new(hash: u64) -> Probe {
        // The high bits chose the block; an odd factor carries the low ones up to where six at a time are taken.
        let mixed = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        Probe { hash, bits: std::array::from_fn(|word| 1 << ((mixed >> (6 * word)) & 63)) }
    }
}

/// One cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Block([u64; 8]);

/// The filter of one run.
pub(super) struct Filter {
    blocks: Vec<Block>,
}

impl Filter {
    /// How many blocks the filter of `rows` rows has.
    pub(super) fn blocks_for(rows: u64) -> usize {
        usize::try_from(rows * BITS_PER_ROW / BLOCK_BITS + 1).expect("a filter fits in memory")
    }

    /// A filter with room for `count` blocks and none yet: they come by [`Filter::add`] or [`Filter::push_block`].
    pub(super) fn with_room(count: usize) -> Filter {
        Filter { blocks: Vec::with_capacity(count) }
    }

    /// A copy with room for `count` blocks.
    pub(super) fn copy(&self, count: usize) -> Filter {
        let mut copy = Filter::with_room(count);
        copy.blocks.extend_from_slice(&self.blocks);
        copy
    }

    /// Adds a hash to a filter of `count` blocks. Blocks up to its own come as they are needed: when rows come by hash,
    /// memory is touched little by little, never a whole filter at once.
    pub(super) fn add(&mut self, hash: u64, count: usize) {
        let at = place(hash, count);
        self.fill_up(at + 1);
        let block = &mut self.blocks[at].0;
        for (word, bits) in block.iter_mut().zip(Probe::new(hash).bits) {
            *word |= bits;
        }
    }

    /// Empty blocks up to `count`.
    pub(super) fn fill_up(&mut self, count: usize) {
        while self.blocks.len() < count {
            self.blocks.push(Block([0; 8]));
        }
    }

    /// Blocks it has.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// May the hash be there?
    pub(super) fn may_hold(&self, probe: &Probe) -> bool {
        let block = &self.blocks[place(probe.hash, self.blocks.len())].0;
        let missing = |word: usize| probe.bits[word] & !block[word];
        (0..8).fold(0, |all, word| all | missing(word)) == 0
    }

    /// Appends a block's bytes.
    pub(super) fn write_block(&self, at: usize, bytes: &mut Vec<u8>) {
        for word in self.blocks[at].0 {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// Takes in a block as it was written.
    pub(super) fn push_block(&mut self, bytes: &[u8; BLOCK_BYTES]) {
        self.blocks.push(Block(std::array::from_fn(|word| super::block::number(bytes, word * 8))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_never_missing_and_few_others_seem_to_be_there() {
        let mut dice = fastrand::Rng::with_seed(7);
        let mut hashes: Vec<u64> = (0..50_000).map(|_| dice.u64(..)).collect();
        hashes.sort_unstable();
        let count = Filter::blocks_for(hashes.len() as u64);
        let mut filter = Filter::with_room(count);
        hashes.iter().for_each(|hash| filter.add(*hash, count));
        filter.fill_up(count);
        assert!(hashes.iter().all(|hash| filter.may_hold(&Probe::new(*hash))));
        let wrong = (0..200_000).filter(|_| filter.may_hold(&Probe::new(dice.u64(..)))).count();
        assert!(wrong < 400, "{wrong} of 200,000 seem to be there");
    }
}
