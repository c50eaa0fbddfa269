//! A ledger with a book in memory, driven at random through every verb: what the auditor's tests judge.

use std::collections::HashMap;

use fastrand::Rng;
use ledger::{
    Adjust, Amount, Asset, Batch, Book, Capture, Cause, Command, Create, Declare, Entry, Expires, Expiry,
    Floor, Guard, HEAD, Hold, Kept, Keys, Known, Ledger, Linked, Machine, MachineMove, MachineState, Move,
    Open, Origin, Place, Release, Reopen, Run, Standing, Take, When,
};
use transaction::Time;

const START: i64 = 1_700_000_000_000_000;

/// A book in memory.
#[derive(Default)]
struct Shelf {
    events: Vec<(u64, Vec<u8>)>,
    position: u64,
    known: HashMap<u64, Known>,
    marks: Vec<(usize, u64, HashMap<u64, Known>)>,
}

impl Book for Shelf {
    fn place(&self) -> Place {
        Place { sequence: self.events.len() as u64 + 1, position: self.position }
    }

    fn keep(&mut self, event: &[u8]) {
        self.events.push((self.position, event.to_vec()));
        self.position += HEAD + event.len() as u64;
    }

    fn known(&self, hash: u64) -> Option<Known> {
        self.known.get(&hash).copied()
    }

    fn learn(&mut self, hash: u64, known: Known) {
        self.known.insert(hash, known);
    }

    fn mark(&mut self) -> u64 {
        self.marks.push((self.events.len(), self.position, self.known.clone()));
        self.marks.len() as u64 - 1
    }

    fn roll_back(&mut self, mark: u64) {
        let (events, position, known) = self.marks[mark as usize].clone();
        self.events.truncate(events);
        (self.position, self.known) = (position, known);
    }

    fn recall(&self, position: u64) -> Option<&[u8]> {
        let found = self.events.binary_search_by_key(&position, |event| event.0).ok()?;
        Some(&self.events[found].1)
    }
}

/// A ledger and what it kept.
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    keys: Keys,
    shelf: Shelf,
    rng: Rng,
    now: i64,
    count: u64,
    holds: Vec<String>,
    entries: Vec<(String, String, String)>,
    items: u64,
}

