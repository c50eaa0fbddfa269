//! Decides what an entry gives back of an earlier one, and to which lots it returns.

use transaction::{Refusal, Time};

use crate::amount::format_units;
use crate::desk::Desk;
use crate::pair::Pair;
use crate::refusal as r;
use crate::{Entry, Event, LotChange, Space, Take};

/// What is given back, and of what.
pub(crate) struct Refund {
    /// The position of the event that had taken it.
    pub(crate) position: u64,
    /// Units given back now.
    pub(crate) amount: i128,
    /// Units given back so far, these included.
    pub(crate) refunded: i128,
    /// The lots they return to; none where the original took from none.
    pub(crate) parts: Vec<(Time, i128)>,
}

/// What had been taken.
struct Taken {
    position: u64,
    pair: (u32, u32),
    amount: i128,
    lots: Vec<LotChange>,
}

impl Desk<'_> {
    /// The refund that an entry is, if it is one. `room` is what its accounts allow.
    pub(crate) fn refund(
        &self,
        entry: &Entry<&str>,
        (pair, room): (Pair, i128),
    ) -> Result<Option<Refund>, Refusal> {
        let Some(id) = entry.refunds else { return Ok(None) };
        let invalid = |words: String| Err(r::REFUND_INVALID.because(words));
        let Some(taken) = self.taken(id) else {
            return invalid(format!(
                "no entry or captured hold is known as `{id}`: one capture is named HOLD/CAPTURE, and so is what was \
                 taken of a hold that was not captured to its end"
            ));
        };
        if taken.pair != (pair.to, pair.from) {
            return invalid(format!("`{id}` went between other accounts, or the same way round"));
        }
        let before = self.ledger.refunded.get(&taken.position).copied().unwrap_or(0);
        let left = taken.amount - before;
        let amount = match entry.take {
            Take::UpTo => room.min(left),
            Take::Exactly if room > left => {
                let show = |units| format_units(units, pair.scale);
                return invalid(format!("{} of {} are not given back yet", show(left), show(taken.amount)));
            }
            Take::Exactly => room,
        };
        let parts = parts(&taken.lots, before, amount);
        Ok(Some(Refund { position: taken.position, amount, refunded: before + amount, parts }))
    }

    /// What an entry or a capture took.
    fn taken(&self, id: &str) -> Option<Taken> {
        taken_names(id).into_iter().find_map(|(space, parent, name)| {
            let position = self.book.known(self.ledger.hash(space, parent, name))?.position;
            let (is_it, amount, pair, lots) = match self.recall(position)?.event {
                Event::Posted { id: named, amount, from, to, lots, .. } => {
                    (named == id, amount, (from.account, to.account), lots.0)
                }
                Event::Captured { id: hold, capture, amount, from, to, lots, .. } => {
                    let is_it = hold == id || (hold == parent && capture == name);
                    (is_it, amount, (from.account, to.account), lots.0)
                }
                _ => return None,
            };
            is_it.then_some(Taken { position, pair, amount, lots })
        })
    }
}

/// What the id of something taken may stand for: an entry, the last capture of a hold that was captured to its end, or
/// any capture, as `hold/capture`. Each with the parent of its id.
#[must_use]
pub fn taken_names(id: &str) -> Vec<(Space, &str, &str)> {
    let whole = [(Space::Entry, "", id), (Space::HoldEnd, "", id)];
    let parts = id.match_indices('/').map(|(at, _)| (Space::Capture, &id[..at], &id[at + 1..]));
    whole.into_iter().chain(parts).collect()
}

/// The lots that get `units` back when `before` were given back already: last expiring first.
fn parts(lots: &[LotChange], before: i128, units: i128) -> Vec<(Time, i128)> {
    let (mut skip, mut left) = (before, units);
    let mut parts = Vec::new();
    for change in lots.iter().rev() {
        let skipped = skip.min(change.taken);
        let given = left.min(change.taken - skipped);
        skip -= skipped;
        left -= given;
        if given > 0 {
            parts.push((change.expires_at, given));
        }
    }
    parts
}
