//! What a power cut keeps of what was not synced: by chance, or told exactly.
//!
//! Chance finds what nobody thought of; being told lets a test go through every single way. Both are carried out by the
//! same code. Read next: `disk/fake.rs`, `disk/fake/inode.rs`.

use super::inode::SECTOR;
use super::{CutIn, Dice, FakeDisk, NameChange, State};

/// One thing that was done and is not sure to survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loose {
    /// A sector of a file: the file's place in the order of creation, the sector's place in it.
    Sector(usize, usize),
    /// A change of names, by its place among those since the folder was synced.
    Name(usize),
}

/// What a power cut keeps of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing of it.
    Nothing,
    /// All of it.
    All,
    /// This alone.
    Only(Loose),
    /// All but this.
    AllBut(Loose),
    /// All, but of this sector the first half alone.
    Torn(Loose),
    /// The first half of this sector alone.
    OnlyTorn(Loose),
}

/// Decides about each thing that was not synced.
pub(super) trait Choice {
    /// How many bytes reach the disk of each of these sectors of a file.
    fn sectors(&mut self, inode: usize, dirty: &[usize]) -> Vec<usize>;
    /// Whether this change of names does.
    fn name(&mut self, number: usize) -> bool;
}

impl Choice for Dice {
    /// Some do; one may in part.
    fn sectors(&mut self, _: usize, dirty: &[usize]) -> Vec<usize> {
        if dirty.is_empty() {
            return Vec::new();
        }
        let torn = self.one_in(8).then(|| self.below(dirty.len()));
        let bytes = |number| {
            if torn == Some(number) { self.below(SECTOR) } else { usize::from(self.coin()) * SECTOR }
        };
        (0..dirty.len()).map(bytes).collect()
    }

    fn name(&mut self, _: usize) -> bool {
        self.coin()
    }
}

impl Keep {
    fn bytes(self, thing: Loose) -> usize {
        match self {
            Keep::Nothing => 0,
            Keep::All => SECTOR,
            Keep::Only(one) => usize::from(one == thing) * SECTOR,
            Keep::AllBut(one) => usize::from(one != thing) * SECTOR,
            Keep::Torn(one) => {
                if one == thing {
                    SECTOR / 2
                } else {
                    SECTOR
                }
            }
            Keep::OnlyTorn(one) => usize::from(one == thing) * SECTOR / 2,
        }
    }
}

impl Choice for Keep {
    fn sectors(&mut self, inode: usize, dirty: &[usize]) -> Vec<usize> {
        dirty.iter().map(|sector| self.bytes(Loose::Sector(inode, *sector))).collect()
    }

    fn name(&mut self, number: usize) -> bool {
        self.bytes(Loose::Name(number)) > 0
    }
}

impl State {
    /// The power goes: `choice` decides about what was not synced, and no process lives on.
    fn crash(&mut self, choice: &mut dyn Choice) {
        for (number, inode) in self.inodes.iter_mut().enumerate() {
            inode.crash(|dirty| choice.sectors(number, dirty));
        }
        for (number, change) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            if choice.name(number) {
                change.apply(&mut self.durable_names);
            }
        }
        self.names = self.durable_names.clone();
        self.end_processes();
    }

    /// Whether anything can still lead to this file after a power cut.
    fn is_reachable(&self, inode: usize) -> bool {
        let made = |change: &NameChange| matches!(change, NameChange::Create(_, made) if *made == inode);
        self.durable_names.values().any(|named| *named == inode) || self.pending.iter().any(made)
    }
}

impl FakeDisk {
    /// A power cut: of what was not synced, `seed` decides what is kept, sector by sector and name by name. Open
    /// files and locks of before are dead: what they still write is lost.
    pub fn crash(&self, seed: u64) {
        self.state().crash(&mut Dice(seed));
    }

    /// A power cut that is told what it keeps; otherwise as [`FakeDisk::crash`].
    pub fn crash_keeping(&self, mut keep: Keep) {
        self.state().crash(&mut keep);
    }

    /// Whether the power went by itself in the sync of a file.
    #[must_use]
    pub fn is_dead_in_sync(&self) -> bool {
        matches!(self.state().cut_in, Some(CutIn::Sync(_)))
    }

