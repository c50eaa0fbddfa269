//! Which slots are taken. The lowest free one is given out next, so slots follow from the state alone.

/// A bit per slot, and a bit per full word of them.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    taken: Vec<u64>,
    full: Vec<u64>,
    /// No word of `full` below this one has a free slot.
    lowest: usize,
}

impl Slots {
    /// The lowest free slot.
    pub(crate) fn free(&mut self) -> u32 {
        while self.full.get(self.lowest) == Some(&u64::MAX) {
            self.lowest += 1;
        }
        let summary = self.full.get(self.lowest).copied().unwrap_or(0);
        let word = self.lowest * 64 + summary.trailing_ones() as usize;
        let bits = self.taken.get(word).copied().unwrap_or(0);
        u32::try_from(word * 64 + bits.trailing_ones() as usize).expect("fewer than four billion slots")
    }

    /// Marks a slot as taken.
    pub(crate) fn take(&mut self, slot: u32) {
        let (word, bit) = place(slot);
        if self.taken.len() <= word {
            self.taken.resize(word + 1, 0);
            self.full.resize(word / 64 + 1, 0);
        }
        self.taken[word] |= bit;
        if self.taken[word] == u64::MAX {
            self.full[word / 64] |= 1 << (word % 64);
        }
    }

    /// Marks a slot as free.
    pub(crate) fn give(&mut self, slot: u32) {
        let (word, bit) = place(slot);
        if let Some(bits) = self.taken.get_mut(word) {
            *bits &= !bit;
            self.full[word / 64] &= !(1 << (word % 64));
            self.lowest = self.lowest.min(word / 64);
        }
    }
}

fn place(slot: u32) -> (usize, u64) {
    (slot as usize / 64, 1 << (slot % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_lowest_free_slot_is_given() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut slots, mut model) = (Slots::default(), BTreeSet::new());
        for _ in 0..3_000 {
            let free = slots.free();
            let lowest = (0..).find(|slot| !model.contains(slot)).expect("endless");
            assert_eq!(free, lowest);
            if random.u8(..) < 150 {
                slots.take(free);
                model.insert(free);
            } else if let Some(slot) = model.iter().nth(random.usize(..model.len().max(1))).copied() {
                slots.give(slot);
                model.remove(&slot);
            }
        }
        for slot in 0..10_000 {
            slots.take(slot);
        }
        assert_eq!(slots.free(), 10_000);
    }
}
