//! An engine over a disk in memory, and short ways to ask its ledger.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use engine::archive::Archive;
use engine::{
    Answers, Change, Changed, Config, Engine, Found, Heard, Key, Meters, Network, Parts, Question, Running,
    SystemClock, start,
};
use journal::disk::FakeDisk;
use journal::{FileJournal, FileOptions, Journal};
use ledger::{
    AccountView, Amount, Asset, Batch, Cause, Command, Done, Entry, Expiry, Floor, Hold, Linked, Open,
    Origin, Results, Run, Take,
};
use transaction::{Call, Refusal, Reply};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

struct NoNetwork;

impl Network for NoNetwork {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        for (_, heard) in calls {
            heard(Reply::Unknown { error: Arc::from("there is no network") });
        }
    }
}

/// A running engine and the disk of its journal.
pub(crate) struct World {
    pub(crate) disk: FakeDisk,
    pub(crate) archive: Archive,
    running: Running,
}

fn options() -> FileOptions {
    FileOptions {
        segment_bytes: 8 << 20,
        small_segment_bytes: 1 << 20,
        max_frame_bytes: 4 << 20,
        ..FileOptions::default()
    }
}

/// Starts an engine.
pub(crate) fn started(journal: Box<dyn Journal>, archive: &Archive) -> Running {
    let parts = Parts {
        journal,
        archive: archive.clone(),
        network: Box::new(NoNetwork),
        clock: Box::new(|floor| Arc::new(SystemClock::starting_after(floor))),
        meters: Arc::new(Meters::default()),
        deliver: Box::new(Answers::give),
        on_fault: Box::new(|_| {}),
    };
    start(&Config { frame_bytes: 1 << 20, ..Config::default() }, parts).unwrap()
}

impl World {
    /// On an empty disk, with an asset and two accounts: `bank`, without a floor, and `ann`.
    pub(crate) fn new() -> World {
        let world = World::on(&FakeDisk::new(), &Archive::in_memory());
        let asset = Command::Asset(Asset { code: "eur", scale: 2 });
        world.done(&[asset, open("bank", Floor::None), open("ann", Floor::At(Amount::Units(0)))]);
        world
    }

    pub(crate) fn on(disk: &FakeDisk, archive: &Archive) -> World {
        let journal = Box::new(FileJournal::start(Arc::new(disk.clone()), options()).unwrap());
        World { running: started(journal, archive), disk: disk.clone(), archive: archive.clone() }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.running.engine
    }

    /// Stops it in good order.
    pub(crate) fn stop(self) -> (FakeDisk, Archive) {
        self.running.stop();
        (self.disk, self.archive)
    }

    /// Stops it and starts it again; with the archive it had, or without one.
    pub(crate) fn restarted(self, archive: Option<Archive>) -> World {
        let (disk, former) = self.stop();
        World::on(&disk, &archive.unwrap_or(former))
    }

    /// Cuts the power: threads and archive of before are left behind as they are.
    pub(crate) fn cut(self, seed: u64) -> World {
        self.disk.crash(seed);
        World::on(&self.disk, &Archive::in_memory())
    }

    /// Changes the ledger for good; nothing may be refused.
    pub(crate) fn done(&self, commands: &[Command<&str>]) -> Vec<Done> {
        done(&self.change(commands, Run::Real).results)
    }

    pub(crate) fn change(&self, commands: &[Command<&str>], run: Run) -> Changed {
        changed(self.engine(), change(commands, run, None)).unwrap()
    }

    pub(crate) fn with_key(&self, commands: &[Command<&str>], key: Key) -> Result<Changed, Refusal> {
        changed(self.engine(), change(commands, Run::Real, Some(key)))
    }

    pub(crate) fn ask(&self, question: Question) -> Result<Found, Refusal> {
        let (tell, told) = channel();
        self.engine().ask(question, Box::new(move |seen| drop(tell.send(seen))));
        told.recv_timeout(PATIENCE).unwrap().map(|seen| seen.value)
    }

    pub(crate) fn account(&self, id: &str) -> AccountView {
        match self.ask(Question::Account(Arc::from(id), None)).unwrap() {
            Found::Account(account) => *account,
            other => panic!("{other:?}"),
        }
    }

    /// Posted and held.
    pub(crate) fn balance(&self, id: &str) -> (i128, i128) {
        let account = self.account(id);
        (account.posted, account.held)
    }

    /// The sum of what is posted in all accounts.
    pub(crate) fn sum(&self) -> i128 {
        match self.ask(Question::Accounts(Arc::from(""), Arc::from(""), 100_000)).unwrap() {
            Found::Accounts((accounts, None)) => accounts.iter().map(|account| account.posted).sum(),
            other => panic!("{other:?}"),
        }
    }
}

/// Hands a change to the engine.
pub(crate) fn submit(engine: &Engine, change: Change) -> Receiver<Result<Changed, Refusal>> {
    let (tell, told) = channel();
    engine.change(change, Box::new(move |answer| drop(tell.send(answer))));
    told
}

pub(crate) fn changed(engine: &Engine, change: Change) -> Result<Changed, Refusal> {
    submit(engine, change).recv_timeout(PATIENCE).unwrap()
}

pub(crate) fn change(commands: &[Command<&str>], run: Run, key: Option<Key>) -> Change {
    let mut batch = Batch::new();
    commands.iter().for_each(|command| batch.push(command));
    Change { batch, run, key }
}

pub(crate) fn done(results: &Results) -> Vec<Done> {
    results.iter().map(|result| result.as_ref().unwrap().done).collect()
}

/// The codes of what was refused, and the words of what was done.
pub(crate) fn words(results: &Results) -> Vec<&'static str> {
    let word = |result: &Result<ledger::Outcome, Box<Refusal>>| match result {
        Ok(outcome) => outcome.done.name(),
        Err(refusal) => refusal.kind.code,
    };
    results.iter().map(word).collect()
}

pub(crate) fn open<'a>(id: &'a str, floor: Floor<Amount<&'a str>>) -> Command<&'a str> {
    let (linked, cause) = (Linked::No, Cause::default());
    Command::Open(Open { id, asset: "eur", floor, ceiling: None, lots: None, linked, cause })
}

pub(crate) fn entry<'a>(id: &'a str, (from, to): (&'a str, &'a str), units: i128) -> Command<&'a str> {
    Command::Entry(Entry {
        id,
        from,
        to,
        amount: Amount::Units(units),
        take: Take::Exactly,
        expiry: Expiry::Never,
        refunds: None,
        linked: Linked::No,
        cause: Cause { operator: Some("olga"), ..Cause::default() },
    })
}

pub(crate) fn hold(id: &str, units: i128, expiry: Expiry) -> Command<&str> {
    Command::Hold(Hold {
        id,
        from: "ann",
        to: "bank",
        amount: Amount::Units(units),
        take: Take::Exactly,
        expiry,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    })
}

/// Asks again until it is so.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let by = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < by, "it did not come in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
