//! Machines: each fault by itself with its place, all faults at once, and the diagram a person reads.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[allow(dead_code, reason = "each test binary uses some of them")]
mod machines;

use ledger::{Compare, Expires, Guard, Literal, Machine, MachineState, Operand, Quota, When, refusal};
use machines::{coupon, ended, expiring, lasting, quota, step, ticket};
use proptest::prelude::*;

/// The places and details of all faults, a line each.
fn faults(machine: &Machine) -> Vec<(String, String)> {
    let refusals = machine.check().unwrap_err();
    assert!(refusals.iter().all(|refusal| refusal.kind.code == refusal::MACHINE_INVALID.code));
    refusals.into_iter().map(|refusal| (refusal.at.unwrap(), refusal.detail)).collect()
}

/// The coupon, changed.
fn coupon_with(change: impl FnOnce(&mut Machine)) -> Machine {
    let mut machine = coupon();
    change(&mut machine);
    machine
}

/// The change makes exactly one fault: there, with these words in it.
fn one_fault(at: &str, words: &str, change: impl FnOnce(&mut Machine)) {
    let found = faults(&coupon_with(change));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, at, "{found:?}");
    assert!(found[0].1.contains(words), "{found:?}");
}

#[test]
fn machines_of_the_examples_make_sense() {
    assert_eq!(coupon().check(), Ok(()));
    assert_eq!(ticket().check(), Ok(()));
}

#[test]
fn the_diagram_of_the_coupon() {
    insta::assert_snapshot!(coupon().mermaid());
}

#[test]
fn the_diagram_of_the_ticket() {
    insta::assert_snapshot!(ticket().mermaid());
}

#[test]
fn names_that_a_diagram_cannot_hold_are_drawn_beside_it() {
    let machine = Machine {
        name: "odd".into(),
        initial: "end".into(),
        states: vec![lasting("end"), lasting("a:b/c-d"), ended("state_0")],
        moves: vec![
            step("go:on", (&["end"], "a:b/c-d"), vec![]),
            step("stop", (&["end", "a:b/c-d"], "state_0"), vec![]),
        ],
    };
    assert_eq!(machine.check(), Ok(()));
    insta::assert_snapshot!(machine.mermaid());
}

#[test]
fn a_machine_needs_a_name() {
    one_fault("/name", "the empty text is no name", |machine| machine.name = "".into());
    one_fault("/name", "a b is no name", |machine| machine.name = "a b".into());
}

#[test]
fn a_machine_needs_states() {
    let machine = Machine { name: "none".into(), initial: "a".into(), states: vec![], moves: vec![] };
    assert_eq!(faults(&machine).len(), 1);
    assert_eq!(faults(&machine)[0].0, "/states");
}

#[test]
fn states_and_moves_need_names() {
    one_fault("/states/a b", "no name of a state", |machine| {
        machine.states[0].name = "a b".into();
        machine.initial = "a b".into();
        for found in &mut machine.moves {
            found.from.iter_mut().filter(|from| ***from == *"issued").for_each(|from| *from = "a b".into());
        }
    });
    one_fault("/moves/", "the empty text is no name of a move", |machine| machine.moves[0].name = "".into());
    let long = "x".repeat(65);
    one_fault(&format!("/moves/{long}"), "no name of a move", |machine| {
        machine.moves[0].name = long[..].into();
    });
}

#[test]
fn names_are_used_once() {
    one_fault("/states/used", "two states are called used", |machine| machine.states.push(ended("used")));
    one_fault("/moves/use", "two moves are called use", |machine| {
        machine.moves.push(step("use", (&["locked"], "used"), vec![]));
    });
}

#[test]
fn the_initial_state_must_be_one_that_moves() {
    one_fault("/initial", "nowhere is no state of this machine; they are: issued,", |machine| {
        machine.initial = "nowhere".into();
    });
    let found = faults(&coupon_with(|machine| machine.initial = "used".into()));
    assert_eq!(found[0].0, "/initial");
    assert!(found[0].1.contains("used is final"), "{found:?}");
}

#[test]
fn a_state_that_nothing_leads_to() {
    one_fault("/states/lost", "no item can come to lost", |machine| machine.states.push(ended("lost")));
}

#[test]
fn two_states_that_only_lead_to_each_other_are_not_reached() {
    let found = faults(&coupon_with(|machine| {
        machine.states.extend([lasting("a"), lasting("b")]);
        machine.moves.push(step("there", (&["a"], "b"), vec![]));
        machine.moves.push(step("back", (&["b"], "a"), vec![]));
    }));
    let places: Vec<&str> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(places, ["/states/a", "/states/b"]);
}

