//! The ledger against a naive model over random histories of all verbs; replay, pages and the index of ids beside it.
//!
//! Every history comes from a seed; the seed of one that fails is in the message.

mod support;

use std::collections::BTreeMap;

use fastrand::Rng;
use ledger::{
    Adjust, Amount, Asset, Book, Capture, Cause, Command, Done, Entry, Event, Expiry, Floor, Hold, Kept,
    Ledger, Linked, Open, Origin, PageId, Release, Reopen, Run, Standing, Take,
};
use support::model::{Account, Model, NEVER};
use support::{Desk, KEYS, Told};
use transaction::Time;

const HISTORIES: u64 = 400;
const STEPS: usize = 50;
const ACCOUNTS: [&str; 9] = ["issuer", "sink", "a1", "a2", "a3", "l1", "l2", "euro", "late"];
const ENTRIES: [&str; 26] = [
    "e00", "e01", "e02", "e03", "e04", "e05", "e06", "e07", "e08", "e09", "e10", "e11", "e12", "e13", "e14",
    "e15", "e16", "e17", "e18", "e19", "e20", "e21", "e22", "e23", "h1", "h2",
];
const HOLDS: [&str; 8] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"];
const CAPTURES: [&str; 4] = ["c0", "c1", "c2", "c3"];
const TEXTS: [&str; 30] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19",
    "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "030",
];

/// The pages that an engine would have on disk.
#[derive(Default)]
struct Checkpoint {
    pages: BTreeMap<PageId, (u64, Vec<u8>)>,
    /// Where the sweep under way began, and where the last complete one did.
    began: Option<u64>,
    swept: u64,
}

struct World {
    desk: Desk,
    model: Model,
    checkpoint: Checkpoint,
    said: Vec<Command<&'static str>>,
    random: Rng,
    /// How often each answer was given.
    seen: BTreeMap<String, usize>,
}

fn pick<T: Copy>(random: &mut Rng, from: &[T]) -> T {
    from[random.usize(..from.len())]
}

/// Mostly one that has what is asked.
fn account(random: &mut Rng) -> &'static str {
    if random.u8(..12) == 0 { pick(random, &ACCOUNTS) } else { pick(random, &ACCOUNTS[..7]) }
}

fn amount(random: &mut Rng) -> Amount<&'static str> {
    match random.u8(..10) {
        0 => Amount::Units(random.i128(-1..2)),
        1..4 => Amount::Decimal(pick(random, &TEXTS)),
        _ => Amount::Units(random.i128(1..30)),
    }
}

fn expiry(random: &mut Rng, now: Time) -> Expiry {
    match random.u8(..10) {
        0..5 => Expiry::Never,
        5..7 => Expiry::In(random.u64(0..8)),
        _ => Expiry::At(Time(now.0 + random.i64(-2000..8000))),
    }
}

fn cause(random: &mut Rng) -> Cause<&'static str> {
    let operator = (random.u8(..20) == 0).then_some("eve");
    Cause { operator, ..Cause::default() }
}

fn take(random: &mut Rng) -> Take {
    if random.u8(..4) == 0 { Take::UpTo } else { Take::Exactly }
}

fn linked(random: &mut Rng) -> Linked {
    if random.u8(..7) == 0 { Linked::ToNext } else { Linked::No }
}

fn origin(random: &mut Rng) -> Origin {
    if random.u8(..6) == 0 { Origin::Branch } else { Origin::Direct }
}

fn floor(random: &mut Rng) -> Floor<Amount<&'static str>> {
    match random.u8(..4) {
        0 => Floor::None,
        1 => Floor::At(Amount::Units(random.i128(-20..20))),
        _ => Floor::At(Amount::Units(0)),
    }
}

/// The model always knows how much a duplicate had moved; the ledger tells it only when it is at hand.
fn at_hand(told: &[Told], mut model: Vec<Told>) -> Vec<Told> {
    for (ours, theirs) in told.iter().zip(&mut model) {
        if let (Ok((Done::Duplicate, None)), Ok((Done::Duplicate, amount))) = (ours, theirs) {
            *amount = None;
        }
    }
    model
}

