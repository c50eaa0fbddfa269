//! One line of an account's statement: what an event did to it. Ids of other accounts are left to the live ledger.

use ledger::{Cause, Event, Kept, Leg};
use transaction::Time;

use super::leg::Side;
use crate::{AccountBounds, CauseText};

/// A line, with the slot of the other account instead of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawLine {
    /// Its sequence in the journal.
    pub(crate) sequence: u64,
    /// When.
    pub(crate) at: Time,
    /// Its number in the account's history, from 1.
    pub(crate) version: u64,
    /// As [`crate::Line`] names them.
    pub(crate) event: &'static str,
    /// The id of the entry, hold or operation; empty where a lot expired.
    pub(crate) id: Box<str>,
    /// The id of the capture, where one is meant.
    pub(crate) capture: Option<Box<str>>,
    /// Change of posted, in units: above zero came in.
    pub(crate) amount: i128,
    /// The slot of the other account, where there is one.
    pub(crate) other: Option<u32>,
    /// Posted after it.
    pub(crate) posted: i128,
    /// Held after it.
    pub(crate) held: i128,
    /// What it gives back, as it was named.
    pub(crate) refunds: Option<Box<str>>,
    /// Of a change: floor, ceiling and standing after it.
    pub(crate) bounds: Option<AccountBounds>,
    /// Why.
    pub(crate) cause: CauseText,
}

/// One page of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawStatement {
    /// The lines.
    pub(crate) lines: Vec<RawLine>,
    /// Where to go on; `None` at the end.
    pub(crate) next: Option<String>,
}

/// What an event did, as one side of it sees it.
struct Told<'a> {
    event: &'static str,
    id: &'a str,
    capture: &'a str,
    /// Units that moved from one account to the other.
    moved: i128,
    other: Option<u32>,
}

/// The line of an account in an event; `None`: the event is no account's.
pub(super) fn line(kept: &Kept<'_>, side: Side, leg: &Leg) -> Option<RawLine> {
    let told = told(&kept.event, side)?;
    let amount = match side {
        Side::From => -told.moved,
        Side::To => told.moved,
    };
    Some(RawLine {
        sequence: kept.sequence,
        at: kept.at,
        version: leg.version,
        event: told.event,
        id: told.id.into(),
        capture: (!told.capture.is_empty()).then(|| told.capture.into()),
        amount,
        other: told.other,
        posted: leg.posted,
        held: leg.held,
        refunds: refunds(&kept.event),
        bounds: bounds(&kept.event),
        cause: cause_of(&kept.event).map(cause_text).unwrap_or_default(),
    })
}

fn refunds(event: &Event<'_>) -> Option<Box<str>> {
    match event {
        Event::Posted { refunds: Some((id, _)), .. } => Some((*id).into()),
        _ => None,
    }
}

fn bounds(event: &Event<'_>) -> Option<AccountBounds> {
    match *event {
        Event::AccountChanged { floor, ceiling, standing, .. } => {
            Some(AccountBounds { floor, ceiling, standing })
        }
        _ => None,
    }
}

fn told<'a>(event: &Event<'a>, side: Side) -> Option<Told<'a>> {
    let other = |from: &Leg, to: &Leg| match side {
        Side::From => Some(to.account),
        Side::To => Some(from.account),
    };
    let quiet = |event, id, other| Told { event, id, capture: "", moved: 0, other };
    Some(match event {
        Event::AccountChanged { id, .. } => quiet("changed", id, None),
        Event::Posted { id, amount, from, to, .. } => {
            Told { moved: *amount, ..quiet("posted", id, other(from, to)) }
        }
        Event::Held { id, to, .. } => quiet("held", id, Some(*to)),
        Event::Captured { id, capture, amount, from, to, .. } => {
            Told { moved: *amount, capture, ..quiet("captured", id, other(from, to)) }
        }
        Event::Released { id, expired: false, to, .. } => quiet("released", id, Some(*to)),
        Event::Released { id, expired: true, to, .. } => quiet("expired", id, Some(*to)),
        Event::Reopened { id, to, .. } => quiet("reopened", id, Some(*to)),
        Event::LotExpired { amount, from, to, .. } => {
            Told { moved: *amount, ..quiet("lot_expired", "", other(from, to)) }
        }
        Event::AssetDeclared { .. }
        | Event::AccountOpened { .. }
        | Event::MachineDeclared { .. }
        | Event::ItemCreated { .. }
        | Event::ItemMoved { .. } => return None,
    })
}

/// Why an event happened; what happens by itself has no cause.
pub(super) fn cause_of<'a, 'b>(event: &'b Event<'a>) -> Option<&'b Cause<&'a str>> {
    match event {
        Event::AccountOpened { cause, .. }
        | Event::AccountChanged { cause, .. }
        | Event::Posted { cause, .. }
        | Event::Held { cause, .. }
        | Event::Captured { cause, .. }
        | Event::Released { cause, .. }
        | Event::Reopened { cause, .. }
        | Event::MachineDeclared { cause, .. }
        | Event::ItemCreated { cause, .. }
        | Event::ItemMoved { cause, .. } => Some(cause),
        Event::AssetDeclared { .. } | Event::LotExpired { .. } => None,
    }
}

/// A cause with texts of its own.
pub(super) fn cause_text(cause: &Cause<&str>) -> CauseText {
    let text = |part: Option<&str>| part.map(Box::from);
    CauseText {
        transaction: text(cause.transaction),
        branch: text(cause.branch),
        operator: text(cause.operator),
        reason: text(cause.reason),
    }
}
