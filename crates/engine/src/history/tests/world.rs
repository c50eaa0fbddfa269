//! A made-up past: random events of a few accounts, each with the pointers back that the ledger would give it, and beside
//! it a plain list of what each account's statement must say.

use std::sync::Arc;

use fastrand::Rng;
use ledger::{Cause, Event, Floor, Kept, Leg, NONE, Standing, skip_version};
use transaction::Time;

use crate::history::{Head, History, RawLine, Run};
use crate::{AccountBounds, CauseText};

pub(super) const ACCOUNTS: u32 = 4;

/// What every change of an account leads to here.
const CHANGED: AccountBounds =
    AccountBounds { floor: Floor::None, ceiling: Some(9), standing: Standing::Frozen };

/// What a statement's line says by itself: event, id, amount, the other account.
type Line<'a> = (&'static str, &'a str, i128, Option<u32>);

/// One account, and what its statement must say.
#[derive(Default)]
pub(super) struct Account {
    pub(super) lines: Vec<RawLine>,
    positions: Vec<u64>,
    posted: i128,
    held: i128,
}

pub(super) struct World {
    pub(super) history: History,
    pub(super) accounts: Vec<Account>,
    pub(super) rng: Rng,
    run: Run,
    sequence: u64,
    at: i64,
}

impl World {
    pub(super) fn new(seed: u64) -> World {
        World::over(History::in_memory(), seed)
    }

    pub(super) fn over(history: History, seed: u64) -> World {
        let accounts = (0..ACCOUNTS).map(|_| Account::default()).collect();
        World { history, accounts, rng: Rng::with_seed(seed), run: Run::default(), sequence: 0, at: 1_000 }
    }

    pub(super) fn after(seed: u64, steps: usize) -> World {
        let mut world = World::new(seed);
        (0..steps).for_each(|_| world.step());
        world.flush();
        world
    }

    pub(super) fn head(&self, account: u32) -> Head {
        let positions = &self.accounts[account as usize].positions;
        Head { account, last: positions.last().copied().unwrap_or(NONE), version: positions.len() as u64 }
    }

    pub(super) fn now(&self) -> i64 {
        self.at
    }

    /// What was pushed can be read from now on.
    pub(super) fn flush(&mut self) {
        self.history.append(&std::mem::take(&mut self.run)).unwrap();
    }

    /// Adds an event; answers its position. The time may stand still.
    pub(super) fn push(&mut self, event: Event<'_>) -> u64 {
        let position = self.history.end() + self.run.bytes().len() as u64;
        self.sequence += 1;
        let mut encoded = Vec::new();
        Kept { sequence: self.sequence, at: Time(self.at), content: 0, event }.encode(&mut encoded);
        self.run.push(&encoded);
        position
    }

    /// The account's leg in the next event, its balances changed so.
    fn leg(&mut self, account: u32, (posted, held): (i128, i128)) -> Leg {
        let state = &mut self.accounts[account as usize];
        state.posted += posted;
        state.held += held;
        let version = state.positions.len() as u64 + 1;
        let position = |version: u64| state.positions[usize::try_from(version).unwrap() - 1];
        Leg {
            account,
            version,
            posted: state.posted,
            held: state.held,
            prev: if version == 1 { NONE } else { position(version - 1) },
            skip: skip_version(version).map_or(NONE, position),
        }
    }