impl World {
    fn new(seed: u64) -> World {
        let mut world = World {
            desk: Desk::new(),
            model: Model::default(),
            checkpoint: Checkpoint::default(),
            said: Vec::new(),
            random: Rng::with_seed(seed),
            seen: BTreeMap::new(),
        };
        let zero = Floor::At(Amount::Units(0));
        let mut batch = vec![
            Command::Asset(Asset { code: "points", scale: 0 }),
            Command::Asset(Asset { code: "eur", scale: 0 }),
        ];
        for id in &ACCOUNTS[..8] {
            let floor = if matches!(*id, "issuer" | "sink") { Floor::None } else { zero };
            let asset = if *id == "euro" { "eur" } else { "points" };
            let lots = id.starts_with('l').then_some("sink");
            let ceiling = (*id == "a3").then_some(Amount::Units(40));
            batch.push(Command::Open(Open { floor, asset, lots, ceiling, ..support::open(id) }));
        }
        for (place, id) in ["a1", "a2", "l1", "l2"].into_iter().enumerate() {
            let expiry = if id.starts_with('l') { Expiry::In(5) } else { Expiry::Never };
            let entry = support::plain_entry(["f0", "f1", "f2", "f3"][place], "issuer", id, 60);
            batch.push(Command::Entry(Entry { expiry, ..entry }));
        }
        world.carry_out(&batch);
        world
    }

    fn carry_out(&mut self, batch: &[Command<&'static str>]) {
        let told = self.desk.all(batch);
        assert_eq!(told, at_hand(&told, self.model.carry_out(batch, self.desk.now)), "{batch:?}");
        for answer in told {
            let word = answer.map_or_else(ToOwned::to_owned, |(done, _)| done.name().to_owned());
            *self.seen.entry(word).or_default() += 1;
        }
    }

    /// Mostly a hold that is there.
    fn some_hold(&mut self) -> &'static str {
        let open: Vec<_> = HOLDS.into_iter().filter(|id| self.model.holds.contains_key(*id)).collect();
        if open.is_empty() || self.random.u8(..6) == 0 {
            return pick(&mut self.random, &HOLDS);
        }
        pick(&mut self.random, &open)
    }

