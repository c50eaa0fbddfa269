//! Lots: what an account holds, by the time at which it expires; what expires first is spent first.
//!
//! Decides which lots a debit, a hold or a return touches. Posts nothing: `expire.rs` does.

use std::collections::BTreeMap;

use transaction::Time;

use crate::LotChange;

/// The most lots of an account that new ones are added to: an event that draws from all of them stays small.
pub(crate) const LOTS_MAX: usize = 4096;

/// A lot that never expires.
pub(crate) const NEVER: Time = Time(i64::MAX);

/// One lot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lot {
    pub(crate) free: i128,
    pub(crate) held: i128,
}

/// The lots of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountLots {
    /// The slot of the account that gets what expires.
    pub(crate) sink: u32,
    pub(crate) lots: BTreeMap<Time, Lot>,
}

impl Lot {
    pub(crate) fn is_empty(self) -> bool {
        self == Lot::default()
    }

    fn change(self, expires_at: Time, taken: i128) -> LotChange {
        LotChange { expires_at, free: self.free, held: self.held, taken }
    }
}

impl AccountLots {
    fn lot(&self, expires_at: Time) -> Lot {
        self.lots.get(&expires_at).copied().unwrap_or_default()
    }

    /// Takes free units, first expiring first, and spends or holds them.
    pub(crate) fn draw(&self, units: i128, into: Drawn) -> Vec<LotChange> {
        let mut left = units;
        let mut changes = Vec::new();
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::LotOrderWrong) {
            return self.draw_last_first(units, into);
        }
        for (expires_at, lot) in &self.lots {
            if left == 0 {
                break;
            }
            let taken = lot.free.min(left);
            if taken == 0 {
                continue;
            }
            left -= taken;
            let held = match into {
                Drawn::Spent => lot.held,
                Drawn::Held => lot.held + taken,
            };
            changes.push(Lot { free: lot.free - taken, held }.change(*expires_at, taken));
        }
        changes
    }

    #[cfg(feature = "planted")]
    fn draw_last_first(&self, units: i128, into: Drawn) -> Vec<LotChange> {
        let mut left = units;
        let mut changes = Vec::new();
        for (expires_at, lot) in self.lots.iter().rev().filter(|(_, lot)| lot.free > 0) {
            let taken = lot.free.min(left);
            if taken == 0 {
                break;
            }
            left -= taken;
            let held = if matches!(into, Drawn::Held) { lot.held + taken } else { lot.held };
            changes.push(Lot { free: lot.free - taken, held }.change(*expires_at, taken));
        }
        changes
    }

    /// Adds free units to one lot.
    pub(crate) fn credit(&self, expires_at: Time, units: i128) -> Vec<LotChange> {
        if units == 0 {
            return Vec::new();
        }
        let lot = self.lot(expires_at);
        vec![Lot { free: lot.free + units, ..lot }.change(expires_at, -units)]
    }

    /// Whether the account may keep what lots these changes make.
    pub(crate) fn has_room(&self, changes: &[LotChange]) -> bool {
        let new = changes.iter().filter(|change| !self.lots.contains_key(&change.expires_at)).count();
        new == 0 || self.lots.len() + new <= LOTS_MAX
    }

    /// Adds free units to several lots, as they are listed.
    pub(crate) fn credit_each(&self, parts: &[(Time, i128)]) -> Vec<LotChange> {
        parts.iter().flat_map(|(expires_at, units)| self.credit(*expires_at, *units)).collect()
    }

    /// Takes units that a hold keeps, first expiring first: spent, or free again.
    pub(crate) fn unhold(&self, kept: &[(Time, i128)], units: i128, into: Unheld) -> Vec<LotChange> {
        let mut left = units;
        let mut changes = Vec::new();
        for (expires_at, of_hold) in kept {
            let taken = left.min(*of_hold);
            if taken == 0 {
                continue;
            }
            left -= taken;
            let lot = self.lot(*expires_at);
            changes.push(match into {
                Unheld::Spent => Lot { held: lot.held - taken, ..lot }.change(*expires_at, taken),
                Unheld::Free => {
                    Lot { free: lot.free + taken, held: lot.held - taken }.change(*expires_at, -taken)
                }
            });
        }
        changes
    }

    /// The first lot with free units that has expired at `now`.
    pub(crate) fn first_expired(&self, now: Time) -> Option<(Time, i128)> {
        let expired = self.lots.range(..=now).find(|(expires_at, lot)| lot.free > 0 && **expires_at != NEVER);
        expired.map(|(expires_at, lot)| (*expires_at, lot.free))
    }

    /// Takes free units out of one lot.
    pub(crate) fn expire(&self, expires_at: Time, units: i128) -> Vec<LotChange> {
        let lot = self.lot(expires_at);
        vec![Lot { free: lot.free - units, ..lot }.change(expires_at, units)]
    }
}

/// What becomes of free units that are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Drawn {
    Spent,
    Held,
}

/// What becomes of held units.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unheld {
    Spent,
    Free,
}
