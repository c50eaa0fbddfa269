//! An account's balances as they stood at a time in the past.

use transaction::Time;

use super::descent::{Goal, Node, descend};
use super::{Head, History};
use crate::{Balances, Fault};

/// The balances after everything that happened at `time` or before; zeros before the account's first event.
///
/// # Errors
/// When the history cannot be read.
pub(crate) fn balances_at(history: &History, head: Head, time: Time) -> Result<Balances, Fault> {
    if head.version == 0 {
        return Ok(Balances::default());
    }
    let later = match time.0.checked_add(1) {
        Some(later) => descend(history, head, Goal::from(Time(later)))?,
        None => None,
    };
    let then = match later {
        Some(later) => later.former(history)?,
        None => Some(Node::read(history, head.account, (head.last, head.version))?),
    };
    Ok(then.map_or(Balances::default(), |Node { leg, .. }| Balances {
        posted: leg.posted,
        held: leg.held,
        version: leg.version,
    }))
}