const EUR: [&str; 5] = ["bank", "ann", "ben", "shop", "tight"];
const POINTS: [&str; 3] = ["issuer", "points:ann", "points:ben"];

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let keys = Keys(seed, 9);
        let (rng, shelf) = (Rng::with_seed(seed), Shelf::default());
        let mut world = World {
            ledger: Ledger::new(keys),
            keys,
            shelf,
            rng,
            now: START,
            count: 0,
            holds: Vec::new(),
            entries: Vec::new(),
            items: 0,
        };
        world.ledger.loaded();
        world.set_up();
        world
    }

    pub(crate) fn keys(&self) -> Keys {
        self.keys
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.shelf.events.iter().map(|(position, event)| (*position, &**event))
    }

    pub(crate) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
        }
    }

    fn submit(&mut self, commands: &[Command<&str>], run: Run) -> bool {
        let mut batch = Batch::new();
        commands.iter().for_each(|command| batch.push(command));
        let results = self.ledger.carry_out(&batch, run, (&mut self.shelf, Time(self.now)));
        results.iter().all(Result::is_ok)
    }

    fn set_up(&mut self) {
        let asset = |code, scale| Command::Asset(Asset { code, scale });
        let floor = |id: &str| {
            if matches!(id, "bank" | "issuer") { Floor::None } else { Floor::At(Amount::Units(0)) }
        };
        let opened = |id, asset, lots| {
            let (linked, cause) = (Linked::No, Cause::default());
            Command::Open(Open { id, asset, floor: floor(id), ceiling: None, lots, linked, cause })
        };
        let mut commands = vec![asset("eur", 2), asset("points", 0)];
        commands.extend(EUR.map(|id| opened(id, "eur", None)));
        commands.push(opened("issuer", "points", None));
        commands.extend(["points:ann", "points:ben"].map(|id| opened(id, "points", Some("issuer"))));
        commands.push(Command::Declare(Declare { machine: Box::new(coupon()), cause: Cause::default() }));
        assert!(self.submit(&commands, Run::Real));
    }

    fn step(&mut self) {
        self.now += self.rng.i64(0..2_000_000);
        while self.ledger.fall_due(100, (&mut self.shelf, Time(self.now))) > 0 {}
        self.count += 1;
        match self.rng.u8(0..20) {
            0..6 => self.entry(),
            6..9 => self.points(),
            9..12 => self.hold(),
            12..15 => self.settle(),
            15 => self.adjust(),
            16..18 => self.item(),
            18 => self.chain(),
            _ => self.refund(),
        }
    }

    fn entry(&mut self) {
        let (from, to) = (self.of(&EUR), self.of(&EUR));
        let id = format!("entry-{}", self.count);
        let amount = Amount::Units(self.rng.i128(1..400));
        let take = if self.rng.u8(0..4) == 0 { Take::UpTo } else { Take::Exactly };
        if self.submit(&[entry(&id, (from, to), (amount, take))], Run::Real) {
            self.entries.push((id, from.to_owned(), to.to_owned()));
        }
    }

    fn points(&mut self) {
        let (from, to) = (self.of(&POINTS), self.of(&POINTS));
        let id = format!("points-{}", self.count);
        let Command::Entry(plain) =
            entry(&id, (from, to), (Amount::Units(self.rng.i128(1..90)), Take::Exactly))
        else {
            return;
        };
        let expiry = if to != "issuer" && self.rng.bool() {
            Expiry::In(self.rng.u64(1..60_000))
        } else {
            Expiry::Never
        };
        if self.submit(&[Command::Entry(Entry { expiry, ..plain })], Run::Real) {
            self.entries.push((id, from.to_owned(), to.to_owned()));
        }
    }

    fn refund(&mut self) {
        let Some((refunds, to, from)) = self.rng.choice(&self.entries).cloned() else { return };
        let id = format!("refund-{}", self.count);
        let Command::Entry(plain) =
            entry(&id, (&from, &to), (Amount::Units(self.rng.i128(1..60)), Take::UpTo))
        else {
            return;
        };
        self.submit(&[Command::Entry(Entry { refunds: Some(&refunds), ..plain })], Run::Real);
    }

    fn hold(&mut self) {
        let accounts: &[&'static str] = if self.rng.bool() { &EUR } else { &POINTS };
        let (from, to) = (self.of(accounts), self.of(accounts));
        let id = format!("hold-{}", self.count);
        let expiry = if self.rng.bool() { Expiry::In(self.rng.u64(1..30_000)) } else { Expiry::Never };
        let hold = Command::Hold(Hold {
            id: id.as_str(),
            from,
            to,
            amount: Amount::Units(self.rng.i128(1..120)),
            take: if self.rng.bool() { Take::UpTo } else { Take::Exactly },
            expiry,
            linked: Linked::No,
            origin: Origin::Direct,
            cause: Cause::default(),
        });
        if self.submit(&[hold], Run::Real) {
            self.holds.push(id);
        }
    }

    fn settle(&mut self) {
        let Some(hold) = self.rng.choice(&self.holds).cloned() else { return };
        let id = format!("settle-{}", self.count);
        let (linked, origin, cause) = (Linked::No, Origin::Direct, Cause::default());
        let (id, hold): (&str, &str) = (&id, &hold);
        let amount = self.rng.bool().then(|| Amount::Units(self.rng.i128(1..60)));
        let command = match self.rng.u8(0..5) {
            0..3 => Command::Capture(Capture { id, hold, amount, linked, origin, cause }),
            3 => Command::Release(Release { hold, linked, origin, cause }),
            _ => Command::Reopen(Reopen { id, hold, expiry: Expiry::In(9_000), cause }),
        };
        self.submit(&[command], Run::Real);
    }

    fn adjust(&mut self) {
        let id = format!("adjust-{}", self.count);
        let frozen = self.of(&["ben", "shop"]);
        let standing = if self.rng.u8(0..4) == 0 { Standing::Frozen } else { Standing::Active };
        let (floor, ceiling) = (Floor::At(Amount::Units(-100)), Some(Amount::Units(500)));
        let tight = Adjust {
            id: id.as_str(),
            account: "tight",
            floor: Some(floor),
            ceiling: Some(ceiling),
            standing: None,
            cause: Cause::default(),
        };
        let freezes =
            Adjust { account: frozen, floor: None, ceiling: None, standing: Some(standing), ..tight };
        let adjust = if self.rng.bool() { tight } else { freezes };
        self.submit(&[Command::Adjust(adjust)], Run::Real);
    }

    fn item(&mut self) {
        let cause = Cause { operator: Some("olga"), ..Cause::default() };
        let id = format!("move-{}", self.count);
        if self.rng.u8(0..3) == 0 {
            self.items += 1;
            let item = format!("coupon-{}", self.items);
            let (machine, owner, attributes) = ("coupon", Some("ann"), vec![]);
            let create = Create { id: item.as_str(), machine, owner, attributes, linked: Linked::No, cause };
            self.submit(&[Command::Create(create)], Run::Real);
        }
        let item = format!("coupon-{}", self.rng.u64(0..=self.items));
        let branch = format!("order-{}/coupon", self.count);
        let (attempt, last) = (format!("{branch}/try"), format!("{branch}/confirm"));
        let step = Move {
            id: id.as_str(),
            item: item.as_str(),
            name: self.of(&["lock", "unlock", "use"]),
            owner: Some("ann"),
            arguments: Vec::new(),
            then: None,
            linked: Linked::No,
            origin: Origin::Direct,
            cause,
        };
        if self.rng.bool() {
            self.submit(&[Command::Move(step)], Run::Real);
            return;
        }
        let origin = Origin::Branch;
        let tried = Move {
            id: attempt.as_str(),
            name: "lock",
            then: Some(("use", "unlock")),
            origin,
            ..step.clone()
        };
        let name = self.of(&["use", "unlock"]);
        if self.submit(&[Command::Move(tried)], Run::Real) {
            let confirmed = Move { id: last.as_str(), name, origin, ..step };
            assert!(self.submit(&[Command::Move(confirmed)], Run::Real));
        }
    }

    /// A chain that may fail at its second member, for good or for show.
    fn chain(&mut self) {
        let ids = [0, 1].map(|part| format!("chain-{}-{part}", self.count));
        let all = (Amount::Units(50), Take::Exactly);
        let Command::Entry(first) = entry(&ids[0], ("bank", "ann"), all) else { return };
        let first = Command::Entry(Entry { linked: Linked::ToNext, ..first });
        let second = entry(&ids[1], (self.of(&EUR), "ben"), all);
        let run = if self.rng.bool() { Run::Real } else { Run::Dry };
        self.submit(&[first, second], run);
    }

    fn of(&mut self, names: &[&'static str]) -> &'static str {
        names[self.rng.usize(0..names.len())]
    }
}

fn entry<'a>(
    id: &'a str,
    (from, to): (&'a str, &'a str),
    (amount, take): (Amount<&'a str>, Take),
) -> Command<&'a str> {
    let (linked, cause) = (Linked::No, Cause::default());
    Command::Entry(Entry { id, from, to, amount, take, expiry: Expiry::Never, refunds: None, linked, cause })
}

/// A coupon that is locked, used or unlocked, and unlocks itself after 20 s.
fn coupon() -> Machine {
    let state = |name: &str, is_final, expires| MachineState { name: name.into(), is_final, expires };
    let step = |name: &str, from: &str, to: &str, guards| MachineMove {
        name: name.into(),
        from: vec![from.into()],
        to: to.into(),
        lapsed_to: None,
        guards,
    };
    let back = Expires { to: "active".into(), lapsed_to: None, when: When::After(20_000) };
    Machine {
        name: "coupon".into(),
        initial: "active".into(),
        states: vec![
            state("active", false, None),
            state("locked", false, Some(back)),
            state("used", true, None),
        ],
        moves: vec![
            step("lock", "active", "locked", vec![Guard::Owner]),
            step("unlock", "locked", "active", Vec::new()),
            step("use", "locked", "used", Vec::new()),
        ],
    }
}

/// The event with a change; `None` where `forge` changes nothing.
pub(crate) fn forged(encoded: &[u8], forge: &dyn Fn(&mut Kept<'_>) -> bool) -> Option<Vec<u8>> {
    let mut kept = Kept::decode(encoded).ok()?;
    let mut bytes = Vec::new();
    forge(&mut kept).then(|| kept.encode(&mut bytes)).map(|()| bytes)
}
