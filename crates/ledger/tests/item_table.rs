//! Every move in every state, printed for a person to read and compared with what was agreed.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[allow(dead_code, reason = "each test binary uses some of them")]
mod items;
#[allow(dead_code, reason = "each test binary uses some of them")]
mod machines;

use std::fmt::Write as _;

use items::{World, moved, word};
use ledger::{Command, Machine, Move, Value};
use machines::{coupon, ticket};

const MONTH_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A move by the owner, who offers enough.
fn by_owner<'a>(id: &'a str, (item, name): (&'a str, &'a str)) -> Move<&'a str> {
    Move { owner: Some("u-1"), arguments: vec![("offered", Value::Text("20"))], ..moved(id, (item, name)) }
}

/// An item in a state that these moves lead to.
fn item_after(machine: &Machine, way: &[&str]) -> World {
    let mut world = World::of(std::slice::from_ref(machine));
    world.create(&machine.name, ("x", "u-1")).unwrap();
    for (index, name) in way.iter().enumerate() {
        world.one(Command::Move(by_owner(&format!("way-{index}"), ("x", name)))).unwrap();
    }
    world
}

/// A line per state and move: where it leads, or why not; then what time does, now and when the item has lapsed.
fn table(machine: &Machine, ways: &[&[&str]]) -> String {
    let mut table = String::new();
    for way in ways {
        let from = item_after(machine, way).state("x");
        for lapsed in [false, true] {
            let when = if lapsed { "lapsed" } else { "valid" };
            for name in machine.moves.iter().map(|found| &*found.name) {
                let mut world = item_after(machine, way);
                if lapsed {
                    world.now = world.now.plus_ms(3 * MONTH_MS);
                }
                let answer = world.one(Command::Move(by_owner("asked", ("x", name))));
                writeln!(table, "{from:<8} {when:<6} {name:<8} -> {:<8} {}", world.state("x"), word(&answer))
                    .unwrap();
            }
        }
        let mut world = item_after(machine, way);
        world.later_ms(MONTH_MS);
        let (soon, ends) = (world.state("x"), world.ledger.next_due());
        world.later_ms(2 * MONTH_MS);
        let rests = if ends.is_none() { ", which lasts" } else { "" };
        writeln!(table, "{from:<8} time          -> {soon}{rests}; lapsed: {}\n", world.state("x")).unwrap();
    }
    table
}

#[test]
fn every_move_of_a_coupon() {
    let ways: [&[&str]; 6] =
        [&[], &["activate"], &["activate", "lock"], &["activate", "lock", "use"], &["expire"], &["void"]];
    insta::assert_snapshot!(table(&coupon(), &ways));
}

#[test]
fn every_move_of_a_ticket() {
    let ways: [&[&str]; 3] = [&[], &["take"], &["take", "use"]];
    insta::assert_snapshot!(table(&ticket(), &ways));
}
