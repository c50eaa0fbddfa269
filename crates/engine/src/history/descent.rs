//! From an account's latest event down to an older one, by the pointers that skip: a few hundred reads at most, however
//! long the history is.
//!
//! Time never goes back from one version to the next, so an event is found by its time as by its number.

use ledger::{Leg, skip_version};
use transaction::Time;

use super::leg::read_leg;
use super::record::Record;
use super::{Head, History};
use crate::Fault;

/// An event on an account's thread.
pub(super) struct Node {
    pub(super) record: Record,
    pub(super) leg: Leg,
    pub(super) at: Time,
}

/// The oldest event that is wanted: all versions above `below`, at or after a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    below: u64,
    from: Time,
}

impl Goal {
    /// The event of this version, from 1.
    pub(super) fn version(version: u64) -> Goal {
        Goal { below: version - 1, from: Time(i64::MIN) }
    }

    /// The first event at or after a time.
    pub(super) fn from(from: Time) -> Goal {
        Goal { below: 0, from }
    }
}

impl Node {
    /// The event of an account that has this position and version.
    pub(super) fn read(history: &History, account: u32, place: (u64, u64)) -> Result<Node, Fault> {
        let (record, leg) = read_leg(history, account, place)?;
        let at = record.kept()?.at;
        Ok(Node { record, leg, at })
    }

    /// The account's event before this one.
    pub(super) fn former(&self, history: &History) -> Result<Option<Node>, Fault> {
        match self.leg.version - 1 {
            0 => Ok(None),
            version => Node::read(history, self.leg.account, (self.leg.prev, version)).map(Some),
        }
    }
}

/// The oldest event that fulfils the goal; `None` when not even the latest does.
pub(super) fn descend(history: &History, head: Head, goal: Goal) -> Result<Option<Node>, Fault> {
    let mut below = goal.below;
    if head.version <= below {
        return Ok(None);
    }
    let mut node = Node::read(history, head.account, (head.last, head.version))?;
    if node.at < goal.from {
        return Ok(None);
    }
    loop {
        let version = node.leg.version;
        if version == below + 1 {
            return Ok(Some(node));
        }
        let place = match skip_version(version).filter(|further| *further > below) {
            Some(further) => (node.leg.skip, further),
            None => (node.leg.prev, version - 1),
        };
        let older = Node::read(history, head.account, place)?;
        if older.at < goal.from {
            below = place.1;
        } else {
            node = older;
        }
    }
}
