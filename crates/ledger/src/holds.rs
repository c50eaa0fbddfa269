//! Open holds as they are kept in memory: found by slot or by id; closed ones leave.

use transaction::Time;

use crate::index::Index;
use crate::slots::Slots;

/// An open hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) id: Box<str>,
    pub(crate) hash: u64,
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Units held at first.
    pub(crate) amount: i128,
    pub(crate) captured: i128,
    pub(crate) left: i128,
    pub(crate) expires_at: Option<Time>,
    /// Only a branch may capture and release it.
    pub(crate) owned: bool,
    /// The position of the event that opened it: its age.
    pub(crate) since: u64,
    /// The position of its latest event.
    pub(crate) last: u64,
    /// What it keeps of each lot, first expiring first.
    pub(crate) lots: Vec<(Time, i128)>,
}

/// All open holds.
#[derive(Debug)]
pub(crate) struct Holds {
    slots: Vec<Option<Box<Hold>>>,
    free: Slots,
    index: Index,
}

impl Holds {
    pub(crate) fn new() -> Holds {
        Holds { slots: Vec::new(), free: Slots::default(), index: Index::new() }
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Hold> {
        self.slots.get(slot as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Hold> {
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    pub(crate) fn find(&self, hash: u64, id: &str) -> Option<(u32, &Hold)> {
        let is = |slot| self.get(slot).is_some_and(|hold| hold.hash == hash && *hold.id == *id);
        let slot = self.index.find(hash, is)?;
        self.get(slot).map(|hold| (slot, hold))
    }

    /// The slot that the next hold gets.
    pub(crate) fn free(&mut self) -> u32 {
        self.free.free()
    }

    /// Puts a hold into a slot, or takes it out; answers what was there.
    pub(crate) fn put(&mut self, slot: u32, hold: Option<Box<Hold>>) -> Option<Box<Hold>> {
        let place = slot as usize;
        if self.slots.len() <= place {
            self.slots.resize_with(place + 1, || None);
        }
        let before = self.slots[place].take();
        if let Some(before) = &before {
            self.index.remove(before.hash, slot);
        }
        match hold {
            Some(hold) => {
                let hash = hold.hash;
                self.free.take(slot);
                self.slots[place] = Some(hold);
                self.index.insert(hash, slot);
            }
            None => self.free.give(slot),
        }
        before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.slots.iter().flatten().map(|hold| &**hold)
    }
}