    fn command(&mut self) -> Command<&'static str> {
        let known_hold = self.some_hold();
        let random = &mut self.random;
        if !self.said.is_empty() && random.u8(..8) == 0 {
            return self.said[random.usize(..self.said.len())].clone();
        }
        match random.u8(..24) {
            0 => Command::Open(Open {
                floor: floor(random),
                lots: (random.u8(..3) == 0).then(|| pick(random, &["sink", "l1", "euro", "nobody"])),
                linked: linked(random),
                ..support::open(pick(random, &["late", "a1", "l1", "nobody"]))
            }),
            1 => self.adjustment(),
            2..10 => self.entry(),
            10..15 => {
                let (from, to) = (account(random), account(random));
                Command::Hold(Hold {
                    id: pick(random, &HOLDS),
                    from,
                    to,
                    amount: amount(random),
                    take: take(random),
                    expiry: expiry(random, self.desk.now),
                    linked: linked(random),
                    origin: origin(random),
                    cause: cause(random),
                })
            }
            15..19 => {
                let origin = origin(random);
                let id = if origin == Origin::Branch { "" } else { pick(random, &CAPTURES) };
                let part = origin == Origin::Direct && random.bool();
                Command::Capture(Capture {
                    id,
                    hold: known_hold,
                    amount: part.then(|| amount(random)),
                    linked: linked(random),
                    origin,
                    cause: cause(random),
                })
            }
            19..22 => Command::Release(Release {
                hold: known_hold,
                linked: linked(random),
                origin: origin(random),
                cause: Cause::default(),
            }),
            _ => Command::Reopen(Reopen {
                id: pick(random, &CAPTURES),
                hold: known_hold,
                expiry: expiry(random, self.desk.now),
                cause: cause(random),
            }),
        }
    }

    fn entry(&mut self) -> Command<&'static str> {
        let random = &mut self.random;
        let (mut from, mut to) = (account(random), account(random));
        let mut refunds = None;
        if random.u8(..4) == 0 {
            // Mostly one that fits: the accounts of something said before, the other way round.
            let id = pick(random, &ENTRIES);
            refunds = Some(id);
            let before = self.said.iter().rev().find_map(|said| match said {
                Command::Entry(entry) if entry.id == id => Some((entry.to, entry.from)),
                Command::Hold(hold) if hold.id == id => Some((hold.to, hold.from)),
                _ => None,
            });
            (from, to) = before.unwrap_or((from, to));
        }
        Command::Entry(Entry {
            id: pick(random, &ENTRIES),
            from,
            to,
            amount: amount(random),
            take: take(random),
            expiry: if to.starts_with('l') { expiry(random, self.desk.now) } else { Expiry::Never },
            refunds,
            linked: linked(random),
            cause: cause(random),
        })
    }

    fn adjustment(&mut self) -> Command<&'static str> {
        let random = &mut self.random;
        let ceiling = (random.u8(..4) == 0).then(|| random.bool().then(|| Amount::Units(random.i128(0..70))));
        let standings = [Standing::Active, Standing::Active, Standing::Frozen, Standing::Closed];
        Command::Adjust(Adjust {
            id: pick(random, &["j0", "j1", "j2", "j3", "j4", "j5"]),
            account: account(random),
            floor: random.bool().then(|| floor(random)),
            ceiling,
            standing: random.bool().then(|| pick(random, &standings)),
            cause: cause(random),
        })
    }

    fn step(&mut self) {
        if self.random.bool() {
            self.desk.after_ms(self.random.u64(0..4));
        }
        if self.random.u8(..10) == 0 {
            // What is due falls due by itself, in small steps.
            while self.desk.ledger.fall_due(1, (&mut self.desk.shelf, self.desk.now)) > 0 {}
            self.model.now = self.desk.now.0;
            self.model.time_goes_first();
        }
        let count = self.random.usize(1..6);
        let batch: Vec<_> = (0..count).map(|_| self.command()).collect();
        if self.random.u8(..6) == 0 {
            let (before, history) = (views(&self.desk.ledger), self.desk.shelf.history.clone());
            let dry = self.desk.run(&batch, Run::Dry);
            let model = self.model.clone().carry_out(&batch, self.desk.now);
            assert_eq!(dry, at_hand(&dry, model), "dry {batch:?}");
            assert_eq!(views(&self.desk.ledger), before);
            assert_eq!(self.desk.shelf.history, history);
        }
        self.carry_out(&batch);
        self.said.extend(batch);
        self.compare();
        self.sweep();
    }

    /// Every balance, hold and lot; the sum of each asset; nothing below its floor but what was there before the floor.
    fn compare(&self) {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for view in views(&self.desk.ledger) {
            let account: &Account = &self.model.accounts[&*view.id];
            assert_eq!(view.posted, account.posted, "posted of {}", view.id);
            assert_eq!(view.held, self.model.held(&view.id), "held of {}", view.id);
            assert_eq!(view.incoming, self.model.incoming(&view.id), "incoming of {}", view.id);
            assert_eq!(format!("{:?}", view.standing), account.standing);
            let mut tokens: Vec<i64> = Vec::new();
            for lot in &view.lots {
                let at = lot.expires_at.map_or(NEVER, |at| at.0);
                tokens.extend(std::iter::repeat_n(at, usize::try_from(lot.free).expect("small")));
            }
            assert_eq!(tokens, account.tokens, "lots of {}", view.id);
            if view.sink.is_some() {
                assert_eq!(view.lots.iter().map(|lot| lot.free + lot.held).sum::<i128>(), view.posted);
                assert_eq!(view.lots.iter().map(|lot| lot.held).sum::<i128>(), view.held);
            }
            *sums.entry(account.asset.clone()).or_default() += view.posted;
        }
        assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
        assert_eq!(self.model.accounts.len(), views(&self.desk.ledger).len());
        for id in HOLDS {
            let held = self.model.holds.get(id).filter(|held| held.state == "open");
            let view = self.desk.ledger.hold(id);
            let ours = view.map(|view| {
                let at = view.expires_at.map_or(NEVER, |at| at.0);
                (view.left, view.captured, at, view.owned, view.accounts.0.into_string())
            });
            let theirs = held.map(|h| (h.left, h.captured, h.expires_at, h.owned, h.from.clone()));
            assert_eq!(ours, theirs, "hold {id}");
        }
    }

    /// Takes some pages, as an engine does between batches.
    fn sweep(&mut self) {
        let position = self.desk.shelf.place().position;
        if self.checkpoint.began.is_none() && self.random.u8(..5) == 0 {
            self.desk.ledger.begin_sweep();
            self.checkpoint.began = Some(position);
        }
        let Some(began) = self.checkpoint.began else { return };
        for _ in 0..self.random.usize(..3) {
            let mut bytes = Vec::new();
            match self.desk.ledger.next_page(&mut bytes) {
                Some(page) => {
                    self.checkpoint.pages.insert(page, (position, bytes));
                }
                None => {
                    self.checkpoint.swept = began;
                    self.checkpoint.began = None;
                    return;
                }
            }
        }
    }

    /// The ledger as a start-up would build it: from pages and the rest of the history, or from all of the history.
    fn restarted(&self, checkpoint: &Checkpoint) -> Ledger {
        let mut ledger = Ledger::new(KEYS);
        for (page, (position, bytes)) in &checkpoint.pages {
            ledger.load_page(*page, *position, bytes).expect("a page");
        }
        for (position, event) in self.desk.shelf.events(checkpoint.swept) {
            let kept = Kept::decode(event).expect("an event");
            let mut again = Vec::new();
            kept.encode(&mut again);
            assert_eq!(again, event);
            ledger.apply(&kept, position);
        }
        ledger.loaded();
        ledger
    }
}

