//! What the simulated process keeps on its disks: the journal's folder and the archive's.
//!
//! It survives the process. A power cut strikes all of it at once. Read next: `disk/fake.rs` of the journal.

use engine::archive::Shelf;
use journal::Disk;
use journal::disk::FakeDisk;
use journal::disk::fake::{Keep, Power};
use journal::file::frame;

use crate::cuts::{Platter, Way};
use crate::dice::Dice;

/// The disks of one process: they hang on one power.
#[derive(Clone)]
pub(crate) struct Storage {
    supply: Power,
    pub(crate) journal: FakeDisk,
    pub(crate) shelf: Shelf,
    /// Files of the journal as they were before they were damaged: name, bytes.
    damaged: Vec<(String, Vec<u8>)>,
    /// Segments as they were when the process last ended: what a stale sector shows.
    older: Vec<(String, Vec<u8>)>,
}

impl Default for Storage {
    fn default() -> Storage {
        let supply = Power::default();
        let (journal, shelf) = (FakeDisk::on(&supply), Shelf::on(&supply));
        Storage { supply, journal, shelf, damaged: Vec::new(), older: Vec::new() }
    }
}

impl Storage {
    /// The power goes: `seed` decides what is kept of what was not synced.
    pub(crate) fn cut(&self, seed: u64) {
        self.journal.crash(seed);
        self.shelf.crash(seed);
    }

    /// The power goes, and this is kept of what was not synced: by disk, and commits of the tables.
    pub(crate) fn cut_keeping(&self, [journal, history, ids]: [Keep; 3], commits: usize) {
        self.journal.crash_keeping(journal);
        self.shelf.crash_keeping(commits, history, ids);
    }

    /// Every way in which a cut is looked at that comes now.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let loose = Platter::ALL.map(|platter| self.disk(platter).loose());
        let mut ways = Way::all(&loose, self.shelf.unsynced_commits());
        ways.extend(
            Platter::ALL.into_iter().filter(|one| self.disk(*one).is_dead_in_sync()).map(Way::SyncFailed),
        );
        ways
    }

    /// One of the disks.
    pub(crate) fn disk(&self, platter: Platter) -> &FakeDisk {
        match platter {
            Platter::Journal => &self.journal,
            Platter::History => self.shelf.history(),
            Platter::Ids => self.shelf.ids(),
        }
    }

    /// The process is killed: all that was written stays.
    pub(crate) fn kill(&self) {
        self.journal.kill();
        self.shelf.kill();
    }

    /// The power went by itself somewhere.
    pub(crate) fn is_dead(&self) -> bool {
        self.supply.is_gone()
    }

    /// How often a disk has failed a call, or done it untold or in part.
    pub(crate) fn struck(&self) -> u64 {
        self.disks().map(FakeDisk::struck).map(|struck| struck.failed + struck.untold + struck.torn).sum()
    }

    /// How often a call was carried out and answered as failed.
    pub(crate) fn struck_untold(&self) -> u64 {
        self.disks().map(|disk| disk.struck().untold).sum()
    }

    /// Each disk: the journal's, the history's, the one of the index of ids.
    pub(crate) fn disks(&self) -> impl Iterator<Item = &FakeDisk> {
        [&self.journal, self.shelf.history(), self.shelf.ids()].into_iter()
    }

    /// The journal holds the beginning or the end of these bytes.
    pub(crate) fn has_piece_of(&self, payload: &[u8]) -> bool {
        const PIECE: usize = 24;
        let pieces = [payload.first_chunk::<PIECE>(), payload.last_chunk::<PIECE>()];
        let Some(bytes) = self.segments().pop().and_then(|name| self.journal.bytes(&name)) else {
            return false;
        };
        pieces.into_iter().flatten().any(|piece| bytes.windows(PIECE).any(|window| window == piece))
    }

    /// Takes back every trouble that was armed.
    pub(crate) fn disarm(&self) {
        self.disks().for_each(FakeDisk::disarm);
    }

    /// An independent copy, nobody on it.
    pub(crate) fn copy(&self) -> Storage {
        let supply = Power::default();
        let (journal, shelf) = (self.journal.copy_on(&supply), self.shelf.copy_on(&supply));
        Storage { supply, journal, shelf, damaged: Vec::new(), older: Vec::new() }
    }

    /// The archive is gone.
    pub(crate) fn lose_archive(&mut self) {
        self.shelf = Shelf::on(&self.supply);
    }

    /// Flips a bit of the journal, or makes a sector of it stale, somewhere in front of its last durable frame, whose
    /// payload this is; remembers what was there. Whether something was changed.
    pub(crate) fn damage_journal(&mut self, last: &[u8], dice: &mut Dice) -> bool {
        let segments = self.segments();
        if segments.is_empty() {
            return false;
        }
        let name = dice.pick(&segments).clone();
        let Some(bytes) = self.journal.bytes(&name) else { return false };
        // What follows the last durable frame, and that frame itself, cannot be told from a torn tail.
        let end =
            bytes.windows(last.len()).rposition(|window| window == last).map(|at| at.saturating_sub(256));
        let end = match end {
            Some(end) => end,
            None if Some(&name) == segments.last() => return false,
            None => bytes.len(),
        };
        let at = usize::try_from(dice.below(end as u64)).unwrap_or(0);
        let mut harmed = bytes.clone();
        if end == 0 {
            return false;
        }
        if dice.one_in(2) {
            harmed[at] ^= 1 << dice.below(8);
        } else {
            let sector = at / 512 * 512..(at / 512 * 512 + 512).min(end);
            let older = self.older.iter().find(|(older, _)| *older == name);
            match older.and_then(|(_, older)| older.get(sector.clone())) {
                Some(stale) => harmed[sector].copy_from_slice(stale),
                None => harmed[sector].fill(0),
            }
        }
        let is_harmed = harmed != bytes;
        if is_harmed {
            self.journal.put(&name, &harmed);
            self.damaged.push((name, bytes));
        }
        is_harmed
    }

    /// The process has ended: remembers how the segments are now.
    pub(crate) fn grows_older(&mut self) {
        let segments = self.segments().into_iter();
        self.older = segments.filter_map(|name| Some((name.clone(), self.journal.bytes(&name)?))).collect();
    }

    /// The last durable frame, whose payload this is, is gone as if it had never been written.
    pub(crate) fn lose_last_frame(&mut self, last: &[u8]) -> bool {
        let Some(name) = self.segments().pop() else { return false };
        let Some(bytes) = self.journal.bytes(&name) else { return false };
        let Some(at) = bytes.windows(last.len()).rposition(|window| window == last) else { return false };
        let mut harmed = bytes.clone();
        harmed[at.saturating_sub(frame::PREFIX)..].fill(0);
        self.journal.put(&name, &harmed);
        self.damaged.push((name, bytes));
        true
    }

    /// The names of the journal's segments, in order.
    fn segments(&self) -> Vec<String> {
        let names = self.journal.list().unwrap_or_default();
        let mut segments: Vec<_> = names.into_iter().filter(|name| name.ends_with(".seg")).collect();
        segments.sort();
        segments
    }

    /// An operator puts back what was damaged; whether anything was.
    pub(crate) fn restore(&mut self) -> bool {
        let damaged = std::mem::take(&mut self.damaged);
        for (name, bytes) in damaged.iter().rev() {
            self.journal.put(name, bytes);
        }
        !damaged.is_empty()
    }

    /// Whether something is damaged and was not put back.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.damaged.is_empty()
    }

    /// The damage is no longer: the process mended it, and files have gone on since.
    pub(crate) fn mended(&mut self) {
        self.damaged.clear();
    }
}
