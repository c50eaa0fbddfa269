//! PROVE: the independent auditor of the ledger: its own simple books, kept beside the ledger's, from nothing but what events mean.
//!
//! Judges every event against the one before of each account, hold and item that it names. Shares no code with the
//! ledger's fold, so a wrong fold and a forged event are both found. Changes nothing; the first thing wrong ends it.
//! Read next: `accounts.rs`, then `compare.rs`, which holds these books against a replayed ledger.

mod accounts;
mod compare;
mod holds;
mod items;
mod lots;
mod seen;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_world;
mod used;

use ledger::{Event, HEAD, Kept, LotChange};

use accounts::Accounts;
use holds::Holds;
use items::Items;
use lots::Flow;
pub use seen::{Balance, OpenHold};
use used::{Moved, Space, Taken, Used};

/// The books so far.
#[derive(Debug, Default)]
pub struct Audit {
    accounts: Accounts,
    holds: Holds,
    items: Items,
    used: Used,
    taken: Taken,
    /// Where the next event lies in the history.
    position: u64,
    /// The sequence of the last event.
    sequence: u64,
    time: i64,
    counts: Counts,
}

/// How much was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of the ledger.
    pub events: u64,
    /// Entries among them.
    pub entries: u64,
    /// Holds ever made.
    pub holds: u64,
    /// Items ever created.
    pub items: u64,
}

/// What stands at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much was judged.
    pub counts: Counts,
    /// Accounts.
    pub accounts: usize,
    /// Holds that are open.
    pub open_holds: usize,
    /// Items that can still move.
    pub live_items: usize,
    /// Code, scale, sum of what is posted, and what is issued: the sum of the accounts above zero.
    pub assets: Vec<(String, u8, i128, i128)>,
}

