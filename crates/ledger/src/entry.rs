//! Decides entries: posting, "up to", returns to lots.

use transaction::{Refusal, Time};

use crate::accounts::Keeping;
use crate::amount::read_positive;
use crate::desk::{Decision, Desk, check_cause, check_id};
use crate::digest::{self, Content};
use crate::lots::{Drawn, LOTS_MAX, NEVER};
use crate::pair::Pair;
use crate::refund::Refund;
use crate::refusal as r;
use crate::{Done, Entry, Event, Known, LotChange, Outcome, Space, Take};

impl Desk<'_> {
    /// Posts an entry.
    pub(crate) fn post(&mut self, entry: &Entry<&str>) -> Decision {
        check_id(entry.id)?;
        let pair = self.pair(entry.from, entry.to)?;
        let units = read_positive(&entry.amount, pair.scale)?;
        check_cause(&entry.cause)?;
        let key = digest::id(self.ledger.keys, Space::Entry, ("", entry.id));
        let content = Content::of(self.ledger.keys, key)
            .and(pair.bits())
            .units(units)
            .and(u64::from(entry.take == Take::UpTo))
            .expiry(entry.expiry)
            .text(entry.refunds)
            .cause(&entry.cause)
            .value();
        let known = self.book.known(key.hash);
        #[cfg(feature = "planted")]
        let known = known.filter(|_| !planted::is(planted::Bug::DuplicatePosted));
        if let Some(known) = known {
            let amount = (entry.take == Take::Exactly).then_some(units);
            return self.repeat(known, content, (amount, pair.scale));
        }
        self.ledger.check_pair(pair)?;
        self.expire_lots_of(pair);
        let expires_at = self.lot_expiry(entry, pair)?;
        let wanted = self.ledger.room(pair, units, entry.take)?;
        let refund = self.refund(entry, (pair, wanted))?;
        let amount = refund.as_ref().map_or(wanted, |refund| refund.amount);
        let lots = self.entry_lots(pair, amount, (expires_at, refund.as_ref()));
        if self.ledger.lots.get(&pair.to).is_some_and(|kept| !kept.has_room(&lots.1)) {
            let words = format!(
                "`{}` has {LOTS_MAX} lots already: let expiries fall together, on days say",
                entry.to
            );
            return Err(Box::new(r::LOTS_INVALID.because(words)));
        }
        let (from, to) = (self.ledger.accounts.at(pair.from), self.ledger.accounts.at(pair.to));
        let event = Event::Posted {
            id: entry.id,
            amount,
            from: from.leg(pair.from, (from.posted - amount, from.held)),
            to: to.leg(pair.to, (to.posted + amount, to.held)),
            lots,
            refunds: refund.as_ref().and_then(|refund| Some((entry.refunds?, refund.position))),
            refunded: refund.as_ref().map_or(0, |refund| refund.refunded),
            cause: entry.cause,
        };
        let position = self.keep(content, event);
        self.book.learn(key.hash, Known { content, position });
        self.expire_lots(pair.to);
        Ok(Outcome { done: Done::Posted, amount: Some(amount), scale: pair.scale })
    }

    /// The lot that the entry says; only where the credited account keeps lots.
    fn lot_expiry(&self, entry: &Entry<&str>, pair: Pair) -> Result<Option<Time>, Refusal> {
        let expires_at = self.expiry(entry.expiry)?;
        if expires_at.is_some() && self.ledger.accounts.at(pair.to).keeping == Keeping::Plain {
            return Err(r::LOTS_INVALID.because(format!("`{}` keeps no lots", entry.to)));
        }
        Ok(expires_at)
    }

    fn entry_lots(
        &self,
        pair: Pair,
        amount: i128,
        (expires_at, refund): (Option<Time>, Option<&Refund>),
    ) -> (Vec<LotChange>, Vec<LotChange>) {
        let from = self.draw(pair.from, amount, Drawn::Spent);
        let to = match refund {
            Some(refund) if expires_at.is_none() && !refund.parts.is_empty() => {
                self.ledger.lots.get(&pair.to).map_or_else(Vec::new, |lots| lots.credit_each(&refund.parts))
            }
            _ => self.credit(pair.to, amount, expires_at.unwrap_or(NEVER)),
        };
        (from, to)
    }

    /// The lots from which an account gives units; none where it keeps none.
    pub(crate) fn draw(&self, slot: u32, units: i128, into: Drawn) -> Vec<LotChange> {
        match self.ledger.accounts.at(slot).keeping {
            Keeping::Plain => Vec::new(),
            Keeping::Lots => self.ledger.lots.get(&slot).map_or_else(Vec::new, |lots| lots.draw(units, into)),
        }
    }

    /// The lot that takes units in; none where the account keeps none.
    pub(crate) fn credit(&self, slot: u32, units: i128, expires_at: Time) -> Vec<LotChange> {
        match self.ledger.accounts.at(slot).keeping {
            Keeping::Plain => Vec::new(),
            Keeping::Lots => {
                self.ledger.lots.get(&slot).map_or_else(Vec::new, |lots| lots.credit(expires_at, units))
            }
        }
    }
}
