//! Closed holds and final items, as their last events left them.
//!
//! A last event does not say again what the first one said, so the thread is followed back as far as that. Names are left
//! to the live ledger. Read next: `steps.rs`.

use ledger::{Event, HoldState, Literal, Value};
use transaction::Time;

use super::History;
use super::steps::former;
use crate::Fault;

/// A closed hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawHold {
    /// Its id.
    pub(crate) id: Box<str>,
    /// Its state.
    pub(crate) state: HoldState,
    /// The slots of the accounts: held in, and for.
    pub(crate) accounts: (u32, u32),
    /// Units held at first.
    pub(crate) amount: i128,
    /// Units captured.
    pub(crate) captured: i128,
    /// Units still held.
    pub(crate) left: i128,
    /// When it expired or would have.
    pub(crate) expires_at: Option<Time>,
    /// A branch of a transaction owned it.
    pub(crate) owned: bool,
    /// The position of its latest event.
    pub(crate) last: u64,
}

/// An item that left memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawItem {
    /// Its id.
    pub(crate) id: Box<str>,
    /// The number of its machine.
    pub(crate) machine: u32,
    /// Its state, by position in the machine.
    pub(crate) state: u16,
    /// Nothing moves it any more.
    pub(crate) is_final: bool,
    /// Whose it is.
    pub(crate) owner: Option<Box<str>>,
    /// Its attributes, sorted by key.
    pub(crate) attributes: Vec<(Box<str>, Literal)>,
    /// When its state expires.
    pub(crate) due: Option<Time>,
    /// A branch of a transaction holds it.
    pub(crate) held: bool,
    /// How many moves it made.
    pub(crate) version: u64,
    /// The position of its latest event.
    pub(crate) last: u64,
}

/// The hold as it stood after its event at a position.
///
/// # Errors
/// When the history cannot be read, or no hold's event lies there.
pub(crate) fn hold_at(history: &History, position: u64) -> Result<RawHold, Fault> {
    let last = history.read(position)?;
    let (id, state, accounts, (captured, left, given_back)) = match last.kept()?.event {
        Event::Held { id, amount, from, to, .. } => {
            (id.into(), HoldState::Held, (from.account, to), (0, amount, 0))
        }
        Event::Captured { id, so_far: (captured, left), from, to, .. } => {
            let state = if left == 0 { HoldState::Captured } else { HoldState::Held };
            (id.into(), state, (from.account, to.account), (captured, left, 0))
        }
        Event::Released { id, expired, amount, captured, from, to, .. } => {
            let state = if expired { HoldState::Expired } else { HoldState::Released };
            (id.into(), state, (from.account, to), (captured, 0, amount))
        }
        Event::Reopened { id, amount, captured, from, to, .. } => {
            (id.into(), HoldState::Held, (from.account, to), (captured, amount, 0))
        }
        _ => return Err(last.fault("this is no event of a hold")),
    };
    let mut hold = RawHold {
        id,
        state,
        accounts,
        amount: captured + left + given_back,
        captured,
        left,
        expires_at: None,
        owned: false,
        last: position,
    };
    // Captures and releases do not say again what was said when it began, or began again.
    let mut record = last;
    loop {
        match record.kept()?.event {
            Event::Held { expires_at, owned, .. } => {
                (hold.expires_at, hold.owned) = (expires_at, owned);
                return Ok(hold);
            }
            // Only a caller's hold can be reopened.
            Event::Reopened { expires_at, .. } => {
                hold.expires_at = expires_at;
                return Ok(hold);
            }
            _ => record = history.read(former(&record)?)?,
        }
    }
}

/// The item as it stood after its event at a position.
///
/// # Errors
/// When the history cannot be read, or no item's event lies there.
pub(crate) fn item_at(history: &History, position: u64) -> Result<RawItem, Fault> {
    let mut record = history.read(position)?;
    let item = match record.kept()?.event {
        Event::ItemCreated { id, machine, state, due, .. } => {
            Some(RawItem { due, ..fresh((id, machine, state), position) })
        }
        Event::ItemMoved { id, machine, states: (_, state), held, ends, of, due, version, .. } => {
            Some(RawItem {
                is_final: ends,
                owner: of.map(Box::from),
                due,
                held: held.is_some(),
                version,
                ..fresh((id, machine, state), position)
            })
        }
        _ => None,
    };
    let mut item = item.ok_or_else(|| record.fault("this is no event of an item"))?;
    loop {
        if let Event::ItemCreated { owner, attributes, .. } = record.kept()?.event {
            item.owner = item.owner.take().or(owner.map(Box::from));
            item.attributes =
                attributes.into_iter().map(|(key, value)| (key.into(), literal(value))).collect();
            return Ok(item);
        }
        record = history.read(former(&record)?)?;
    }
}

fn fresh((id, machine, state): (&str, u32, u16), last: u64) -> RawItem {
    RawItem {
        id: id.into(),
        machine,
        state,
        is_final: false,
        owner: None,
        attributes: Vec::new(),
        due: None,
        held: false,
        version: 0,
        last,
    }
}

fn literal(value: Value<&str>) -> Literal {
    match value {
        Value::Text(text) => Literal::Text(text.into()),
        Value::Integer(number) => Literal::Integer(number),
        Value::Flag(flag) => Literal::Flag(flag),
    }
}
