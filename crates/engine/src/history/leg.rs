//! Which accounts an event touches, and on which side of it each stands.

use ledger::{Event, Leg};

use super::History;
use super::record::Record;
use crate::Fault;

/// The side of an event on which an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Value goes from it, or is held in it; also the only account of an event.
    From,
    /// Value comes to it.
    To,
}

/// An account's leg in an event.
pub(super) fn leg_of(event: &Event<'_>, account: u32) -> Option<(Side, Leg)> {
    let (from, to) = match event {
        Event::AccountChanged { leg, .. } => (leg, None),
        Event::Posted { from, to, .. }
        | Event::Captured { from, to, .. }
        | Event::LotExpired { from, to, .. } => (from, Some(to)),
        Event::Held { from, .. } | Event::Released { from, .. } | Event::Reopened { from, .. } => {
            (from, None)
        }
        Event::AssetDeclared { .. }
        | Event::AccountOpened { .. }
        | Event::MachineDeclared { .. }
        | Event::ItemCreated { .. }
        | Event::ItemMoved { .. } => return None,
    };
    if from.account == account {
        return Some((Side::From, *from));
    }
    to.filter(|to| to.account == account).map(|to| (Side::To, *to))
}

/// Reads the event that is to be an account's event of this version.
pub(super) fn read_leg(
    history: &History,
    account: u32,
    (position, version): (u64, u64),
) -> Result<(Record, Leg), Fault> {
    let record = history.read(position)?;
    match leg_of(&record.kept()?.event, account) {
        Some((_, leg)) if leg.version == version => Ok((record, leg)),
        _ => Err(record.fault(&format!("this is not event {version} of account {account}"))),
    }
}