#[test]
fn a_state_is_reached_by_time_and_by_lapse_too() {
    let machine = coupon_with(|machine| {
        machine.states.extend([ended("by_lapse"), ended("by_time"), ended("by_lapsed_time")]);
        machine.moves[2].lapsed_to = Some("by_lapse".into());
        machine.states[2].expires.as_mut().unwrap().to = "by_time".into();
        machine.states[2].expires.as_mut().unwrap().lapsed_to = Some("by_lapsed_time".into());
    });
    assert_eq!(machine.check(), Ok(()));
}

#[test]
fn a_state_without_a_way_out_must_be_final() {
    one_fault("/states/used", "mark it `final`", |machine| machine.states[3].is_final = false);
}

#[test]
fn a_final_state_does_not_move_on() {
    one_fault("/moves/use/from/1", "used is final", |machine| machine.moves[3].from.push("used".into()));
}

#[test]
fn a_final_state_does_not_expire() {
    one_fault("/states/used/expires_to", "used is final and cannot expire", |machine| {
        machine.states[3] = MachineState { is_final: true, ..expiring("used", "active", When::After(1)) };
    });
}

#[test]
fn a_state_expires_to_another_one() {
    one_fault("/states/locked/expires_to", "gone is no state", |machine| {
        machine.states[2] = expiring("locked", "gone", When::After(1));
    });
    one_fault("/states/locked/expires_to", "expires to itself", |machine| {
        machine.states[2] = expiring("locked", "locked", When::After(1));
    });
    one_fault("/states/locked/lapsed_to", "gone is no state", |machine| {
        machine.states[2].expires.as_mut().unwrap().lapsed_to = Some("gone".into());
    });
}

#[test]
fn a_state_lasts_a_while_and_not_for_ever() {
    for ms in [0, u64::MAX] {
        one_fault("/states/locked/after_ms", "at least 1", |machine| {
            machine.states[2] = expiring("locked", "active", When::After(ms));
        });
    }
    one_fault("/states/locked/at", "no name of an attribute", |machine| {
        machine.states[2] = expiring("locked", "active", When::At("".into()));
    });
}

#[test]
fn states_that_expire_at_once_do_not_go_round() {
    let round = Expires { to: "locked".into(), lapsed_to: None, when: When::At("b".into()) };
    let found = faults(&coupon_with(|machine| {
        machine.states[1].expires = Some(round.clone());
        machine.states[2].expires = Some(Expires { to: "active".into(), ..round.clone() });
    }));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].1.contains("without end"), "{found:?}");
    let rests = coupon_with(|machine| machine.states[1].expires = Some(round));
    assert_eq!(rests.check(), Ok(()), "a state that lasts some time lies between");
}

#[test]
fn a_move_leads_out_of_states_to_a_state() {
    one_fault("/moves/use/from", "at least one", |machine| {
        machine.moves[3].from.clear();
        machine.moves.push(step("consume", (&["locked"], "used"), vec![]));
    });
    one_fault("/moves/use/from/1", "gone is no state", |machine| machine.moves[3].from.push("gone".into()));
    one_fault("/moves/use/from/1", "named twice", |machine| machine.moves[3].from.push("locked".into()));
    one_fault("/moves/unlock/to", "gone is no state", |machine| machine.moves[2].to = "gone".into());
    one_fault("/moves/unlock/lapsed_to", "gone is no state", |machine| {
        machine.moves[2].lapsed_to = Some("gone".into());
    });
}

/// This guard, at the move `use`, makes one fault: there, with these words in it.
fn guard_fault(at: &str, words: &str, guard: Guard) {
    one_fault(&format!("/moves/use/guard/0{at}"), words, |machine| machine.moves[3].guards.push(guard));
}

fn compare(compare: Compare, with: Operand) -> Guard {
    Guard::Attribute { attribute: "min_order".into(), compare, with }
}

#[test]
fn quotas_count_known_states_and_bind() {
    guard_fault("/quota/states", "at least one", quota(&[], (Some(1), None)));
    guard_fault("/quota/states/1", "gone is no state", quota(&["used", "gone"], (Some(1), None)));
    guard_fault("/quota/states/1", "named twice", quota(&["used", "used"], (Some(1), None)));
    guard_fault("/quota", "needs a bound", quota(&["used"], (None, None)));
    guard_fault("/quota/per_owner", "0 would refuse", quota(&["used"], (Some(0), None)));
    guard_fault("/quota/total", "0 would refuse", quota(&["used"], (Some(1), Some(0))));
}

