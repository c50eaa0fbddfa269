//! The past of a hold or an item, from its last event back to its first.
//!
//! Names of accounts, moves and states are left to the live ledger, which alone knows them. Read next: `ended.rs`.

use ledger::{Event, Kept, NONE};
use transaction::{Refusal, Time};

use super::History;
use super::cursor::{self, Kind};
use super::line::{cause_of, cause_text};
use super::record::Record;
use crate::{CauseText, Fault, HistoryQuery};

/// Steps of one page at most, whatever is asked.
const LIMIT_MAX: usize = 1_000;
/// Events that are walked back at most: of a longer past only the latest so many steps are told.
const WALK_MAX: usize = 200_000;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawStep {
    /// Its sequence in the journal.
    pub(crate) sequence: u64,
    /// When.
    pub(crate) at: Time,
    /// As [`crate::Step`] names them.
    pub(crate) event: &'static str,
    /// The id of the operation, where it has one.
    pub(crate) operation: Option<Box<str>>,
    /// On whose behalf, or whose it is.
    pub(crate) owner: Option<Box<str>>,
    /// What became of it.
    pub(crate) of: RawOf,
    /// Why.
    pub(crate) cause: CauseText,
}

/// What a step was, of a hold or of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawOf {
    /// Of a hold.
    Hold {
        /// Units of this step.
        amount: i128,
        /// The slot of the account it is held in.
        account: u32,
    },
    /// Of an item.
    Item {
        /// The number of its machine.
        machine: u32,
        /// The move, by position in the machine; `None`: it was created, or its state expired.
        by: Option<u16>,
        /// The states before and after, by position.
        states: (Option<u16>, u16),
    },
}

/// One page of steps, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawSteps {
    /// The steps.
    pub(crate) steps: Vec<RawStep>,
    /// Where to go on; `None` at the end.
    pub(crate) next: Option<String>,
}

/// One page of the steps of a hold or an item whose latest event lies at `last`, oldest first.
///
/// # Errors
/// When the history cannot be read; the inner one refuses a cursor that was never given out for this.
pub(crate) fn steps(
    history: &History,
    last: u64,
    query: &HistoryQuery,
) -> Result<Result<RawSteps, Refusal>, Fault> {
    let after = match query.cursor.as_deref().map(|text| cursor::read(Kind::Steps, text)).transpose() {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let limit = query.limit.clamp(1, LIMIT_MAX);
    // Of those that come after the cursor the oldest are wanted, and they are met last.
    let (mut later, mut position) = (Vec::new(), last);
    while position != NONE && Some(position) != after && later.len() < WALK_MAX {
        later.push(position);
        position = former(&history.read(position)?)?;
    }
    let is_met = |after| after == position && after != NONE;
    if let Some(text) = query.cursor.as_deref().filter(|_| !after.is_some_and(is_met)) {
        return Ok(Err(cursor::invalid(text)));
    }
    let mut page = RawSteps::default();
    for position in later.iter().rev().take(limit) {
        page.steps.push(step(&history.read(*position)?)?);
    }
    if later.len() > limit {
        page.next = Some(cursor::write(Kind::Steps, later[later.len() - limit]));
    }
    Ok(Ok(page))
}

/// The position of the same hold's or item's event before this one; [`NONE`] at its beginning.
pub(super) fn former(record: &Record) -> Result<u64, Fault> {
    match record.kept()?.event {
        Event::Held { .. } | Event::ItemCreated { .. } => Ok(NONE),
        Event::Captured { prev, .. }
        | Event::Released { prev, .. }
        | Event::Reopened { prev, .. }
        | Event::ItemMoved { prev, .. }
            // Only ever back: damage leads to a fault, not round in a circle.
            if prev < record.position() =>
        {
            Ok(prev)
        }
        _ => Err(record.fault("this is no event of a hold or an item, or leads nowhere")),
    }
}

fn step(record: &Record) -> Result<RawStep, Fault> {
    let Kept { sequence, at, event, .. } = record.kept()?;
    let (name, operation, owner) = match &event {
        Event::Held { .. } => ("held", "", None),
        Event::Captured { capture, .. } => ("captured", *capture, None),
        Event::Released { expired: false, .. } => ("released", "", None),
        Event::Released { expired: true, .. } => ("expired", "", None),
        Event::Reopened { reopen, .. } => ("reopened", *reopen, None),
        Event::ItemCreated { owner, .. } => ("created", "", *owner),
        Event::ItemMoved { by: Some(_), operation, owner, .. } => ("moved", *operation, *owner),
        Event::ItemMoved { by: None, operation, owner, .. } => ("expired", *operation, *owner),
        _ => return Err(no_step(record)),
    };
    let of = match &event {
        Event::Held { amount, from, .. }
        | Event::Captured { amount, from, .. }
        | Event::Released { amount, from, .. }
        | Event::Reopened { amount, from, .. } => RawOf::Hold { amount: *amount, account: from.account },
        Event::ItemCreated { machine, state, .. } => {
            RawOf::Item { machine: *machine, by: None, states: (None, *state) }
        }
        Event::ItemMoved { machine, by, states: (before, after), .. } => {
            RawOf::Item { machine: *machine, by: *by, states: (Some(*before), *after) }
        }
        _ => return Err(no_step(record)),
    };
    Ok(RawStep {
        sequence,
        at,
        event: name,
        operation: (!operation.is_empty()).then(|| operation.into()),
        owner: owner.map(Box::from),
        of,
        cause: cause_of(&event).map(cause_text).unwrap_or_default(),
    })
}

fn no_step(record: &Record) -> Fault {
    record.fault("this is no event of a hold or an item")
}