impl Audit {
    /// Where the next event lies in the history.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The sequence of the last event that was judged; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Judges the next event; `sequence` is its place in the journal, where that is at hand.
    pub fn event<'a>(&mut self, sequence: Option<u64>, encoded: &'a [u8]) -> Result<Kept<'a>, String> {
        let named = sequence.map_or_else(|| format!("at {}", self.position), |sequence| sequence.to_string());
        let judged = self.judge(sequence, encoded);
        judged.map_err(|why| format!("event {named} of the ledger: {why}"))
    }

    fn judge<'a>(&mut self, sequence: Option<u64>, encoded: &'a [u8]) -> Result<Kept<'a>, String> {
        let kept = Kept::decode(encoded)?;
        if sequence.is_some_and(|sequence| sequence != kept.sequence) || kept.sequence <= self.sequence {
            return Err(format!("it calls itself event {}, after {}", kept.sequence, self.sequence));
        }
        if kept.at.0 < self.time {
            return Err(format!("its time {} is before {}, that of the event before", kept.at.0, self.time));
        }
        self.fact(&kept)?;
        (self.sequence, self.time) = (kept.sequence, kept.at.0);
        self.position += HEAD + encoded.len() as u64;
        self.counts.events += 1;
        Ok(kept)
    }

    fn fact(&mut self, kept: &Kept<'_>) -> Result<(), String> {
        let (event, at, position) = (&kept.event, kept.at, self.position);
        match event {
            Event::AssetDeclared { .. } => self.accounts.declare(event, &mut self.used),
            Event::AccountOpened { .. } => self.accounts.open(event, &mut self.used),
            Event::AccountChanged { .. } => self.accounts.change(event, (&mut self.used, position)),
            Event::Posted { .. } => self.posted(event),
            Event::Held { .. } => self.held(event),
            Event::Captured { .. } => self.captured(event),
            Event::Released { .. } => self.released(kept),
            Event::Reopened { .. } => self.reopened(event),
            Event::LotExpired { .. } => self.lot_expired(kept),
            Event::MachineDeclared { .. } => self.items.declare(event),
            Event::ItemCreated { .. } => {
                self.counts.items += 1;
                self.items.create(event, (&mut self.used, at, position))
            }
            Event::ItemMoved { .. } => self.items.step(event, (&mut self.used, at, position)),
        }
    }

    fn posted(&mut self, event: &Event<'_>) -> Result<(), String> {
        let Event::Posted { id, amount, from, to, lots, refunds, refunded, .. } = event else {
            return Ok(());
        };
        self.counts.entries += 1;
        self.used.once(Space::Entry, ("", id))?;
        let units = counted(*amount)?;
        self.accounts.pair(from.account, to.account)?;
        self.accounts.step(from, (-units, 0), self.position)?;
        self.accounts.step(to, (units, 0), self.position)?;
        self.accounts.drawn(from.account, to.account, units)?;
        self.lots(from.account, &lots.0, (Flow::Spent, units))?;
        self.lots(to.account, &lots.1, (Flow::Credited, units))?;
        let moved = Moved { position: self.position, from: from.account, to: to.account, amount: units };
        match refunds {
            Some((_, original)) => self.taken.refund(*original, (moved, *refunded))?,
            None if *refunded != 0 => return Err("it tells of a refund that it does not name".to_owned()),
            None => {}
        }
        self.taken.push(moved);
        self.accounts.balanced(from.account)
    }

    fn held(&mut self, event: &Event<'_>) -> Result<(), String> {
        let Event::Held { id, amount, from, to, incoming, lots, .. } = event else { return Ok(()) };
        self.counts.holds += 1;
        self.used.once(Space::Hold, ("", id))?;
        let units = counted(*amount)?;
        self.accounts.pair(from.account, *to)?;
        self.accounts.step(from, (0, units), self.position)?;
        self.accounts.incoming(*to, (units, *incoming))?;
        self.accounts.drawn(from.account, *to, units)?;
        self.lots(from.account, lots, (Flow::Held, units))?;
        self.holds.hold(event, self.position)?;
        self.accounts.balanced(from.account)
    }

    fn captured(&mut self, event: &Event<'_>) -> Result<(), String> {
        let Event::Captured { id, capture, amount, from, to, incoming, scale, lots, .. } = event else {
            return Ok(());
        };
        self.used.once(Space::OfHold, (id, capture))?;
        let units = counted(*amount)?;
        self.holds.capture(event, self.position)?;
        self.accounts.step(from, (-units, -units), self.position)?;
        self.accounts.step(to, (units, 0), self.position)?;
        self.accounts.incoming(to.account, (-units, *incoming))?;
        self.scaled(from.account, *scale)?;
        self.lots(from.account, &lots.0, (Flow::Captured, units))?;
        self.lots(to.account, &lots.1, (Flow::Credited, units))?;
        self.taken.push(Moved { position: self.position, from: from.account, to: to.account, amount: units });
        self.accounts.balanced(from.account)
    }

    fn released(&mut self, kept: &Kept<'_>) -> Result<(), String> {
        let Event::Released { amount, from, to, incoming, scale, lots, .. } = &kept.event else {
            return Ok(());
        };
        let units = counted(*amount)?;
        self.holds.release(&kept.event, (kept.at, self.position))?;
        self.accounts.step(from, (0, -units), self.position)?;
        self.accounts.incoming(*to, (-units, *incoming))?;
        self.scaled(from.account, *scale)?;
        self.lots(from.account, lots, (Flow::Freed, units))?;
        self.accounts.balanced(from.account)
    }

    fn reopened(&mut self, event: &Event<'_>) -> Result<(), String> {
        let Event::Reopened { id, reopen, amount, from, to, incoming, lots, .. } = event else {
            return Ok(());
        };
        self.used.once(Space::OfHold, (id, reopen))?;
        let units = counted(*amount)?;
        self.holds.reopen(event, self.position)?;
        self.accounts.step(from, (0, units), self.position)?;
        self.accounts.incoming(*to, (units, *incoming))?;
        self.accounts.drawn(from.account, *to, units)?;
        self.lots(from.account, lots, (Flow::Held, units))?;
        self.accounts.balanced(from.account)
    }

    fn lot_expired(&mut self, kept: &Kept<'_>) -> Result<(), String> {
        let Event::LotExpired { lot, amount, from, to, lots } = &kept.event else { return Ok(()) };
        let units = counted(*amount)?;
        if *lot > kept.at || lots.iter().any(|change| change.expires_at != *lot) {
            return Err("a lot expires that is not due".to_owned());
        }
        let sink = self.accounts.get(from.account)?.lots.as_ref().map(|lots| lots.sink);
        if sink != Some(to.account) {
            return Err("what expires goes to another account than the sink".to_owned());
        }
        self.accounts.step(from, (-units, 0), self.position)?;
        self.accounts.step(to, (units, 0), self.position)?;
        self.lots(from.account, lots, (Flow::Expired, units))?;
        self.accounts.balanced(from.account)
    }

    /// The lots of an account change; none where it keeps none.
    fn lots(&mut self, slot: u32, changes: &[LotChange], flow: (Flow, i128)) -> Result<(), String> {
        let account = self.accounts.get_mut(slot)?;
        let (posted, held) = (account.posted, account.held);
        let changed = match &mut account.lots {
            Some(lots) => lots.change(changes, flow).and_then(|()| lots.agree(posted, held)),
            None if changes.is_empty() => Ok(()),
            None => Err("lots are told where none are kept".to_owned()),
        };
        changed.map_err(|why| format!("{}: {why}", account.id))
    }

    fn scaled(&self, slot: u32, said: u8) -> Result<(), String> {
        let scale = self.accounts.scale_of(slot)?;
        if scale == said { Ok(()) } else { Err(format!("it tells {said} decimals, its asset has {scale}")) }
    }

    /// What stands now.
    pub fn standing(&self) -> Standing {
        let issued = self.accounts.issued().into_iter();
        Standing {
            counts: self.counts,
            accounts: self.accounts.all.len(),
            open_holds: self.holds.open.len(),
            live_items: self.items.live.len(),
            assets: issued
                .map(|(asset, sum, issued)| (asset.code.clone(), asset.scale, sum, issued))
                .collect(),
        }
    }
}

/// Units that an event moves: never below zero.
fn counted(amount: i128) -> Result<i128, String> {
    if amount >= 0 { Ok(amount) } else { Err(format!("it moves {amount} units")) }
}
