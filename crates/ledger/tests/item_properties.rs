//! Random machines, items and moves against the naive model; every history replayed, from nothing and from pages.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod item_model;
#[allow(dead_code, reason = "each test binary uses some of them")]
mod items;
#[allow(dead_code, reason = "each test binary uses some of them")]
mod machines;

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;
use item_model::Model;
use items::{JUNE, KEYS, World, created, moved, word};
use ledger::{
    Command, Compare, Create, Expires, Guard, Known, Literal, Machine, MachineState, Move, Operand, Origin,
    PageId, Run, Value, When,
};
use machines::{ended, lasting, quota, step};

const STATES: [&str; 5] = ["a", "b", "c", "d", "e"];
const MOVES: [&str; 6] = ["go", "turn", "stop", "rest", "lead", "end"];
const OWNERS: [Option<&str>; 4] = [None, Some("u-1"), Some("u-1"), Some("u-2")];
const SIZES: [Value<&str>; 6] = [
    Value::Text("1.5"),
    Value::Text("1.50"),
    Value::Text("10"),
    Value::Integer(2),
    Value::Text("red"),
    Value::Flag(true),
];
/// Within the minute that the model can tell apart.
const TIMES: [&str; 5] = [
    "2026-06-01T00:00:03Z",
    "2026-06-01T00:00:08Z",
    "2026-06-01T00:00:15Z",
    "2026-06-01T00:00:25Z",
    "2026-06-01T00:00:40Z",
];

fn pick<T: Copy>(random: &mut Rng, from: &[T]) -> T {
    from[random.usize(..from.len())]
}

fn guard(random: &mut Rng, states: &[&str]) -> Guard {
    let bound = |random: &mut Rng| random.bool().then(|| random.u32(1..4));
    match random.u8(..6) {
        0 => Guard::WithinValidity,
        1 => Guard::Owner,
        2 | 3 => {
            let counted: Vec<&str> = states.iter().copied().filter(|_| random.bool()).collect();
            quota(&counted, (bound(random), bound(random)))
        }
        _ => Guard::Attribute {
            attribute: "size".into(),
            compare: pick(random, &Compare::ALL),
            with: match random.u8(..4) {
                0 => Operand::Literal(Literal::Text("1.5".into())),
                1 => Operand::Literal(Literal::Integer(2)),
                _ => Operand::Argument("size".into()),
            },
        },
    }
}

/// A machine that makes sense: odd ones are thrown away.
fn machine(random: &mut Rng, name: &str) -> Machine {
    loop {
        let states = &STATES[..random.usize(2..=5)];
        let some = |random: &mut Rng, one_in: u8| {
            (random.u8(..one_in) == 0).then(|| Box::from(pick(random, states)))
        };
        let mut machine = Machine {
            name: name.into(),
            initial: (pick(random, states)).into(),
            states: vec![],
            moves: vec![],
        };
        for state in states {
            machine.states.push(match random.u8(..4) {
                0 => ended(state),
                1 => MachineState {
                    expires: Some(Expires {
                        to: (pick(random, states)).into(),
                        lapsed_to: some(random, 2),
                        when: match random.u8(..3) {
                            0 => When::At("valid_until".into()),
                            1 => When::At("opens".into()),
                            _ => When::After(random.u64(1..9) * 1000),
                        },
                    }),
                    ..lasting(state)
                },
                _ => lasting(state),
            });
        }
        for name in &MOVES[..random.usize(1..=6)] {
            let from: Vec<&str> = states.iter().copied().filter(|_| random.u8(..3) < 2).collect();
            let guards = (0..random.u8(..3)).map(|_| guard(random, states)).collect();
            let lapsed_to = some(random, 3);
            let mut found = step(name, (&from, pick(random, states)), guards);
            found
                .from
                .retain(|from| !machine.states.iter().any(|state| state.is_final && state.name == *from));
            machine.moves.push(ledger::MachineMove { lapsed_to, ..found });
        }
        if machine.check().is_ok() {
            return machine;
        }
    }
}

/// A world and the model beside it.
struct Both {
    world: World,
    model: Model,
    /// The newest of each page, as a checkpoint keeps them.
    pages: BTreeMap<PageId, (u64, Vec<u8>)>,
    /// Where the sweep under way began, and the last complete one.
    sweeps: (Option<u64>, u64),
}

impl Both {
    fn declare(&mut self, machine: &Machine) {
        assert_eq!(word(&self.world.declare(machine)), self.model.declare(machine));
    }

