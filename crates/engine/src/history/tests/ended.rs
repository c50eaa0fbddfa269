//! Closed holds and final items are as their last events left them, with what only their first events say.

use ledger::{Cause, Event, HoldState, Literal, Value};
use transaction::Time;

use super::steps::{captured, held, released, reopened};
use super::world::World;
use crate::history::{RawHold, hold_at, item_at};

fn closed(state: HoldState, captured: i128, last: u64) -> RawHold {
    RawHold {
        id: "h".into(),
        state,
        accounts: (1, 2),
        amount: 100,
        captured,
        left: 0,
        expires_at: Some(Time(77)),
        owned: false,
        last,
    }
}

#[test]
fn a_closed_hold_is_as_it_ended() {
    let mut world = World::new(1);
    let first = world.push(held(false));
    let whole = world.push(captured(first, 100, (100, 0)));
    let part = world.push(captured(first, 30, (30, 70)));
    let let_go = world.push(released(part, (70, 30), false));
    let expired = world.push(released(first, (100, 0), true));
    let again = world.push(reopened(expired, (100, 0)));
    let at_last = world.push(captured(again, 100, (100, 0)));
    let owned = world.push(held(true));
    let by_branch = world.push(captured(owned, 100, (100, 0)));
    world.flush();
    let at = |position| hold_at(&world.history, position).unwrap();
    assert_eq!(at(whole), closed(HoldState::Captured, 100, whole));
    assert_eq!(at(part), RawHold { left: 70, ..closed(HoldState::Held, 30, part) });
    assert_eq!(at(let_go), closed(HoldState::Released, 30, let_go));
    assert_eq!(at(expired), closed(HoldState::Expired, 0, expired));
    let later = Some(Time(99));
    assert_eq!(at(at_last), RawHold { expires_at: later, ..closed(HoldState::Captured, 100, at_last) });
    assert_eq!(at(by_branch), RawHold { owned: true, ..closed(HoldState::Captured, 100, by_branch) });
    assert!(item_at(&world.history, whole).is_err());
}

#[test]
fn a_final_item_has_the_attributes_of_its_creation() {
    let mut world = World::new(2);
    let mut last = world.push(Event::ItemCreated {
        id: "seat",
        item: 1,
        machine: 5,
        state: 0,
        owner: Some("bob"),
        attributes: vec![
            ("row", Value::Integer(7)),
            ("view", Value::Text("sea")),
            ("vip", Value::Flag(true)),
        ],
        due: Some(Time(50)),
        cause: Cause::default(),
    });
    for version in 1..=3 {
        world.step();
        last = world.push(Event::ItemMoved {
            id: "seat",
            item: 1,
            machine: 5,
            by: Some(0),
            operation: "go",
            states: (0, version as u16),
            held: None,
            ends: version == 3,
            of: (version == 3).then_some("eve"),
            owner: None,
            arguments: Vec::new(),
            due: None,
            prev: last,
            version,
            cause: Cause::default(),
        });
    }
    world.flush();
    let item = item_at(&world.history, last).unwrap();
    let attributes = [
        ("row".into(), Literal::Integer(7)),
        ("view".into(), Literal::Text("sea".into())),
        ("vip".into(), Literal::Flag(true)),
    ];
    assert_eq!(item.attributes, attributes);
    assert_eq!((&*item.id, item.machine, item.state, item.version), ("seat", 5, 3, 3));
    assert_eq!((item.is_final, item.owner.as_deref(), item.due, item.last), (true, Some("eve"), None, last));
    assert!(hold_at(&world.history, last).is_err());
}
