//! The ledger's share of the books: the independent auditor of `journal verify`, every balance at every sequence, and
//! which sequence used which id.

use std::collections::HashMap;

use audit::{Audit, Balance};
use ledger::{Event, Kept};

use crate::sight::{Sight, Sights};
use crate::violation::{Judged, Must, Violation};

/// What an id was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    Entry,
    Hold,
    /// Of a hold.
    Capture,
    Item,
    /// Of an item.
    Move,
}

/// An id with what it was used for; a capture's and a move's is below its hold or item.
pub(crate) type Name = (Use, String);

/// The event that used an id, and the units that it moved or held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) sequence: u64,
    pub(crate) amount: Option<i128>,
}

/// The books of the ledger.
#[derive(Default)]
pub(crate) struct LedgerBooks {
    pub(crate) audit: Audit,
    /// By account, in the order of opening: balances with the sequence that made them.
    balances: Vec<Vec<(u64, Balance)>>,
    /// Which sequence used an id first.
    used: HashMap<Name, Used>,
    /// When each hold was last captured, and ended: times in microseconds.
    touched: HashMap<String, i64>,
    /// When holds that can expire do.
    expiring: HashMap<String, i64>,
}

impl LedgerBooks {
    /// Takes in one event.
    pub(super) fn event(&mut self, sequence: u64, bytes: &[u8], sights: &mut Sights) -> Judged {
        let broken = |why: String| Violation::new(promise_of(&why), why);
        let kept = self.audit.event(Some(sequence), bytes).map_err(broken)?;
        if let Some((name, amount)) = name_of(&kept.event) {
            let before = self.used.insert(name.clone(), Used { sequence, amount });
            before
                .is_none()
                .must("P20", || format!("{} was used twice: {before:?} and event {sequence}", name.1))?;
        }
        self.in_time(&kept)?;
        self.see(&kept, sights);
        self.note(sequence);
        Ok(())
    }

    /// Nothing is captured of a hold whose time is over.
    fn in_time(&self, kept: &Kept<'_>) -> Judged {
        let Event::Captured { id, .. } = &kept.event else { return Ok(()) };
        let expires = self.expiring.get(*id).copied().unwrap_or(i64::MAX);
        (kept.at.0 < expires).must("P14", || format!("hold {id} is captured after it expired"))
    }

    /// A hold that is open although its time is over.
    pub(super) fn overdue(&self, now: i64) -> Option<&str> {
        let is_over = |id: &&str| self.expiring.get(*id).is_some_and(|expires| *expires < now);
        self.audit.open_holds().find(is_over)
    }

    /// Notes the balances that changed.
    fn note(&mut self, sequence: u64) {
        for (index, (_, balance)) in self.audit.balances().enumerate() {
            match self.balances.get_mut(index) {
                Some(history) if history.last().is_some_and(|(_, last)| *last == balance) => {}
                Some(history) => history.push((sequence, balance)),
                None => self.balances.push(vec![(sequence, balance)]),
            }
        }
    }

    fn see(&mut self, kept: &Kept<'_>, sights: &mut Sights) {
        let at = kept.at.0;
        match &kept.event {
            Event::Held { id, expires_at: Some(expires_at), .. } => {
                self.expiring.insert((*id).to_owned(), expires_at.0);
            }
            Event::Captured { id, so_far, .. } => {
                if so_far.1 > 0 {
                    sights.see(Sight::PartCaptured);
                }
                if self.expiring.get(*id).is_some_and(|expires| expires - at < 1_000) {
                    sights.see(Sight::CaptureRacedExpiry);
                }
                self.touched.insert((*id).to_owned(), at);
            }
            Event::Released { id, expired, captured, .. } => {
                let since = self.touched.get(*id).map(|before| at - before);
                if *captured > 0 && since.is_some_and(|since| since < 1_000) {
                    sights.see(if *expired { Sight::CaptureRacedExpiry } else { Sight::CaptureRacedRelease });
                }
                if *expired {
                    sights.see(Sight::HoldExpired);
                }
            }
            Event::Reopened { id, expires_at, .. } => {
                sights.see(Sight::HoldReopened);
                let expires_at = expires_at.map_or(i64::MAX, |at| at.0);
                self.expiring.insert((*id).to_owned(), expires_at);
            }
            Event::LotExpired { lots, .. } => {
                sights.see(Sight::LotExpired);
                if lots.iter().any(|lot| lot.held > 0) {
                    sights.see(Sight::LotExpiredUnderHold);
                }
            }
            Event::Posted { refunds: Some(_), .. } => sights.see(Sight::Refunded),
            Event::ItemMoved { by: None, .. } => sights.see(Sight::ItemExpired),
            _ => {}
        }
    }

    /// The account as it stood after event `sequence`; `None` before it was opened.
    pub(crate) fn balance_at(&self, id: &str, sequence: u64) -> Option<Balance> {
        let index = self.audit.balances().position(|(known, _)| known == id)?;
        let history = self.balances.get(index)?;
        let end = history.partition_point(|(made, _)| *made <= sequence);
        Some(history.get(end.checked_sub(1)?)?.1)
    }

    /// Which event used this id, if one did.
    pub(crate) fn used_by(&self, name: &Name) -> Option<Used> {
        self.used.get(name).copied()
    }

    /// Every hold that there ever was.
    pub(crate) fn holds(&self) -> impl Iterator<Item = &str> {
        self.used.keys().filter(|(what, _)| *what == Use::Hold).map(|(_, id)| id.as_str())
    }
}

/// The id that an event uses up, and the units that it moves or holds.
fn name_of(event: &Event<'_>) -> Option<(Name, Option<i128>)> {
    Some(match event {
        Event::Posted { id, amount, .. } => ((Use::Entry, (*id).to_owned()), Some(*amount)),
        Event::Held { id, amount, .. } => ((Use::Hold, (*id).to_owned()), Some(*amount)),
        Event::Captured { id, capture, amount, .. } => {
            ((Use::Capture, format!("{id}/{capture}")), Some(*amount))
        }
        Event::ItemCreated { id, .. } => ((Use::Item, (*id).to_owned()), None),
        Event::ItemMoved { id, operation, by: Some(_), .. } => {
            ((Use::Move, format!("{id}/{operation}")), None)
        }
        _ => return None,
    })
}

/// Which promise the ledger's auditor speaks of.
fn promise_of(why: &str) -> &'static str {
    if why.contains("floor") || why.contains("held") && why.contains("below") { "P22" } else { "P9" }
}
