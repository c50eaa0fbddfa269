//! What happens by itself: holds, lots and states of items whose time has come.

use transaction::Time;

use crate::Event;
use crate::accounts::Keeping;
use crate::desk::Desk;
use crate::live::{Due, DueKind};

impl Desk<'_> {
    /// Decides what is due, in order of time, then of age; at most `at_most`. Answers how many.
    pub(crate) fn fall_due(&mut self, at_most: usize) -> usize {
        for done in 0..at_most {
            let now = self.now;
            let due = self.ledger.due.first().copied().filter(|due| due.at <= now);
            let Some(due) = due.filter(|_| !self.book.is_full()) else { return done };
            self.fall(due);
            // A sink that cannot take a lot in (its balance would not fit) must not be asked for ever.
            self.ledger.due.remove(&due);
        }
        at_most
    }

    fn fall(&mut self, due: Due) {
        match due.kind {
            #[cfg(feature = "planted")]
            DueKind::Hold if planted::is(planted::Bug::CapturedAfterExpiry) => {}
            DueKind::Hold => {
                self.expire_hold(due.slot);
            }
            DueKind::Lot => self.expire_lot(due.slot, due.at),
            DueKind::Item => self.expire_item(due.slot),
        }
    }

    /// Expires all lots of an account whose time has come.
    pub(crate) fn expire_lots(&mut self, slot: u32) {
        if self.ledger.accounts.at(slot).keeping == Keeping::Plain {
            return;
        }
        loop {
            let expired = self.ledger.lots.get(&slot).and_then(|lots| lots.first_expired(self.now));
            let Some((expires_at, units)) = expired else { return };
            if self.expire_lot_units(slot, expires_at, units) == 0 {
                return;
            }
        }
    }

    fn expire_lot(&mut self, slot: u32, expires_at: Time) {
        let lots = self.ledger.lots.get(&slot);
        let free = lots.and_then(|lots| lots.lots.get(&expires_at)).map_or(0, |lot| lot.free);
        if free > 0 {
            self.expire_lot_units(slot, expires_at, free);
        }
    }

    /// Posts free units of a lot to the sink, as far as they fit there. Answers how many.
    fn expire_lot_units(&mut self, slot: u32, expires_at: Time, units: i128) -> i128 {
        let Some(lots) = self.ledger.lots.get(&slot) else { return 0 };
        let (from, to) = (self.ledger.accounts.at(slot), self.ledger.accounts.at(lots.sink));
        let room = i128::MAX.saturating_sub(to.posted.saturating_add(to.incoming));
        let amount = units.min(room);
        if amount == 0 {
            return 0;
        }
        let event = Event::LotExpired {
            lot: expires_at,
            amount,
            from: from.leg(slot, (from.posted - amount, from.held)),
            to: to.leg(lots.sink, (to.posted + amount, to.held)),
            lots: lots.expire(expires_at, amount),
        };
        self.keep(0, event);
        amount
    }
}