    fn command(&mut self, random: &mut Rng, asked: &Command<&str>) -> &'static str {
        if random.u8(..4) == 0 {
            let before = self.world.replayed(&BTreeMap::new(), 0);
            let dry = self.world.carry(std::slice::from_ref(asked), Run::Dry);
            assert_eq!(self.world.ledger.differences(&before, 3), Vec::<String>::new());
            let real = self.world.carry(std::slice::from_ref(asked), Run::Real);
            assert_eq!(dry, real);
            return self.modelled(asked, word(&real[0]));
        }
        let answer = self.world.one(asked.clone());
        self.modelled(asked, word(&answer))
    }

    fn modelled(&mut self, asked: &Command<&str>, answered: &'static str) -> &'static str {
        let expected = match asked {
            Command::Create(create) => self.model.create(create),
            Command::Move(step) => self.model.step(step),
            other => panic!("{other:?}"),
        };
        assert_eq!(answered, expected, "{asked:?}");
        answered
    }

    fn pass(&mut self, seconds: u64) {
        self.model.now += seconds as i64;
        self.model.fall_due();
        self.world.later_ms(seconds * 1000);
    }

    fn compare(&self) {
        for (id, expected) in &self.model.items {
            assert_eq!(self.world.state(id), expected.state, "{id}");
            let Some(item) = self.world.ledger.item(id) else { continue };
            assert!(!item.is_final, "{id} left memory");
            assert_eq!(item.owner.as_deref(), expected.owner.as_deref());
            assert_eq!(item.machine.1 as usize, expected.version);
            assert_eq!(item.version, expected.moves);
            assert_eq!(item.held, expected.held.is_some());
            let due = item.due.map(|due| (due.0 - JUNE.0) / 1_000_000);
            assert_eq!(due, expected.due, "{id} {expected:?}");
        }
    }

    /// A few pages of a checkpoint, as they stand now.
    fn sweep(&mut self, pages: usize) {
        let end = self.world.end();
        if self.sweeps.0.is_none() {
            self.world.ledger.begin_sweep();
            self.sweeps.0 = Some(end);
        }
        for _ in 0..pages {
            let mut bytes = Vec::new();
            match self.world.ledger.next_page(&mut bytes) {
                Some(page) => drop(self.pages.insert(page, (end, bytes))),
                None => {
                    self.sweeps.1 = self.sweeps.0.take().unwrap_or(0);
                    return;
                }
            }
        }
    }

    /// The history makes the same state, from nothing and from the pages; and the same index of ids.
    fn replay(&self) {
        for again in
            [self.world.replayed(&BTreeMap::new(), 0), self.world.replayed(&self.pages, self.sweeps.1)]
        {
            assert_eq!(self.world.ledger.differences(&again, 3), Vec::<String>::new());
            assert_eq!(again.next_due(), self.world.ledger.next_due());
        }
        let mut known = HashMap::<u64, Known>::new();
        for (position, event) in &self.world.book.kept {
            let mut learn = |hash, fact| {
                known.insert(hash, fact);
            };
            ledger::learnt(KEYS, event, *position, &mut learn).unwrap();
        }
        assert_eq!(known, self.world.book.known);
    }
}

fn attributes(random: &mut Rng) -> Vec<(&'static str, Value<&'static str>)> {
    let mut attributes = Vec::new();
    for key in ["opens", "size", "valid_from", "valid_until"] {
        if random.u8(..3) > 0 {
            let value = match key {
                "size" => pick(random, &SIZES),
                "valid_from" => Value::Text(TIMES[0]),
                "valid_until" => Value::Text(pick(random, &TIMES[1..])),
                _ => Value::Text(pick(random, &TIMES)),
            };
            attributes.push((key, value));
        }
    }
    attributes
}

/// One command, made up.
fn ask<'a>(random: &mut Rng, ids: &'a [String]) -> Command<&'a str> {
    let item = ids[random.usize(..8)].as_str();
    if random.u8(..4) == 0 {
        let machine = if random.u8(..20) == 0 { "none" } else { pick(random, &["m-0", "m-1"]) };
        let owner = pick(random, &OWNERS);
        return Command::Create(Create { attributes: attributes(random), ..created(machine, item, owner) });
    }
    let asked = Move {
        owner: pick(random, &OWNERS),
        arguments: if random.bool() { vec![("size", pick(random, &SIZES))] } else { vec![] },
        ..moved(&ids[random.usize(8..ids.len())], (item, pick(random, &MOVES)))
    };
    let branches = ["t/1/try", "t/1/end", "t/2/try", "t/2/end", "t/1/late"];
    Command::Move(match random.u8(..4) {
        0 => Move {
            then: Some((pick(random, &MOVES), pick(random, &MOVES))),
            ..by_branch(asked, pick(random, &branches))
        },
        1 => by_branch(asked, pick(random, &branches)),
        _ => asked,
    })
}

fn by_branch<'a>(asked: Move<&'a str>, id: &'a str) -> Move<&'a str> {
    Move { id, origin: Origin::Branch, ..asked }
}

/// One history; answers how often each word came.
fn history(seed: u64, words: &mut BTreeMap<&'static str, u32>) {
    let mut random = Rng::with_seed(seed);
    let mut both =
        Both { world: World::of(&[]), model: Model::default(), pages: BTreeMap::new(), sweeps: (None, 0) };
    let ids: Vec<String> = (0..40).map(|n| format!("x-{n}")).collect();
    for name in ["m-0", "m-1"] {
        let machine = machine(&mut random, name);
        both.declare(&machine);
    }
    let mut asked: Vec<Command<&str>> = Vec::new();
    for _ in 0..80 {
        match random.u8(..20) {
            0 => {
                let machine = machine(&mut random, "m-0");
                both.declare(&machine);
            }
            1..=3 => both.pass(random.u64(..4)),
            4..=6 => both.sweep(random.usize(..5)),
            7 if !asked.is_empty() => {
                let again = asked[random.usize(..asked.len())].clone();
                *words.entry(both.command(&mut random, &again)).or_default() += 1;
            }
            _ => {
                let command = ask(&mut random, &ids);
                *words.entry(both.command(&mut random, &command)).or_default() += 1;
                asked.push(command);
            }
        }
        both.compare();
    }
    both.replay();
}

#[test]
fn random_histories_are_as_the_model_says() {
    let mut words = BTreeMap::new();
    for seed in 0..250 {
        // Told when one fails.
        println!("seed {seed}");
        history(seed, &mut words);
    }
    // A generator that never reaches a rule proves nothing about it.
    for word in [
        "created",
        "moved",
        "duplicate",
        "id_mismatch",
        "item_held",
        "guard_refused",
        "move_undeclared",
        "item_unknown",
    ] {
        assert!(words.get(word).is_some_and(|count| *count > 50), "{word} came too rarely: {words:?}");
    }
}
