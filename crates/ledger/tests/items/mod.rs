//! A ledger with a book in memory, for tests of items: commands in words, time moved by hand.

use std::collections::{BTreeMap, HashMap};

use ledger::{
    Batch, Book, Cause, Command, Create, Declare, HEAD, Kept, Keys, Known, Ledger, Linked, Machine, Move,
    Origin, Outcome, Place, Results, Run, Value,
};
use transaction::{Refusal, Time};

/// The keys of every test.
pub(crate) const KEYS: Keys = Keys(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);

/// Midnight of 2026-06-01.
pub(crate) const JUNE: Time = Time(1_780_272_000_000_000);

/// Keeps events in memory.
#[derive(Default)]
pub(crate) struct Memory {
    /// Every event with its position.
    pub(crate) kept: Vec<(u64, Vec<u8>)>,
    end: u64,
    pub(crate) known: HashMap<u64, Known>,
    undo: Vec<(u64, Option<Known>)>,
    marks: Vec<(usize, u64, usize)>,
}

impl Book for Memory {
    fn place(&self) -> Place {
        Place { sequence: self.kept.len() as u64, position: self.end }
    }

    fn keep(&mut self, event: &[u8]) {
        self.kept.push((self.end, event.to_vec()));
        self.end += HEAD + event.len() as u64;
    }

    fn known(&self, hash: u64) -> Option<Known> {
        self.known.get(&hash).copied()
    }

    fn learn(&mut self, hash: u64, known: Known) {
        self.undo.push((hash, self.known.insert(hash, known)));
    }

    fn mark(&mut self) -> u64 {
        self.marks.push((self.kept.len(), self.end, self.undo.len()));
        self.marks.len() as u64
    }

    fn roll_back(&mut self, mark: u64) {
        let (kept, end, undo) = self.marks[mark as usize - 1];
        self.marks.truncate(mark as usize - 1);
        self.kept.truncate(kept);
        self.end = end;
        for (hash, before) in self.undo.drain(undo..).rev() {
            match before {
                Some(known) => self.known.insert(hash, known),
                None => self.known.remove(&hash),
            };
        }
    }

    fn recall(&self, position: u64) -> Option<&[u8]> {
        self.kept.iter().find(|(at, _)| *at == position).map(|(_, event)| event.as_slice())
    }
}

/// A ledger, its book and the time.
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) book: Memory,
    pub(crate) now: Time,
}

/// What became of one command.
pub(crate) type Answer = Result<Outcome, Box<Refusal>>;

impl World {
    /// With these machines, in June.
    pub(crate) fn of(machines: &[Machine]) -> World {
        let mut world = World { ledger: Ledger::new(KEYS), book: Memory::default(), now: JUNE };
        for machine in machines {
            world.declare(machine).unwrap();
        }
        world
    }

    /// Carries out commands as one batch.
    pub(crate) fn carry(&mut self, commands: &[Command<&str>], run: Run) -> Results {
        let mut batch = Batch::new();
        for command in commands {
            batch.push(command);
        }
        self.ledger.carry_out(&batch, run, (&mut self.book, self.now))
    }

    /// Carries out one command.
    pub(crate) fn one(&mut self, command: Command<&str>) -> Answer {
        self.carry(&[command], Run::Real).remove(0)
    }

    pub(crate) fn declare(&mut self, machine: &Machine) -> Answer {
        self.one(Command::Declare(Declare { machine: Box::new(machine.clone()), cause: Cause::default() }))
    }

    /// Creates an item that is valid in June and July of 2026.
    pub(crate) fn create(&mut self, machine: &str, (id, owner): (&str, &str)) -> Answer {
        let attributes = vec![
            ("price", Value::Text("12.50")),
            ("valid_from", Value::Text("2026-06-01T00:00:00Z")),
            ("valid_until", Value::Text("2026-08-01T00:00:00Z")),
        ];
        self.one(Command::Create(Create { attributes, ..created(machine, id, Some(owner)) }))
    }

