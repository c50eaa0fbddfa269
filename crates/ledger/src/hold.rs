//! Decides holds, their release and their reopening. Captures are in `capture.rs`.

use transaction::{Refusal, Time};

use crate::amount::read_positive;
use crate::desk::{Decision, Desk, check_cause, check_id};
use crate::digest::{self, Content, Id};
use crate::lots::{Drawn, Unheld};
use crate::pair::Pair;
use crate::refusal as r;
use crate::{
    Cause, Done, Event, Hold, HoldState, Known, LotChange, Origin, Outcome, Release, Reopen, Space, Take,
};

/// What the index of ids says of a closed hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoldEnd {
    pub(crate) state: HoldState,
    pub(crate) scale: u8,
}

impl HoldEnd {
    /// As it is kept: beside most of the id's digest.
    pub(crate) fn content(self, id: Id) -> u64 {
        let state = match self.state {
            HoldState::Held => 0,
            HoldState::Captured => 1,
            HoldState::Released => 2,
            HoldState::Expired => 3,
        };
        id.check & !0xff | u64::from(self.scale) << 2 | state
    }

    /// As it was kept; `None`: it belongs to another id.
    pub(crate) fn read(content: u64, id: Id) -> Option<HoldEnd> {
        if content & !0xff != id.check & !0xff {
            return None;
        }
        let state = match content & 3 {
            1 => HoldState::Captured,
            2 => HoldState::Released,
            3 => HoldState::Expired,
            _ => return None,
        };
        Some(HoldEnd { state, scale: (content >> 2 & 0x3f).to_le_bytes()[0] })
    }
}

/// A hold that expired, as its last event tells.
struct Expired {
    pair: Pair,
    left: i128,
    captured: i128,
    last: u64,
    owned: bool,
}

