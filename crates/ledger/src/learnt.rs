//! What an event leads to in the index of ids: how start-up fills the index again from the history.
//!
//! Must learn exactly what deciding learnt; `tests` hold the two against each other.

use crate::digest;
use crate::hold::HoldEnd;
use crate::item::Ended;
use crate::{Event, HoldState, Kept, Keys, Known, Space};

/// What an encoded event leads to in the index of ids: how start-up fills the index again from the history. The keys are
/// those that [`Ledger::carry_out`](crate::Ledger::carry_out) would have learnt.
///
/// # Errors
/// When the bytes are no event of this version.
pub fn learnt(
    keys: Keys,
    encoded: &[u8],
    position: u64,
    learn: &mut dyn FnMut(u64, Known),
) -> Result<(), String> {
    let kept = Kept::decode(encoded)?;
    if let Some((space, (parent, id))) = said(&kept.event) {
        let hash = digest::id(keys, space, (parent, id)).hash;
        learn(hash, Known { content: kept.content, position });
    }
    let mut ended = |id: &str, end: HoldEnd| {
        let key = digest::id(keys, Space::HoldEnd, ("", id));
        learn(key.hash, Known { content: end.content(key), position });
    };
    match &kept.event {
        Event::Captured { id, so_far: (_, 0), scale, .. } => {
            ended(id, HoldEnd { state: HoldState::Captured, scale: *scale });
        }
        Event::Released { id, expired, scale, .. } => {
            let state = if *expired { HoldState::Expired } else { HoldState::Released };
            ended(id, HoldEnd { state, scale: *scale });
        }
        event => {
            if let Some((hash, known)) = Ended::learnt(keys, event, position) {
                learn(hash, known);
            }
        }
    }
    Ok(())
}

/// The id that the caller gave to this event, if a caller did.
fn said<'a>(event: &Event<'a>) -> Option<(Space, (&'a str, &'a str))> {
    match *event {
        Event::AccountChanged { id, .. } => Some((Space::Adjust, ("", id))),
        Event::Posted { id, .. } => Some((Space::Entry, ("", id))),
        Event::Held { id, .. } => Some((Space::Hold, ("", id))),
        Event::Captured { id, capture, .. } => Some((Space::Capture, (id, capture))),
        Event::Reopened { id, reopen, .. } => Some((Space::Capture, (id, reopen))),
        Event::ItemCreated { id, .. } => Some((Space::Item, ("", id))),
        Event::ItemMoved { id, operation, by: Some(_), .. } => Some((Space::Move, (id, operation))),
        Event::ItemMoved { by: None, .. }
        | Event::AssetDeclared { .. }
        | Event::AccountOpened { .. }
        | Event::Released { .. }
        | Event::LotExpired { .. }
        | Event::MachineDeclared { .. } => None,
    }
}