    pub(crate) fn step(&mut self, id: &str, (item, name): (&str, &str)) -> Answer {
        self.one(Command::Move(moved(id, (item, name))))
    }

    /// Lets time go by, and what falls due happen.
    pub(crate) fn later_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        while self.ledger.fall_due(10, (&mut self.book, self.now)) == 10 {}
    }

    /// The item's state, or how it ended.
    pub(crate) fn state(&self, item: &str) -> String {
        match self.ledger.item(item) {
            Some(item) => item.state.into(),
            None => self.ended(item).unwrap_or_else(|| "unknown".into()),
        }
    }

    /// The last state of an item that left memory, by its last event.
    fn ended(&self, item: &str) -> Option<String> {
        let known = self.book.known(self.ledger.hash(ledger::Space::ItemEnd, "", item))?;
        let kept = Kept::decode(self.book.recall(known.position)?).unwrap();
        let ledger::Event::ItemMoved { id, machine, states, ends: true, .. } = kept.event else {
            return None;
        };
        assert_eq!(id, item);
        Some(self.ledger.machine_of(machine)?.machine.states[usize::from(states.1)].name.to_string())
    }

    /// A fresh ledger that took in everything kept from `from` on, after these pages.
    pub(crate) fn replayed(&self, pages: &BTreeMap<ledger::PageId, (u64, Vec<u8>)>, from: u64) -> Ledger {
        let mut ledger = Ledger::new(KEYS);
        for (page, (position, bytes)) in pages {
            ledger.load_page(*page, *position, bytes).unwrap();
        }
        for (position, event) in self.book.kept.iter().filter(|(position, _)| *position >= from) {
            ledger.apply(&Kept::decode(event).unwrap(), *position);
        }
        ledger.loaded();
        ledger
    }

    /// The position behind all that is kept.
    pub(crate) fn end(&self) -> u64 {
        self.book.end
    }
}

/// An item to be created, without attributes.
pub(crate) fn created<'a>(machine: &'a str, id: &'a str, owner: Option<&'a str>) -> Create<&'a str> {
    Create { id, machine, owner, attributes: vec![], linked: Linked::No, cause: Cause::default() }
}

/// A move asked for by nobody in particular, without arguments.
pub(crate) fn moved<'a>(id: &'a str, (item, name): (&'a str, &'a str)) -> Move<&'a str> {
    Move {
        id,
        item,
        name,
        owner: None,
        arguments: vec![],
        then: None,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    }
}

/// The word of what became of a command: what was done, or the code of the refusal.
pub(crate) fn word(answer: &Answer) -> &'static str {
    match answer {
        Ok(outcome) => outcome.done.name(),
        Err(refusal) => refusal.kind.code,
    }
}

/// The code and the detail of a refusal.
pub(crate) fn refused(answer: Answer) -> (&'static str, String) {
    let refusal = answer.unwrap_err();
    (refusal.kind.code, format!("{} {}", refusal.at.unwrap_or_default(), refusal.detail))
}

/// A coupon that is active, of `u-1`.
pub(crate) fn active() -> World {
    let mut world = World::of(&[crate::machines::coupon()]);
    world.create("coupon", ("c-1", "u-1")).unwrap();
    world.step("a", ("c-1", "activate")).unwrap();
    world
}

/// A move on somebody's behalf.
pub(crate) fn by<'a>(owner: Option<&'a str>, id: &'a str, way: (&'a str, &'a str)) -> Command<&'a str> {
    Command::Move(Move { owner, ..moved(id, way) })
}

/// A branch's operation: `t/b/try` with the moves of confirm and cancel, or one of these two.
pub(crate) fn branch<'a>(
    id: &'a str,
    way: (&'a str, &'a str),
    then: Option<(&'a str, &'a str)>,
) -> Command<&'a str> {
    Command::Move(Move { origin: Origin::Branch, owner: Some("u-1"), then, ..moved(id, way) })
}
