//! One file of the fake disk: what is seen, what is durable, which sectors differ.
//!
//! It must never make a sector durable without a sync or a choice. Read next: `disk/fake.rs`.

use std::collections::BTreeSet;

/// A disk writes a sector wholly or not at all.
pub(super) const SECTOR: usize = 512;

#[derive(Clone, Default)]
pub(super) struct Inode {
    pub(super) seen: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

impl Inode {
    pub(super) fn durable(bytes: &[u8]) -> Inode {
        Inode { seen: bytes.to_vec(), durable: bytes.to_vec(), dirty: BTreeSet::new() }
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.seen.len());
        let length = buffer.len().min(self.seen.len() - start);
        buffer[..length].copy_from_slice(&self.seen[start..start + length]);
        length
    }

    /// Writes as much as `room` lets the file grow; says how many bytes were taken.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64, room: Option<u64>) -> usize {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let most = room.map_or(usize::MAX, |room| {
            self.seen.len().saturating_add(usize::try_from(room).unwrap_or(usize::MAX))
        });
        let end = start.saturating_add(bytes.len()).min(most);
        if end <= start {
            return 0;
        }
        if self.seen.len() < end {
            self.seen.resize(end, 0);
        }
        self.seen[start..end].copy_from_slice(&bytes[..end - start]);
        self.dirty.extend(start / SECTOR..=(end - 1) / SECTOR);
        end - start
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.seen.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            self.keep(sector);
        }
    }

    /// A failed sync: what was dirty stays visible, will never be written, and nobody knows.
    pub(super) fn forget_dirt(&mut self) {
        self.dirty.clear();
    }

    /// Sectors that differ from what is durable, or may.
    pub(super) fn dirty(&self) -> impl Iterator<Item = usize> + '_ {
        self.dirty.iter().copied()
    }

    /// A power cut: so many bytes as `choose` says of each dirty sector made it, and the length with the last of them.
    pub(super) fn crash(&mut self, choose: impl FnOnce(&[usize]) -> Vec<usize>) {
        let dirty: Vec<usize> = std::mem::take(&mut self.dirty).into_iter().collect();
        for (sector, bytes) in dirty.iter().zip(choose(&dirty)) {
            self.keep_bytes(*sector, bytes);
        }
        self.seen.clone_from(&self.durable);
    }

    fn keep(&mut self, sector: usize) {
        self.keep_bytes(sector, SECTOR);
    }

    fn keep_bytes(&mut self, sector: usize, bytes: usize) {
        let start = sector * SECTOR;
        let end = (start + bytes).min(self.seen.len());
        if end <= start {
            return;
        }
        if self.durable.len() < end {
            self.durable.resize(end, 0);
        }
        self.durable[start..end].copy_from_slice(&self.seen[start..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dice;
    use super::super::keep::Choice;
    use super::*;

    #[test]
    fn only_synced_sectors_are_sure() {
        let mut kept = BTreeSet::new();
        for seed in 0..64 {
            let mut inode = Inode::durable(&[0; 2 * SECTOR]);
            inode.write(&[1; SECTOR], 0, None);
            inode.sync();
            inode.write(&[2; 2 * SECTOR], 0, None);
            inode.crash(|dirty| Dice(seed).sectors(0, dirty));
            kept.insert((inode.seen[0], inode.seen[SECTOR]));
        }
        assert_eq!(kept, BTreeSet::from([(1, 0), (1, 2), (2, 0), (2, 2)]));
    }

    #[test]
    fn a_failed_sync_leaves_bytes_that_only_look_kept() {
        let mut inode = Inode::durable(&[0; SECTOR]);
        inode.write(&[1; SECTOR], 0, None);
        inode.forget_dirt();
        inode.sync();
        assert_eq!(inode.seen[0], 1);
        inode.crash(|_| Vec::new());
        assert_eq!(inode.seen[0], 0);
    }
}
