//! What the tests of the ledger share: a book in memory, and short ways to say commands.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod model;
pub mod shelf;

use ledger::{
    Adjust, Amount, Asset, Batch, Book, Capture, Cause, Command, Done, Entry, Expiry, Floor, Hold, Keys,
    Ledger, Linked, Open, Origin, Outcome, Release, Reopen, Run, Standing, Take,
};
use shelf::Shelf;
use transaction::Time;

pub const KEYS: Keys = Keys(11, 22);

/// A ledger, its book and the time.
pub struct Desk {
    pub ledger: Ledger,
    pub shelf: Shelf,
    pub now: Time,
}

/// What became of a command: what was done and how much, or the code of the refusal.
pub type Told = Result<(Done, Option<i128>), &'static str>;

pub fn told(result: &Result<Outcome, Box<transaction::Refusal>>) -> Told {
    match result {
        Ok(outcome) => Ok((outcome.done, outcome.amount)),
        Err(refusal) => Err(refusal.kind.code),
    }
}

impl Desk {
    pub fn new() -> Desk {
        let mut ledger = Ledger::new(KEYS);
        ledger.loaded();
        Desk { ledger, shelf: Shelf::default(), now: Time(1_000_000) }
    }

    /// Points with no decimals; `issuer` and `shop` without a floor, `ann` and `bob` with floor zero, 100 with ann.
    pub fn with_accounts() -> Desk {
        let mut desk = Desk::new();
        desk.ok(&Command::Asset(Asset { code: "points", scale: 0 }));
        desk.ok(&Command::Asset(Asset { code: "eur", scale: 2 }));
        for (id, floor) in [("issuer", Floor::None), ("shop", Floor::None), ("ann", zero()), ("bob", zero())]
        {
            desk.ok(&Command::Open(Open { floor, ..open(id) }));
        }
        desk.ok(&entry("fill-ann", "issuer", "ann", 100));
        desk
    }

    pub fn run(&mut self, commands: &[Command<&str>], run: Run) -> Vec<Told> {
        let mut batch = Batch::new();
        for command in commands {
            batch.push(command);
        }
        self.shelf.readable = self.shelf.place().position;
        self.ledger.carry_out(&batch, run, (&mut self.shelf, self.now)).iter().map(told).collect()
    }

    pub fn all(&mut self, commands: &[Command<&str>]) -> Vec<Told> {
        self.run(commands, Run::Real)
    }

    pub fn one(&mut self, command: &Command<&str>) -> Told {
        self.all(std::slice::from_ref(command)).remove(0)
    }

    pub fn ok(&mut self, command: &Command<&str>) -> (Done, Option<i128>) {
        self.one(command).unwrap_or_else(|code| panic!("{command:?} was refused: {code}"))
    }

    pub fn refused(&mut self, command: &Command<&str>) -> &'static str {
        self.one(command).expect_err("was not refused")
    }

    /// Posted, held and incoming.
    pub fn balance(&self, id: &str) -> (i128, i128, i128) {
        let account = self.ledger.account(id).expect("the account exists");
        (account.posted, account.held, account.incoming)
    }

    pub fn after_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }
}

pub fn zero() -> Floor<Amount<&'static str>> {
    Floor::At(Amount::Units(0))
}

pub fn open(id: &str) -> Open<&str> {
    Open {
        id,
        asset: "points",
        floor: Floor::None,
        ceiling: None,
        lots: None,
        linked: Linked::No,
        cause: Cause::default(),
    }
}

pub fn plain_entry<'a>(id: &'a str, from: &'a str, to: &'a str, units: i128) -> Entry<&'a str> {
    Entry {
        id,
        from,
        to,
        amount: Amount::Units(units),
        take: Take::Exactly,
        expiry: Expiry::Never,
        refunds: None,
        linked: Linked::No,
        cause: Cause::default(),
    }
}

pub fn entry<'a>(id: &'a str, from: &'a str, to: &'a str, units: i128) -> Command<&'a str> {
    Command::Entry(plain_entry(id, from, to, units))
}

pub fn plain_hold<'a>(id: &'a str, from: &'a str, to: &'a str, units: i128) -> Hold<&'a str> {
    Hold {
        id,
        from,
        to,
        amount: Amount::Units(units),
        take: Take::Exactly,
        expiry: Expiry::Never,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    }
}

pub fn hold<'a>(id: &'a str, from: &'a str, to: &'a str, units: i128) -> Command<&'a str> {
    Command::Hold(plain_hold(id, from, to, units))
}

pub fn plain_capture<'a>(id: &'a str, hold: &'a str, units: Option<i128>) -> Capture<&'a str> {
    let amount = units.map(Amount::Units);
    Capture { id, hold, amount, linked: Linked::No, origin: Origin::Direct, cause: Cause::default() }
}

pub fn capture<'a>(id: &'a str, hold: &'a str, units: Option<i128>) -> Command<&'a str> {
    Command::Capture(plain_capture(id, hold, units))
}

pub fn plain_release(hold: &str) -> Release<&str> {
    Release { hold, linked: Linked::No, origin: Origin::Direct, cause: Cause::default() }
}

pub fn release(hold: &str) -> Command<&str> {
    Command::Release(plain_release(hold))
}

pub fn reopen<'a>(id: &'a str, hold: &'a str) -> Command<&'a str> {
    Command::Reopen(Reopen { id, hold, expiry: Expiry::Never, cause: Cause::default() })
}

pub fn adjust<'a>(id: &'a str, account: &'a str) -> Adjust<&'a str> {
    Adjust { id, account, floor: None, ceiling: None, standing: None, cause: Cause::default() }
}

pub fn stand<'a>(id: &'a str, account: &'a str, standing: Standing) -> Command<&'a str> {
    Command::Adjust(Adjust { standing: Some(standing), ..adjust(id, account) })
}