    /// It was not the power: that sync failed, and ended the process. What it was for can be read, and will never be
    /// written; otherwise as [`FakeDisk::kill`].
    pub fn fail_sync(&self) {
        let mut state = self.state();
        if let Some(CutIn::Sync(inode)) = state.cut_in {
            state.inodes[inode].forget_dirt();
        }
        state.end_processes();
    }

    /// The call in which the power went by itself, in words.
    #[must_use]
    pub fn cut_in(&self) -> Option<String> {
        let state = self.state();
        let name =
            |inode: &usize| state.names.iter().find(|(_, named)| *named == inode).map_or("?", |row| row.0);
        Some(match state.cut_in.as_ref()? {
            CutIn::Names(NameChange::Create(name, _)) => format!("create {name}"),
            CutIn::Names(NameChange::Rename(from, to)) => format!("rename {from} to {to}"),
            CutIn::Names(NameChange::Remove(name)) => format!("remove {name}"),
            CutIn::Write(inode) => format!("write to {}", name(inode)),
            CutIn::Sync(inode) => format!("sync {}", name(inode)),
            CutIn::SyncDir => "sync the folder".to_owned(),
        })
    }

    /// Everything that a power cut now may keep or lose.
    #[must_use]
    pub fn loose(&self) -> Vec<Loose> {
        let state = self.state();
        let files = state.inodes.iter().enumerate().filter(|(number, _)| state.is_reachable(*number));
        let sectors =
            files.flat_map(|(number, inode)| inode.dirty().map(move |sector| Loose::Sector(number, sector)));
        sectors.chain((0..state.pending.len()).map(Loose::Name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;

    /// Two sectors and a name that are not synced, beside a synced file.
    fn disk() -> FakeDisk {
        let disk = FakeDisk::new();
        disk.put("old", &[1; SECTOR]);
        disk.open("old").unwrap().write_at(&[2; 2 * SECTOR], 0).unwrap();
        disk.create("new").unwrap();
        disk
    }

    fn left(keep: Keep) -> (Vec<u8>, bool) {
        let disk = disk();
        disk.crash_keeping(keep);
        (disk.bytes("old").unwrap(), disk.bytes("new").is_some())
    }

    #[test]
    fn what_is_told_is_kept_and_nothing_else() {
        let loose = disk().loose();
        assert_eq!(loose, [Loose::Sector(0, 0), Loose::Sector(0, 1), Loose::Name(0)]);
        let [first, second, name] = loose[..] else { unreachable!() };
        let (one, two) = (vec![1; SECTOR], vec![2; SECTOR]);
        assert_eq!(left(Keep::Nothing), (one.clone(), false));
        assert_eq!(left(Keep::All), ([two.clone(), two.clone()].concat(), true));
        assert_eq!(left(Keep::Only(first)), (two.clone(), false));
        assert_eq!(left(Keep::AllBut(first)), ([one.clone(), two.clone()].concat(), true));
        assert_eq!(left(Keep::AllBut(name)), ([two.clone(), two.clone()].concat(), false));
        assert_eq!(left(Keep::Only(name)), (one.clone(), true));
        assert_eq!(left(Keep::Torn(second)), ([two.clone(), vec![2; SECTOR / 2]].concat(), true));
        assert_eq!(left(Keep::OnlyTorn(first)), ([&two[..SECTOR / 2], &one[SECTOR / 2..]].concat(), false));
    }

    #[test]
    fn a_call_in_which_the_power_goes_is_told_and_its_sync_may_have_failed() {
        let disk = disk();
        disk.arm(super::super::Trouble::Cut { after: 0 });
        assert!(disk.open("old").unwrap().sync_data().is_err() && disk.is_dead_in_sync());
        assert_eq!(disk.cut_in().unwrap(), "sync old");
        disk.fail_sync();
        assert_eq!(disk.cut_in(), None);
        assert_eq!(disk.bytes("old").unwrap(), [2; 2 * SECTOR], "it is seen");
        disk.crash_keeping(Keep::All);
        assert_eq!(disk.bytes("old").unwrap(), [1; SECTOR], "it was never kept");
    }

    #[test]
    fn what_is_removed_for_good_is_not_loose() {
        let disk = disk();
        disk.remove("old").unwrap();
        assert_eq!(disk.loose().len(), 4, "its name may come back");
        disk.sync_dir().unwrap();
        assert!(disk.loose().is_empty());
    }
}