    /// Notes what the event at `position` did to an account.
    fn note(&mut self, leg: &Leg, position: u64, (line, cause): (Line<'_>, &Cause<&str>)) {
        let (event, id, amount, other) = line;
        let account = &mut self.accounts[leg.account as usize];
        account.positions.push(position);
        let text = |part: Option<&str>| part.map(Box::from);
        account.lines.push(RawLine {
            sequence: self.sequence,
            at: Time(self.at),
            version: leg.version,
            event,
            id: id.into(),
            capture: (event == "captured").then(|| "part".into()),
            amount,
            other,
            posted: leg.posted,
            held: leg.held,
            refunds: None,
            bounds: (event == "changed").then_some(CHANGED),
            cause: CauseText {
                transaction: text(cause.transaction),
                branch: None,
                operator: text(cause.operator),
                reason: text(cause.reason),
            },
        });
    }

    /// Something happens to one or two accounts.
    pub(super) fn step(&mut self) {
        self.at += self.rng.i64(0..3);
        let (from, to) = self.pair();
        let amount = i128::from(self.rng.u32(1..1_000));
        let id = format!("id-{}", self.sequence);
        let transaction = self.rng.bool().then(|| format!("t{}", self.rng.u8(..40)));
        let operator = (self.rng.u8(..) < 30).then_some("ann");
        let reason = (self.rng.u8(..) < 9).then(|| "because ".repeat(self.rng.usize(..90)));
        let cause =
            Cause { transaction: transaction.as_deref(), branch: None, operator, reason: reason.as_deref() };
        match self.rng.u8(..8) {
            0 => self.changed(&id, from, cause),
            1 => self.held(&id, (from, to, amount), cause),
            2 => self.captured(&id, (from, to, amount), cause),
            3 => self.released(&id, (from, to, amount), cause),
            4 => self.expired_lot((from, to, amount)),
            _ => self.posted(&id, (from, to, amount), cause),
        }
    }

    /// Two accounts; the first is in nearly every event.
    fn pair(&mut self) -> (u32, u32) {
        let other = self.rng.u32(1..ACCOUNTS);
        match self.rng.u8(..) {
            0..110 => (0, other),
            110..220 => (other, 0),
            _ => (other, other % (ACCOUNTS - 1) + 1),
        }
    }

    pub(super) fn posted(&mut self, id: &str, (from, to, amount): (u32, u32, i128), cause: Cause<&str>) {
        let (debit, credit) = (self.leg(from, (-amount, 0)), self.leg(to, (amount, 0)));
        let event = Event::Posted {
            id,
            amount,
            from: debit,
            to: credit,
            lots: (Vec::new(), Vec::new()),
            refunds: None,
            refunded: 0,
            cause,
        };
        let position = self.push(event);
        self.note(&debit, position, (("posted", id, -amount, Some(to)), &cause));
        self.note(&credit, position, (("posted", id, amount, Some(from)), &cause));
    }

    fn changed(&mut self, id: &str, account: u32, cause: Cause<&str>) {
        let leg = self.leg(account, (0, 0));
        let AccountBounds { floor, ceiling, standing } = CHANGED;
        let position = self.push(Event::AccountChanged { id, leg, floor, ceiling, standing, cause });
        self.note(&leg, position, (("changed", id, 0, None), &cause));
    }

    fn held(&mut self, id: &str, (account, to, amount): (u32, u32, i128), cause: Cause<&str>) {
        let from = self.leg(account, (0, amount));
        let (expires_at, lots) = (None, Vec::new());
        let event =
            Event::Held { id, hold: 7, amount, from, to, incoming: 1, expires_at, owned: false, lots, cause };
        let position = self.push(event);
        self.note(&from, position, (("held", id, 0, Some(to)), &cause));
    }

    fn captured(&mut self, id: &str, (from, to, amount): (u32, u32, i128), cause: Cause<&str>) {
        let (debit, credit) = (self.leg(from, (-amount, -amount)), self.leg(to, (amount, 0)));
        let event = Event::Captured {
            id,
            hold: 7,
            capture: "part",
            amount,
            so_far: (amount, 0),
            prev: NONE,
            from: debit,
            to: credit,
            incoming: 0,
            scale: 2,
            lots: (Vec::new(), Vec::new()),
            cause,
        };
        let position = self.push(event);
        self.note(&debit, position, (("captured", id, -amount, Some(to)), &cause));
        self.note(&credit, position, (("captured", id, amount, Some(from)), &cause));
    }

    fn released(&mut self, id: &str, (account, to, amount): (u32, u32, i128), cause: Cause<&str>) {
        let from = self.leg(account, (0, -amount));
        let expired = self.rng.bool();
        let event = Event::Released {
            id,
            hold: 7,
            expired,
            amount,
            captured: 0,
            prev: NONE,
            from,
            to,
            incoming: 0,
            scale: 2,
            owned: false,
            lots: Vec::new(),
            cause,
        };
        let position = self.push(event);
        self.note(&from, position, ((if expired { "expired" } else { "released" }, id, 0, Some(to)), &cause));
    }

    fn expired_lot(&mut self, (from, to, amount): (u32, u32, i128)) {
        let (debit, credit) = (self.leg(from, (-amount, 0)), self.leg(to, (amount, 0)));
        let lot = Time(self.at);
        let position =
            self.push(Event::LotExpired { lot, amount, from: debit, to: credit, lots: Vec::new() });
        self.note(&debit, position, (("lot_expired", "", -amount, Some(to)), &Cause::default()));
        self.note(&credit, position, (("lot_expired", "", amount, Some(from)), &Cause::default()));
    }
}

/// A history in files of their own.
pub(super) fn on_disk(folder: &std::path::Path) -> History {
    History::anew(Arc::new(journal::RealDisk::at(folder)))
}
