//! Changes to live state, each in one place: what it replaces is noted, its page becomes due, what is found through it follows.
//!
//! Decides nothing. `apply.rs` says which changes an event means; `undo.rs` what a note is.

use transaction::Time;

use crate::accounts::Bounds;
use crate::holds::Hold;
use crate::lots::{AccountLots, Lot, NEVER};
use crate::pages::Table;
use crate::undo::{Before, Point};
use crate::{Ledger, Leg};

/// Something that happens by itself; ordered by time, then kind, then age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) at: Time,
    pub(crate) kind: DueKind,
    /// The position of a hold's or an item's beginning; the slot of a lot's account.
    pub(crate) age: u64,
    pub(crate) slot: u32,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DueKind {
    Hold,
    Lot,
    Item,
}

impl Ledger {
    /// Takes over an account's balances.
    pub(crate) fn set_leg(&mut self, leg: &Leg, position: u64) {
        if self.takes(Table::Accounts, leg.account, position) {
            self.touch_account(leg.account);
            self.accounts.at_mut(leg.account).follow(leg, position);
        }
    }

    /// Takes over what is incoming to an account.
    pub(crate) fn set_incoming(&mut self, (slot, incoming): (u32, i128), position: u64) {
        if self.takes(Table::Accounts, slot, position) {
            self.touch_account(slot);
            self.accounts.at_mut(slot).incoming = incoming;
        }
    }

    pub(crate) fn touch_account(&mut self, slot: u32) {
        self.accounts.reach(slot);
        self.pages.touch(Table::Accounts, slot);
        let accounts = &self.accounts;
        self.undo.note(|| Before::Account(slot, *accounts.at(slot)));
    }

    pub(crate) fn set_bounds(&mut self, slot: u32, bounds: Bounds) {
        self.touch_account(slot);
        let accounts = &self.accounts;
        self.undo.note(|| Before::Bounds(slot, accounts.bounds_of(slot)));
        self.accounts.set_bounds(slot, bounds);
    }

    /// An account begins to keep lots.
    pub(crate) fn keep_lots(&mut self, slot: u32, sink: u32) {
        self.undo.note(|| Before::NoLots(slot));
        self.lots.insert(slot, AccountLots { sink, ..AccountLots::default() });
    }

    /// Changes one lot of an account.
    pub(crate) fn set_lot(&mut self, slot: u32, expires_at: Time, lot: Lot) {
        let before = self.put_lot(slot, expires_at, lot);
        self.undo.note(|| Before::Lot(slot, expires_at, before));
    }

    /// Changes one lot, and when something of it is due; answers what it was.
    pub(crate) fn put_lot(&mut self, slot: u32, expires_at: Time, lot: Lot) -> Lot {
        let Some(kept) = self.lots.get_mut(&slot) else { return Lot::default() };
        let before =
            if lot.is_empty() { kept.lots.remove(&expires_at) } else { kept.lots.insert(expires_at, lot) }
                .unwrap_or_default();
        if expires_at != NEVER && (before.free > 0) != (lot.free > 0) {
            let due = Due { at: expires_at, kind: DueKind::Lot, age: u64::from(slot), slot };
            if lot.free > 0 {
                self.due.insert(due);
            } else {
                self.due.remove(&due);
            }
        }
        before
    }

    /// Puts a hold into a slot, or takes it out.
    pub(crate) fn set_hold(&mut self, slot: u32, hold: Option<Box<Hold>>) {
        self.pages.touch(Table::Holds, slot);
        let before = self.put_hold(slot, hold);
        self.undo.note(|| Before::Hold(slot, before));
    }

    /// Puts a hold into a slot or takes it out, and when it is due; answers what was there.
    pub(crate) fn put_hold(&mut self, slot: u32, hold: Option<Box<Hold>>) -> Option<Box<Hold>> {
        if let Some(due) = hold.as_deref().and_then(|hold| due_of(hold, slot)) {
            self.due.insert(due);
        }
        let after = hold.as_deref().and_then(|hold| due_of(hold, slot));
        let before = self.holds.put(slot, hold);
        let due = before.as_deref().and_then(|hold| due_of(hold, slot));
        if let Some(due) = due.filter(|due| Some(*due) != after) {
            self.due.remove(&due);
        }
        before
    }

    /// A hold that stays open, to be changed in what nothing is found by.
    pub(crate) fn touch_hold(&mut self, slot: u32) -> Option<&mut Hold> {
        self.pages.touch(Table::Holds, slot);
        let hold = self.holds.get_mut(slot)?;
        self.undo.note(|| Before::Hold(slot, Some(Box::new(hold.clone()))));
        Some(hold)
    }

    /// What was given back of the event at `position`, all in all.
    pub(crate) fn set_refunded(&mut self, position: u64, refunded: i128) {
        self.pages.touch_refunded(position);
        let before = self.refunded.insert(position, refunded);
        self.undo.note(|| Before::Refunded(position, before));
    }

    /// Takes back everything since `point`.
    pub(crate) fn take_back(&mut self, point: Point) {
        while let Some(before) = self.undo.pop(point) {
            match before {
                Before::Account(slot, account) => *self.accounts.at_mut(slot) = account,
                Before::NoAccount => self.accounts.pop(),
                Before::Bounds(slot, bounds) => self.accounts.set_bounds(slot, bounds),
                Before::NoAsset => {
                    self.assets.pop();
                }
                Before::Lot(slot, expires_at, lot) => {
                    self.put_lot(slot, expires_at, lot);
                }
                Before::NoLots(slot) => {
                    self.lots.remove(&slot);
                }
                Before::Hold(slot, hold) => {
                    self.put_hold(slot, hold);
                }
                Before::Refunded(position, Some(units)) => {
                    self.refunded.insert(position, units);
                }
                Before::Refunded(position, None) => {
                    self.refunded.remove(&position);
                }
                Before::Item(before) => self.take_back_item(before),
            }
        }
    }
}

fn due_of(hold: &Hold, slot: u32) -> Option<Due> {
    hold.expires_at.map(|at| Due { at, kind: DueKind::Hold, age: hold.since, slot })
}