impl Desk<'_> {
    /// Holds value.
    pub(crate) fn hold(&mut self, hold: &Hold<&str>) -> Decision {
        check_id(hold.id)?;
        let pair = self.pair(hold.from, hold.to)?;
        let units = read_positive(&hold.amount, pair.scale)?;
        check_cause(&hold.cause)?;
        let key = digest::id(self.ledger.keys, Space::Hold, ("", hold.id));
        let content = Content::of(self.ledger.keys, key)
            .and(pair.bits())
            .units(units)
            .and(u64::from(hold.take == Take::UpTo))
            .and(u64::from(hold.origin == Origin::Branch))
            .expiry(hold.expiry)
            .cause(&hold.cause)
            .value();
        if let Some(known) = self.book.known(key.hash) {
            if hold.origin == Origin::Branch {
                return Err(Box::new(once(hold.id)));
            }
            let amount = (hold.take == Take::Exactly).then_some(units);
            return self.repeat(known, content, (amount, pair.scale));
        }
        self.ledger.check_pair(pair)?;
        self.expire_lots_of(pair);
        let expires_at = self.expiry(hold.expiry)?;
        let amount = self.ledger.room_to_hold(pair, units, hold.take)?;
        let (from, to) = (self.ledger.accounts.at(pair.from), self.ledger.accounts.at(pair.to));
        let event = Event::Held {
            id: hold.id,
            amount,
            from: from.leg(pair.from, (from.posted, from.held + amount)),
            to: pair.to,
            incoming: to.incoming + amount,
            expires_at,
            owned: hold.origin == Origin::Branch,
            lots: self.draw(pair.from, amount, Drawn::Held),
            cause: hold.cause,
            hold: self.ledger.holds.free(),
        };
        let position = self.keep(content, event);
        self.book.learn(key.hash, Known { content, position });
        Ok(Outcome { done: Done::Held, amount: Some(amount), scale: pair.scale })
    }

    /// Releases what is left of a hold.
    pub(crate) fn release(&mut self, release: &Release<&str>) -> Decision {
        check_id(release.hold)?;
        check_cause(&release.cause)?;
        let Some(slot) = self.open_hold(release.hold, release.origin)? else {
            let end = self.hold_end(release.hold)?;
            return match end.state {
                HoldState::Released => Ok(Outcome { done: Done::Duplicate, amount: None, scale: end.scale }),
                _ => Err(Box::new(closed(end, release.hold))),
            };
        };
        let (amount, scale) = self.let_go(slot, &release.cause);
        Ok(Outcome { done: Done::Released, amount: Some(amount), scale })
    }

    /// Reopens an expired hold.
    pub(crate) fn reopen(&mut self, reopen: &Reopen<&str>) -> Decision {
        check_id(reopen.id)?;
        check_id(reopen.hold)?;
        check_cause(&reopen.cause)?;
        let key = digest::id(self.ledger.keys, Space::Capture, (reopen.hold, reopen.id));
        let content = Content::of(self.ledger.keys, key)
            .and(u64::from(b'r'))
            .expiry(reopen.expiry)
            .cause(&reopen.cause)
            .value();
        if let Some(known) = self.book.known(key.hash) {
            let scale = self.scale_of_hold(reopen.hold);
            return self.repeat(known, content, (None, scale));
        }
        let expired = self.expired(reopen.hold)?;
        let pair = expired.pair;
        self.ledger.check_pair(pair)?;
        self.expire_lots_of(pair);
        let expires_at = self.expiry(reopen.expiry)?;
        let amount = self.ledger.room_to_hold(pair, expired.left, Take::Exactly)?;
        let (from, to) = (self.ledger.accounts.at(pair.from), self.ledger.accounts.at(pair.to));
        let event = Event::Reopened {
            id: reopen.hold,
            reopen: reopen.id,
            amount,
            captured: expired.captured,
            prev: expired.last,
            from: from.leg(pair.from, (from.posted, from.held + amount)),
            to: pair.to,
            incoming: to.incoming + amount,
            expires_at,
            lots: self.draw(pair.from, amount, Drawn::Held),
            cause: reopen.cause,
            hold: self.ledger.holds.free(),
        };
        let position = self.keep(content, event);
        self.book.learn(key.hash, Known { content, position });
        Ok(Outcome { done: Done::Reopened, amount: Some(amount), scale: pair.scale })
    }

    /// The slot of an open hold that this one may capture or release. `None`: it is not open. A hold that has expired is
    /// released first and refused, even if the sweep lags.
    pub(crate) fn open_hold(&mut self, id: &str, origin: Origin) -> Result<Option<u32>, Refusal> {
        let hash = self.ledger.hash(Space::Hold, "", id);
        let Some((slot, hold)) = self.ledger.holds.find(hash, id) else { return Ok(None) };
        if hold.owned && origin == Origin::Direct {
            return Err(r::HOLD_OWNED.because(format!("`{id}` belongs to a branch")));
        }
        let has_expired = hold.expires_at.is_some_and(|at| at <= self.now);
        #[cfg(feature = "planted")]
        let has_expired = has_expired && !planted::is(planted::Bug::CapturedAfterExpiry);
        if has_expired {
            self.expire_hold(slot);
            return Err(r::HOLD_EXPIRED.because(format!("`{id}`")));
        }
        Ok(Some(slot))
    }

    /// How a hold ended that is not open.
    pub(crate) fn hold_end(&self, id: &str) -> Result<HoldEnd, Refusal> {
        let key = digest::id(self.ledger.keys, Space::HoldEnd, ("", id));
        let known = self.book.known(key.hash);
        known
            .and_then(|known| HoldEnd::read(known.content, key))
            .ok_or_else(|| r::HOLD_UNKNOWN.because(format!("`{id}`")))
    }

    fn scale_of_hold(&self, id: &str) -> u8 {
        let hash = self.ledger.hash(Space::Hold, "", id);
        match self.ledger.holds.find(hash, id) {
            Some((_, hold)) => self.ledger.scale_of(hold.from),
            None => self.hold_end(id).map_or(0, |end| end.scale),
        }
    }

    /// The expired hold that is to be reopened.
    fn expired(&mut self, id: &str) -> Result<Expired, Refusal> {
        let hash = self.ledger.hash(Space::Hold, "", id);
        if let Some((slot, hold)) = self.ledger.holds.find(hash, id) {
            if hold.owned {
                return Err(r::HOLD_OWNED.because(format!("`{id}` belongs to a branch")));
            }
            if hold.expires_at.is_none_or(|at| at > self.now) {
                return Err(r::HOLD_OPEN.because(format!("`{id}`")));
            }
            let pair = Pair { from: hold.from, to: hold.to, scale: self.ledger.scale_of(hold.from) };
            let (left, captured, owned) = (hold.left, hold.captured, hold.owned);
            let last = self.expire_hold(slot);
            return Ok(Expired { pair, left, captured, last, owned });
        }
        let end = self.hold_end(id)?;
        if end.state != HoldState::Expired {
            return Err(closed(end, id));
        }
        let expired = self.recall_expired(id, end.scale);
        let expired = expired.ok_or_else(|| r::HOLD_UNKNOWN.because(format!("`{id}` cannot be read")))?;
        if expired.owned {
            return Err(r::HOLD_OWNED.because(format!("`{id}` belonged to a branch")));
        }
        Ok(expired)
    }

    fn recall_expired(&self, id: &str, scale: u8) -> Option<Expired> {
        let last = self.book.known(self.ledger.hash(Space::HoldEnd, "", id))?.position;
        match self.recall(last)?.event {
            Event::Released { id: named, amount, captured, from, to, owned, .. } if named == id => {
                let exist = [from.account, to].iter().all(|slot| self.ledger.accounts.get(*slot).is_some());
                let pair = Pair { from: from.account, to, scale };
                exist.then_some(Expired { pair, left: amount, captured, last, owned })
            }
            _ => None,
        }
    }

    /// Releases an open hold on someone's behalf. Answers units and scale.
    fn let_go(&mut self, slot: u32, cause: &Cause<&str>) -> (i128, u8) {
        let (amount, scale, _) = self.end_hold(slot, (HoldState::Released, cause));
        (amount, scale)
    }

    /// Releases an open hold since it expired. Answers the position of the event.
    pub(crate) fn expire_hold(&mut self, slot: u32) -> u64 {
        self.end_hold(slot, (HoldState::Expired, &Cause::default())).2
    }

    fn end_hold(&mut self, slot: u32, (state, cause): (HoldState, &Cause<&str>)) -> (i128, u8, u64) {
        let Some(hold) = self.ledger.holds.get(slot).cloned() else { return (0, 0, crate::NONE) };
        let scale = self.ledger.scale_of(hold.from);
        let (from, to) = (self.ledger.accounts.at(hold.from), self.ledger.accounts.at(hold.to));
        let event = Event::Released {
            id: &hold.id,
            hold: slot,
            expired: state == HoldState::Expired,
            amount: hold.left,
            captured: hold.captured,
            prev: hold.last,
            from: from.leg(hold.from, (from.posted, from.held - hold.left)),
            to: hold.to,
            incoming: to.incoming - hold.left,
            scale,
            owned: hold.owned,
            lots: self.unhold((hold.from, &hold.lots), hold.left, Unheld::Free),
            cause: *cause,
        };
        let position = self.keep(0, event);
        self.learn_end(&hold.id, HoldEnd { state, scale }, position);
        self.expire_lots(hold.from);
        (hold.left, scale, position)
    }

    /// Remembers how a hold ended, and where that is told.
    pub(crate) fn learn_end(&mut self, id: &str, end: HoldEnd, position: u64) {
        let key = digest::id(self.ledger.keys, Space::HoldEnd, ("", id));
        self.book.learn(key.hash, Known { content: end.content(key), position });
    }

    /// The lots that change when units of a hold are spent or free again.
    pub(crate) fn unhold(
        &self,
        (slot, kept): (u32, &[(Time, i128)]),
        units: i128,
        into: Unheld,
    ) -> Vec<LotChange> {
        if kept.is_empty() {
            return Vec::new();
        }
        self.ledger.lots.get(&slot).map_or_else(Vec::new, |lots| lots.unhold(kept, units, into))
    }
}

/// Why a branch does not try a second time: only an id of a transaction that is long forgotten leads here, and what that
/// one held must not be taken for held.
pub(crate) fn once(id: &str) -> Refusal {
    r::ID_MISMATCH.because(format!("`{id}` was used before, by a transaction of the same id"))
}

/// Why nothing can be done to a closed hold.
pub(crate) fn closed(end: HoldEnd, id: &str) -> Refusal {
    match end.state {
        HoldState::Expired => r::HOLD_EXPIRED.because(format!("`{id}`")),
        HoldState::Released => r::HOLD_CLOSED.because(format!("`{id}` was released")),
        HoldState::Captured | HoldState::Held => {
            r::HOLD_CLOSED.because(format!("`{id}` was captured to the end"))
        }
    }
}
