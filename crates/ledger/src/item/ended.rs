//! What the index of ids keeps of an item that left memory: enough to refuse a late move in words, without its history.
//!
//! The layout is part of the format: the lowest 6 bits are the state, the next 26 the machine, the rest tells the id.

use crate::digest;
use crate::{Event, Keys, Known, Space};

const STATE_BITS: u32 = 6;
const BITS: u32 = STATE_BITS + 26;

/// How an item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The number of its machine.
    pub(crate) machine: u32,
    /// Its last state.
    pub(crate) state: u16,
}

impl Ended {
    /// What an event that lies at `position` teaches, where an item ends with it: hash, and what it leads to.
    pub(crate) fn learnt(keys: Keys, event: &Event<'_>, position: u64) -> Option<(u64, Known)> {
        let Event::ItemMoved { id, machine, states, ends: true, .. } = event else { return None };
        let key = digest::id(keys, Space::ItemEnd, ("", id));
        let content = key.check << BITS | u64::from(*machine) << STATE_BITS | u64::from(states.1);
        Some((key.hash, Known { content, position }))
    }

    /// How the item with this id ended, when it did; `known` is the index.
    pub(crate) fn find(keys: Keys, id: &str, known: impl FnOnce(u64) -> Option<Known>) -> Option<Ended> {
        let key = digest::id(keys, Space::ItemEnd, ("", id));
        let content = known(key.hash)?.content;
        if content >> BITS != key.check << BITS >> BITS {
            return None;
        }
        let machine = u32::try_from(content >> STATE_BITS & ((1 << (BITS - STATE_BITS)) - 1)).ok()?;
        let state = u16::try_from(content & ((1 << STATE_BITS) - 1)).ok()?;
        Some(Ended { machine, state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, NONE};

    #[test]
    fn how_an_item_ended_is_found_by_its_id_alone() {
        let keys = Keys(1, 2);
        for (machine, state) in [(0, 0), (7, 63), ((1 << 26) - 1, 5)] {
            let event = Event::ItemMoved {
                id: "c-1",
                item: 3,
                machine,
                by: Some(0),
                operation: "m",
                states: (1, state),
                held: None,
                ends: true,
                of: None,
                owner: None,
                arguments: Vec::new(),
                due: None,
                prev: NONE,
                version: 1,
                cause: Cause::default(),
            };
            let (hash, known) = Ended::learnt(keys, &event, 9).unwrap();
            let find = |id| Ended::find(keys, id, |_| Some(known));
            assert_eq!(find("c-1"), Some(Ended { machine, state }));
            assert_eq!(find("c-2"), None, "another id under the same hash is not taken for it");
            assert_eq!((hash, known.position), (digest::id(keys, Space::ItemEnd, ("", "c-1")).hash, 9));
        }
    }
}
