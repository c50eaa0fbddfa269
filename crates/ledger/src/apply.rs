//! Folds an event into live state. Cannot fail: what an event says has happened.
//!
//! An event tells what stands after it, so folding sets and never adds; only what a hold keeps of its lots is a difference.

use crate::accounts::{Account, Bounds, Keeping, VACANT};
use crate::digest;
use crate::holds::Hold;
use crate::lots::{Lot, NEVER};
use crate::pages::Table;
use crate::undo::Before;
use crate::{Event, Kept, Ledger, LotChange, Space};

impl Ledger {
    /// Folds one kept event, which lies at `position`. Cannot fail: what an event says has happened.
    pub fn apply(&mut self, kept: &Kept<'_>, position: u64) {
        match &kept.event {
            Event::Posted { from, to, lots, refunds, refunded, .. } => {
                self.set_leg(from, position);
                self.set_leg(to, position);
                self.apply_lots(from.account, &lots.0, position);
                self.apply_lots(to.account, &lots.1, position);
                if let Some((_, original)) = refunds
                    && self.takes_refunded(*original, position)
                {
                    self.set_refunded(*original, *refunded);
                }
            }
            Event::Held { .. } | Event::Captured { .. } | Event::Released { .. } | Event::Reopened { .. } => {
                self.apply_hold(&kept.event, position);
            }
            Event::LotExpired { from, to, lots, .. } => {
                self.set_leg(from, position);
                self.set_leg(to, position);
                self.apply_lots(from.account, lots, position);
            }
            Event::AssetDeclared { asset, code, scale } => self.apply_asset((*asset, code, *scale), position),
            Event::AccountOpened { .. } => self.apply_opened(kept, position),
            Event::AccountChanged { leg, floor, ceiling, standing, .. } => {
                if self.takes(Table::Accounts, leg.account, position) {
                    self.set_leg(leg, position);
                    self.accounts.at_mut(leg.account).standing = *standing;
                    self.set_bounds(leg.account, Bounds { floor: *floor, ceiling: *ceiling });
                }
            }
            Event::MachineDeclared { .. } | Event::ItemCreated { .. } | Event::ItemMoved { .. } => {
                self.apply_item(kept, position);
            }
        }
    }

    fn apply_asset(&mut self, (number, code, scale): (u32, &str, u8), position: u64) {
        if self.assets.get(number).is_none() && self.takes(Table::Assets, number, position) {
            self.pages.touch(Table::Assets, number);
            self.assets.put(number, (code, scale));
            self.undo.note(|| Before::NoAsset);
        }
    }

    fn apply_opened(&mut self, kept: &Kept<'_>, position: u64) {
        let Event::AccountOpened { account: slot, id, asset, floor, ceiling, sink, .. } = &kept.event else {
            return;
        };
        if !self.takes(Table::Accounts, *slot, position) {
            return;
        }
        let keeping = if sink.is_some() { Keeping::Lots } else { Keeping::Plain };
        let account = Account { opened: kept.content, asset: *asset, keeping, ..VACANT };
        self.pages.touch(Table::Accounts, *slot);
        self.accounts.put(*slot, (digest::account(self.keys, id), id), account);
        self.undo.note(|| Before::NoAccount);
        self.accounts.set_bounds(*slot, Bounds { floor: *floor, ceiling: *ceiling });
        if let Some(sink) = sink {
            self.keep_lots(*slot, *sink);
        }
    }

    fn apply_lots(&mut self, slot: u32, changes: &[LotChange], position: u64) {
        if changes.is_empty() || !self.takes(Table::Accounts, slot, position) {
            return;
        }
        self.pages.touch(Table::Accounts, slot);
        for change in changes {
            self.set_lot(slot, change.expires_at, Lot { free: change.free, held: change.held });
        }
    }

    fn apply_hold(&mut self, event: &Event<'_>, position: u64) {
        match event {
            Event::Held { id, hold, amount, from, to, incoming, expires_at, owned, lots, .. } => {
                self.set_leg(from, position);
                self.set_incoming((*to, *incoming), position);
                self.apply_lots(from.account, lots, position);
                let opened = Hold {
                    id: (*id).into(),
                    hash: digest::id(self.keys, Space::Hold, ("", id)).hash,
                    from: from.account,
                    to: *to,
                    amount: *amount,
                    captured: 0,
                    left: *amount,
                    expires_at: *expires_at,
                    owned: *owned,
                    since: position,
                    last: position,
                    lots: taken_of(lots),
                };
                self.open_hold(*hold, opened, position);
            }
            Event::Reopened { id, hold, amount, captured, from, to, incoming, expires_at, lots, .. } => {
                self.set_leg(from, position);
                self.set_incoming((*to, *incoming), position);
                self.apply_lots(from.account, lots, position);
                let opened = Hold {
                    id: (*id).into(),
                    hash: digest::id(self.keys, Space::Hold, ("", id)).hash,
                    from: from.account,
                    to: *to,
                    amount: captured.saturating_add(*amount),
                    captured: *captured,
                    left: *amount,
                    expires_at: *expires_at,
                    owned: false,
                    since: position,
                    last: position,
                    lots: taken_of(lots),
                };
                self.open_hold(*hold, opened, position);
            }
            _ => self.apply_hold_end(event, position),
        }
    }

    fn apply_hold_end(&mut self, event: &Event<'_>, position: u64) {
        match event {
            Event::Captured { hold, so_far, from, to, incoming, lots, .. } => {
                self.set_leg(from, position);
                self.set_leg(to, position);
                self.set_incoming((to.account, *incoming), position);
                self.apply_lots(from.account, &lots.0, position);
                self.apply_lots(to.account, &lots.1, position);
                if so_far.1 == 0 {
                    self.close_hold(*hold, position);
                } else {
                    self.shrink_hold(*hold, (*so_far, &lots.0), position);
                }
            }
            Event::Released { hold, from, to, incoming, lots, .. } => {
                self.set_leg(from, position);
                self.set_incoming((*to, *incoming), position);
                self.apply_lots(from.account, lots, position);
                self.close_hold(*hold, position);
            }
            _ => {}
        }
    }

    fn open_hold(&mut self, slot: u32, hold: Hold, position: u64) {
        if self.takes(Table::Holds, slot, position) {
            self.set_hold(slot, Some(Box::new(hold)));
        }
    }

    fn close_hold(&mut self, slot: u32, position: u64) {
        if self.takes(Table::Holds, slot, position) {
            self.set_hold(slot, None);
        }
    }

    fn shrink_hold(&mut self, slot: u32, (so_far, lots): ((i128, i128), &[LotChange]), position: u64) {
        if !self.takes(Table::Holds, slot, position) {
            return;
        }
        let Some(hold) = self.touch_hold(slot) else { return };
        (hold.captured, hold.left) = so_far;
        hold.last = position;
        for (expires_at, units) in &mut hold.lots {
            let taken = lots.iter().find(|change| change.expires_at == *expires_at);
            *units -= taken.map_or(0, |change| change.taken);
        }
        hold.lots.retain(|(_, units)| *units > 0);
    }
}

/// What each lot gave.
fn taken_of(lots: &[LotChange]) -> Vec<(transaction::Time, i128)> {
    debug_assert!(lots.iter().all(|change| change.expires_at <= NEVER));
    lots.iter().map(|change| (change.expires_at, change.taken)).collect()
}