#[test]
fn random_histories_agree_with_the_model_and_with_their_replay() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..HISTORIES {
        let mut world = World::new(seed);
        for step in 0..STEPS {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.step()));
            assert!(result.is_ok(), "seed {seed}, step {step}");
            if step % 13 == 12 {
                let restarted = world.restarted(&world.checkpoint);
                assert_eq!(restarted.differences(&world.desk.ledger, 9), [""; 0], "seed {seed}, step {step}");
                assert_eq!(restarted.next_due(), world.desk.ledger.next_due(), "seed {seed}, step {step}");
                // From here on the restarted one goes on; its first sweep takes up what the replay changed.
                world.desk.ledger = restarted;
                world.checkpoint.began = None;
            }
        }
        let replayed = world.restarted(&Checkpoint::default());
        assert_eq!(replayed.differences(&world.desk.ledger, 9), [""; 0], "seed {seed}");
        assert_eq!(world.desk.shelf.relearnt(KEYS), world.desk.shelf.newest(), "seed {seed}");
        for (word, times) in world.seen {
            *seen.entry(word).or_default() += times;
        }
        for (_, event) in world.desk.shelf.events(0) {
            *seen.entry(format!("event {}", event[0])).or_default() += 1;
            let Event::Posted { refunds: Some(_), lots, .. } = Kept::decode(event).expect("an event").event
            else {
                continue;
            };
            let word = if lots.1.is_empty() { "refund" } else { "refund into lots" };
            *seen.entry(word.to_owned()).or_default() += 1;
        }
    }
    for word in WORDS {
        let times = seen.get(word).copied().unwrap_or(0);
        assert!(times >= 20, "{word} was seen {times} times only: {seen:#?}");
    }
}

/// What the histories must have met often, so that agreeing means something.
const WORDS: [&str; 38] = [
    "opened",
    "changed",
    "posted",
    "held",
    "captured",
    "released",
    "reopened",
    "duplicate",
    "account_unknown",
    "account_frozen",
    "account_closed",
    "account_not_empty",
    "account_same",
    "amount_invalid",
    "asset_mismatch",
    "insufficient",
    "ceiling_exceeded",
    "linked_refused",
    "linked_open",
    "id_mismatch",
    "hold_unknown",
    "hold_closed",
    "hold_expired",
    "hold_owned",
    "hold_open",
    "capture_exceeds_hold",
    "refund_invalid",
    "lots_invalid",
    "expiry_invalid",
    "event 3",
    "event 4",
    "event 5",
    "event 6",
    "event 7",
    "event 8",
    "event 9",
    "refund",
    "refund into lots",
];

#[test]
fn differences_are_found_and_named() {
    let world = World::new(1);
    let mut other = world.restarted(&Checkpoint::default());
    assert_eq!(other.differences(&world.desk.ledger, 9), [""; 0]);
    let mut desk = Desk { ledger: other, shelf: world.desk.shelf.clone(), now: world.desk.now };
    desk.ok(&support::entry("more", "a1", "a2", 1));
    desk.ok(&support::hold("hold", "a1", "a2", 1));
    other = desk.ledger;
    let words = other.differences(&world.desk.ledger, 99);
    for piece in [
        "account a1: posted: 59 here, 60 there",
        "account a2: incoming: 1 here, 0 there",
        "hold hold is open",
    ] {
        assert!(words.iter().any(|words| words.contains(piece)), "{piece} is not in {words:#?}");
    }
    assert_eq!(other.differences(&world.desk.ledger, 2).len(), 2);
}

#[test]
fn any_bytes_are_an_event_or_a_refusal() {
    let mut world = World::new(5);
    for _ in 0..STEPS {
        world.step();
    }
    let events: Vec<Vec<u8>> = world.desk.shelf.events(0).map(|(_, event)| event.to_vec()).collect();
    let mut random = Rng::with_seed(9);
    let mut refused = 0;
    for _ in 0..200_000 {
        let mut bytes = pick(&mut random, &events.iter().collect::<Vec<_>>()).clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..bytes.len());
            bytes[place] = random.u8(..);
        }
        bytes.truncate(bytes.len() - random.usize(..2));
        match Kept::decode(&bytes) {
            Ok(kept) => {
                let mut again = Vec::new();
                kept.encode(&mut again);
                assert_eq!(again, bytes);
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 1000, "{refused}");
    for _ in 0..20_000 {
        let mut ledger = Ledger::new(KEYS);
        let (_, mut page) = world.checkpoint.pages.values().next().expect("a page").clone();
        let place = random.usize(..page.len());
        page[place] = random.u8(..);
        let id = PageId { table: random.u8(..9), index: random.u32(..9) };
        let _ = ledger.load_page(id, 0, &page);
    }
}

/// All accounts, with their lots.
fn views(ledger: &Ledger) -> Vec<ledger::AccountView> {
    let (listed, next) = ledger.accounts("", "", usize::MAX);
    assert_eq!(next, None);
    listed.iter().map(|view| ledger.account(&view.id).expect("it was listed")).collect()
}
