//! The steps of holds and items over pages, and how threads that lead nowhere end.

use ledger::{Cause, Event, Leg, NONE};
use transaction::Time;

use super::world::World;
use crate::HistoryQuery;
use crate::history::{RawOf, RawSteps, steps};

fn leg(account: u32) -> Leg {
    Leg { account, version: 1, posted: 5, held: 5, prev: NONE, skip: NONE }
}

pub(super) fn held(owned: bool) -> Event<'static> {
    Event::Held {
        id: "h",
        hold: 1,
        amount: 100,
        from: leg(1),
        to: 2,
        incoming: 100,
        expires_at: Some(Time(77)),
        owned,
        lots: Vec::new(),
        cause: Cause { operator: Some("ann"), ..Cause::default() },
    }
}

pub(super) fn captured(prev: u64, amount: i128, so_far: (i128, i128)) -> Event<'static> {
    Event::Captured {
        id: "h",
        hold: 1,
        capture: "c",
        amount,
        so_far,
        prev,
        from: leg(1),
        to: leg(2),
        incoming: 0,
        scale: 2,
        lots: (Vec::new(), Vec::new()),
        cause: Cause::default(),
    }
}

pub(super) fn released(prev: u64, (amount, captured): (i128, i128), expired: bool) -> Event<'static> {
    Event::Released {
        id: "h",
        hold: 1,
        expired,
        amount,
        captured,
        prev,
        from: leg(1),
        to: 2,
        incoming: 0,
        scale: 2,
        owned: false,
        lots: Vec::new(),
        cause: Cause::default(),
    }
}

pub(super) fn reopened(prev: u64, (amount, captured): (i128, i128)) -> Event<'static> {
    Event::Reopened {
        id: "h",
        hold: 9,
        reopen: "again",
        amount,
        captured,
        prev,
        from: leg(1),
        to: 2,
        incoming: 0,
        expires_at: Some(Time(99)),
        lots: Vec::new(),
        cause: Cause::default(),
    }
}

fn ask(world: &World, last: u64, limit: usize, cursor: Option<&str>) -> RawSteps {
    let query = HistoryQuery { limit, cursor: cursor.map(str::to_owned), ..HistoryQuery::default() };
    steps(&world.history, last, &query).unwrap().unwrap()
}

/// A hold that was captured in parts, expired, was reopened and captured to the end, among events of others.
fn hold(world: &mut World) -> u64 {
    let mut last = world.push(held(false));
    for part in 1..=6 {
        world.step();
        last = world.push(captured(last, 10, (10 * part, 100 - 10 * part)));
    }
    last = world.push(released(last, (40, 60), true));
    world.step();
    last = world.push(reopened(last, (40, 60)));
    last = world.push(captured(last, 40, (100, 0)));
    world.flush();
    last
}

#[test]
fn a_hold_tells_its_steps_from_the_beginning_over_pages() {
    let mut world = World::after(1, 50);
    let last = hold(&mut world);
    let names = [
        "held", "captured", "captured", "captured", "captured", "captured", "captured", "expired",
        "reopened", "captured",
    ];
    let amounts = [100, 10, 10, 10, 10, 10, 10, 40, 40, 40];
    for limit in [1, 3, 9, 10, 100] {
        let (mut told, mut cursor) = (Vec::new(), None);
        loop {
            let page = ask(&world, last, limit, cursor.as_deref());
            assert!(!page.steps.is_empty() && page.steps.len() <= limit);
            told.extend(page.steps);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(told.iter().map(|step| step.event).collect::<Vec<_>>(), names);
        let expected = amounts.map(|amount| RawOf::Hold { amount, account: 1 });
        assert_eq!(told.iter().map(|step| step.of).collect::<Vec<_>>(), expected);
        assert!(told.is_sorted_by_key(|step| step.sequence));
        let operations: Vec<_> = told.iter().map(|step| step.operation.as_deref()).collect();
        assert_eq!(
            (operations[0], operations[1], operations[7], operations[8]),
            (None, Some("c"), None, Some("again"))
        );
        assert_eq!(told[0].cause.operator.as_deref(), Some("ann"));
    }
}

#[test]
fn an_item_tells_its_moves_and_who_made_them() {
    let mut world = World::new(2);
    let created = Event::ItemCreated {
        id: "i",
        item: 1,
        machine: 5,
        state: 0,
        owner: Some("bob"),
        attributes: Vec::new(),
        due: None,
        cause: Cause::default(),
    };
    let mut last = world.push(created);
    for (version, by, operation) in [(1, Some(3), "pay"), (2, None, "")] {
        last = world.push(Event::ItemMoved {
            id: "i",
            item: 1,
            machine: 5,
            by,
            operation,
            states: (version as u16 - 1, version as u16),
            held: None,
            ends: version == 2,
            of: None,
            owner: by.map(|_| "eve"),
            arguments: Vec::new(),
            due: None,
            prev: last,
            version,
            cause: Cause::default(),
        });
    }
    world.flush();
    let told: Vec<_> = ask(&world, last, 10, None).steps;
    let told: Vec<_> = told
        .iter()
        .map(|step| (step.event, step.operation.as_deref(), step.owner.as_deref(), step.of))
        .collect();
    let item = |by, states| RawOf::Item { machine: 5, by, states };
    let expected = [
        ("created", None, Some("bob"), item(None, (None, 0))),
        ("moved", Some("pay"), Some("eve"), item(Some(3), (Some(0), 1))),
        ("expired", None, None, item(None, (Some(1), 2))),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_cursor_of_another_hold_is_refused_and_a_thread_that_leads_nowhere_is_a_fault() {
    let mut world = World::new(3);
    let (one, two) = (hold(&mut world), hold(&mut world));
    let cursor = ask(&world, one, 2, None).next.unwrap();
    for wrong in [&cursor[..], "s0", "s", "0", "o5", "sffffffffffffffff"] {
        let query = HistoryQuery { limit: 5, cursor: Some(wrong.to_owned()), ..HistoryQuery::default() };
        // The first hold begins at 0, so that position is one of its own, not of the second's.
        let refusal = steps(&world.history, two, &query).unwrap().unwrap_err();
        assert_eq!(refusal.kind.code, "cursor_invalid", "{wrong}");
    }
    let circle = world.history.end();
    world.push(released(circle, (1, 1), false));
    let broken = world.push(reopened(NONE, (1, 1)));
    world.flush();
    for last in [circle, broken] {
        assert!(steps(&world.history, last, &HistoryQuery::default()).is_err());
    }
    world.step();
    world.flush();
}
