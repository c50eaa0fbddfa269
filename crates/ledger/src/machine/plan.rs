//! A machine made ready for deciding: states as numbers, moves as bits, and its place among the versions of its name.
//!
//! Made once, when the machine is declared or loaded; must never differ from the machine it was made of.

use std::sync::Arc;

use crate::machine::{Machine, Quota};

/// The most names of states over all versions of a machine: a set of them is the bits of one number.
pub(crate) const NAMES_MAX: usize = 128;

/// One version of a machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) machine: Arc<Machine>,
    /// Its number, over all machines and versions.
    pub(crate) number: u32,
    /// Its version among those of its name, from 1.
    pub(crate) version: u32,
    /// The number of the first version of its name: what all its versions share.
    pub(crate) family: u32,
    /// The position of its declaration.
    pub(crate) position: u64,
    /// For each state its number among all the names that states of this family have.
    pub(crate) bits: Vec<u8>,
    ways: Vec<Way>,
}

/// One move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// The states it leads out of, a bit each.
    from: u64,
    pub(crate) to: u16,
    pub(crate) lapsed_to: Option<u16>,
}

impl Plan {
    pub(crate) fn new(
        machine: Arc<Machine>,
        [number, version, family]: [u32; 3],
        (position, bits): (u64, Vec<u8>),
    ) -> Plan {
        let state = |name: &str| machine.state(name).unwrap_or(u16::MAX);
        let ways = machine.moves.iter().map(|found| Way {
            from: found.from.iter().fold(0, |from, name| from | bit(state(name))),
            to: state(&found.to),
            lapsed_to: found.lapsed_to.as_deref().map(state),
        });
        let ways = ways.collect();
        Plan { machine, number, version, family, position, bits, ways }
    }

    /// The move of this name that leads out of this state.
    pub(crate) fn way(&self, name: &str, state: u16) -> Option<(u16, Way)> {
        let by = self.machine.find_move(name)?;
        self.way_at(by).filter(|way| way.from & bit(state) != 0).map(|way| (by, way))
    }

    /// The move at this position.
    pub(crate) fn way_at(&self, by: u16) -> Option<Way> {
        self.ways.get(usize::from(by)).copied()
    }

    /// The name of the state at this position.
    pub(crate) fn state_name(&self, state: u16) -> &str {
        self.machine.states.get(usize::from(state)).map_or("", |state| &state.name)
    }

    pub(crate) fn is_final(&self, state: u16) -> bool {
        self.machine.states.get(usize::from(state)).is_some_and(|state| state.is_final)
    }

    /// The state as a set of one, among the names of the family.
    pub(crate) fn set_of(&self, state: u16) -> u128 {
        self.bits.get(usize::from(state)).map_or(0, |bit| 1 << (bit % 128))
    }

    /// The number of the state's name in the family.
    pub(crate) fn bit_of(&self, state: u16) -> u8 {
        self.bits.get(usize::from(state)).copied().unwrap_or(0)
    }

    /// Where this move can lead, as a set.
    pub(crate) fn targets(&self, by: u16) -> u128 {
        self.way_at(by)
            .map_or(0, |way| self.set_of(way.to) | way.lapsed_to.map_or(0, |state| self.set_of(state)))
    }

    /// The states that a quota counts, as a set.
    pub(crate) fn counted(&self, quota: &Quota) -> u128 {
        let states = quota.states.iter().filter_map(|name| self.machine.state(name));
        states.fold(0, |set, state| set | self.set_of(state))
    }
}

impl Way {
    /// The way that time leads: out of a state that is known already.
    pub(crate) fn timed(to: u16, lapsed_to: Option<u16>) -> Way {
        Way { from: 0, to, lapsed_to }
    }

    /// Where it leads: elsewhere when the item's time has passed.
    pub(crate) fn target(&self, validity: Validity) -> u16 {
        match (validity, self.lapsed_to) {
            (Validity::Lapsed, Some(state)) => state,
            (Validity::Lapsed, None) | (Validity::Running, _) => self.to,
        }
    }
}

/// Whether an item's `valid_until` has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    /// It has none, or not yet.
    Running,
    /// It has.
    Lapsed,
}

fn bit(state: u16) -> u64 {
    1_u64.checked_shl(u32::from(state)).unwrap_or(0)
}