#[test]
fn comparisons_compare_what_has_an_order() {
    let text = |text: &str| Operand::Literal(Literal::Text(text.into()));
    guard_fault(
        "/attribute",
        "is no name",
        Guard::Attribute { attribute: "a b".into(), compare: Compare::Equal, with: text("x") },
    );
    guard_fault("/argument", "is no name", compare(Compare::Equal, Operand::Argument("".into())));
    guard_fault("/value", "no order", compare(Compare::Less, text("red")));
    guard_fault("/value", "no order", compare(Compare::AtMost, text("1e5")));
    guard_fault("/value", "no order", compare(Compare::Greater, Operand::Literal(Literal::Flag(true))));
    guard_fault("/value", "bytes of text", compare(Compare::Equal, text(&"x".repeat(257))));
    let machine = coupon_with(|machine| {
        machine.moves[3].guards = vec![
            compare(Compare::Equal, text("red")),
            compare(Compare::Unequal, Operand::Literal(Literal::Flag(true))),
            compare(Compare::AtMost, text("12.50")),
            compare(Compare::Greater, Operand::Literal(Literal::Integer(-3))),
        ];
    });
    assert_eq!(machine.check(), Ok(()));
}

#[test]
fn a_guard_is_asked_once() {
    one_fault("/moves/lock/guard/2", "asked twice", |machine| machine.moves[1].guards.push(Guard::Owner));
}

#[test]
fn sizes_are_bounded() {
    let many = |count: usize| (0..count).map(|n| lasting(&format!("s{n}"))).collect::<Vec<_>>();
    one_fault("/states", "at most 64", |machine| machine.states = many(65));
    one_fault("/moves", "at most 256", |machine| {
        machine.moves = (0..257).map(|n| step(&format!("m{n}"), (&["issued"], "active"), vec![])).collect();
    });
    one_fault("/moves/use/guard", "at most 16", |machine| machine.moves[3].guards = vec![Guard::Owner; 17]);
    one_fault("", "bytes as it is kept", |machine| {
        let states: Vec<Box<str>> = vec!["x".repeat(60).into(); 64];
        machine.moves[3].guards = (0..16)
            .map(|n| Guard::Quota(Quota { states: states.clone(), per_owner: Some(n), total: None }))
            .collect();
        machine.moves[2].guards = machine.moves[3].guards.clone();
    });
}

#[test]
fn all_faults_are_told_at_once() {
    let mut machine = coupon();
    machine.initial = "start".into();
    machine.states.push(lasting("a/b"));
    machine.states[2] = expiring("locked", "gone", When::After(0));
    machine.moves[3].from = vec!["used".into()];
    machine.moves[1].guards.push(quota(&["a/b"], (None, Some(0))));
    let found: Vec<String> = faults(&machine).iter().map(|(at, detail)| format!("{at}: {detail}")).collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn comparisons_are_read_as_they_are_written() {
    for compare in Compare::ALL {
        assert_eq!(Compare::read(compare.sign()), Some(compare));
    }
    assert_eq!(Compare::read("=<"), None);
}

proptest! {
    /// Whatever is declared is answered with faults or taken; drawing it never stops.
    #[test]
    fn no_machine_is_too_odd_to_be_judged(
        names in prop::collection::vec("[a-c:/ #]{0,3}", 1..6),
        ways in prop::collection::vec((0usize..6, 0usize..6, any::<bool>()), 0..8),
        finals in prop::collection::vec(any::<bool>(), 6),
    ) {
        let name = |index: usize| names[index % names.len()].as_str();
        let machine = Machine {
            name: name(0).into(),
            initial: name(1).into(),
            states: (0..names.len())
                .map(|index| MachineState { is_final: finals[index], ..lasting(name(index)) })
                .collect(),
            moves: ways
                .iter()
                .map(|(from, to, owner)| {
                    step(name(from + to), (&[name(*from)], name(*to)), if *owner { vec![Guard::Owner] } else { vec![] })
                })
                .collect(),
        };
        if let Err(found) = machine.check() {
            prop_assert!(!found.is_empty() && found.iter().all(|refusal| !refusal.detail.is_empty()));
        }
        prop_assert_eq!(machine.mermaid(), machine.clone().mermaid());
    }
}
