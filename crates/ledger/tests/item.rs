//! Items: creation, moves, guards, timed moves, repeats, machines that are declared.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[allow(dead_code, reason = "each test binary uses some of them")]
mod items;
#[allow(dead_code, reason = "each test binary uses some of them")]
mod machines;

use items::{JUNE, World, active, by, created, moved, refused, word};
use ledger::{
    Command, Compare, Create, Expires, Guard, Literal, Machine, MachineState, Move, Operand, Run, Value, When,
};
use machines::{coupon, ended, expiring, lasting, step, ticket, voucher};

const MONTH_MS: u64 = 30 * 24 * 60 * 60 * 1000;

#[test]
fn a_coupon_is_used_once_whoever_asks() {
    let mut world = active();
    world.one(by(Some("u-1"), "lock", ("c-1", "lock"))).unwrap();
    let ids: Vec<String> = (0..100).map(|n| format!("use-{n}")).collect();
    let uses: Vec<Command<&str>> = ids.iter().map(|id| Command::Move(moved(id, ("c-1", "use")))).collect();
    let results = world.carry(&uses, Run::Real);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results[1..].iter().all(|result| word(result) == "move_undeclared"));
    assert_eq!(world.state("c-1"), "used");
    assert_eq!(world.ledger.item("c-1"), None, "what has ended leaves memory");
    let (code, why) = refused(world.step("back", ("c-1", "activate")));
    assert_eq!(code, "move_undeclared");
    assert_eq!(why, "/move coupon version 1 has no move activate from used: that state is final");
}

#[test]
fn an_undeclared_move_says_what_is_declared() {
    let mut world = active();
    let (code, why) = refused(world.step("m", ("c-1", "use")));
    assert_eq!(
        (code, why.as_str()),
        (
            "move_undeclared",
            "/move coupon version 1 has no move use from active; from there it has lock, expire, void"
        )
    );
    let (code, why) = refused(world.step("m", ("c-1", "fly\n")));
    assert_eq!(code, "move_undeclared");
    assert!(why.contains("no move fly\\n from"), "{why}");
    assert_eq!(world.ledger.item("c-1").unwrap().version, 1, "nothing has changed");
}

#[test]
fn repeats_are_told_from_mismatches_also_when_the_item_has_ended() {
    let mut world = active();
    assert_eq!(word(&world.create("coupon", ("c-1", "u-1"))), "duplicate");
    assert_eq!(word(&world.create("coupon", ("c-1", "u-2"))), "id_mismatch");
    assert_eq!(word(&world.step("a", ("c-1", "activate"))), "duplicate");
    assert_eq!(word(&world.step("a", ("c-1", "void"))), "id_mismatch");
    assert_eq!(word(&world.step("v", ("c-1", "void"))), "moved");
    let kept = world.book.kept.len();
    assert_eq!(word(&world.create("coupon", ("c-1", "u-1"))), "duplicate");
    assert_eq!(word(&world.create("coupon", ("c-1", "u-2"))), "id_mismatch");
    assert_eq!(word(&world.step("v", ("c-1", "void"))), "duplicate");
    assert_eq!(word(&world.step("a", ("c-1", "activate"))), "duplicate");
    assert_eq!(word(&world.step("v", ("c-1", "expire"))), "id_mismatch");
    assert_eq!(word(&world.step("w", ("c-1", "void"))), "move_undeclared");
    assert_eq!(world.book.kept.len(), kept, "nothing was kept for them");
}

#[test]
fn an_operation_is_unique_for_its_item_only() {
    let mut world = active();
    world.create("coupon", ("c-2", "u-1")).unwrap();
    assert_eq!(word(&world.step("a", ("c-2", "activate"))), "moved");
}

#[test]
fn what_is_unknown_is_refused() {
    let mut world = active();
    assert_eq!(refused(world.step("m", ("c-9", "use"))).0, "item_unknown");
    assert_eq!(refused(world.create("voucher", ("v", "u"))).0, "machine_unknown");
}

#[test]
fn malformed_words_are_refused() {
    let mut world = active();
    let many: Vec<String> = (0..33).map(|n| format!("k{n:02}")).collect();
    let long = "x".repeat(1025);
    let values = [
        vec![("a b", Value::Integer(1))],
        many.iter().map(|key| (key.as_str(), Value::Flag(true))).collect(),
        vec![("a", Value::Text(long.as_str()))],
        vec![("a", Value::Integer(1)), ("a", Value::Integer(2))],
        vec![("b", Value::Integer(1)), ("a", Value::Integer(2))],
    ];
    for values in values {
        let create = Create { attributes: values.clone(), ..created("coupon", "c-2", None) };
        assert_eq!(refused(world.one(Command::Create(create))).0, "item_invalid");
        let step = Move { arguments: values, ..moved("m", ("c-1", "void")) };
        assert_eq!(refused(world.one(Command::Move(step))).0, "item_invalid");
    }
    for attribute in ["valid_from", "valid_until"] {
        for value in [Value::Text("tomorrow"), Value::Text("2026-06-01"), Value::Integer(7)] {
            let create = Create { attributes: vec![(attribute, value)], ..created("coupon", "c-2", None) };
            let (code, why) = refused(world.one(Command::Create(create)));
            assert_eq!(code, "item_invalid");
            assert!(why.starts_with(&format!("/attributes/{attribute} ")), "{why}");
        }
    }
    let ends_before = vec![
        ("valid_from", Value::Text("2026-06-02T00:00:00+02:00")),
        ("valid_until", Value::Text("2026-06-01T22:00:00Z")),
    ];
    let create = Create { attributes: ends_before, ..created("coupon", "c-2", None) };
    assert_eq!(refused(world.one(Command::Create(create))).0, "item_invalid");
    assert_eq!(refused(world.create("coupon", ("a b", "u"))).0, "id_invalid");
    assert_eq!(refused(world.create("coupon", ("c-2", ""))).0, "id_invalid");
    assert_eq!(refused(world.step("", ("c-1", "void"))).0, "id_invalid");
    assert_eq!(refused(world.one(by(Some("ü"), "m", ("c-1", "void")))).0, "id_invalid");
    let held = Command::Move(Move { then: Some(("use", "unlock")), ..moved("m", ("c-1", "lock")) });
    assert_eq!(refused(world.one(held)).0, "item_invalid");
}

#[test]
fn validity_begins_and_ends_at_its_moments() {
    let lock = |world: &mut World, id| world.one(by(Some("u-1"), id, ("c-1", "lock")));
    let until = JUNE.plus_ms(61 * 24 * 60 * 60 * 1000);
    for (now, holds) in [(JUNE.0 - 1, false), (JUNE.0, true), (until.0 - 1, true), (until.0, false)] {
        let mut world = active();
        world.now.0 = now;
        let answer = lock(&mut world, "l");
        assert_eq!(word(&answer), if holds { "moved" } else { "guard_refused" }, "{now}");
    }
    let mut world = active();
    world.now = until;
    let (_, why) = refused(lock(&mut world, "l"));
    assert_eq!(why, r#" lock: within_validity: the item was valid until "2026-08-01T00:00:00Z""#);
}

#[test]
fn an_item_without_times_is_always_valid() {
    let mut world = World::of(&[coupon()]);
    world.one(Command::Create(created("coupon", "c-1", Some("u-1")))).unwrap();
    world.step("a", ("c-1", "activate")).unwrap();
    assert_eq!(word(&world.one(by(Some("u-1"), "l", ("c-1", "lock")))), "moved");
}

#[test]
fn only_the_owner_passes_the_guard_for_owners() {
    let mut world = active();
    let (code, why) = refused(world.one(by(Some("u-2"), "l", ("c-1", "lock"))));
    assert_eq!((code, why.as_str()), ("guard_refused", " lock: owner: the item belongs to u-1, not to u-2"));
    assert_eq!(refused(world.one(by(None, "l", ("c-1", "lock")))).0, "guard_refused");
    assert_eq!(word(&world.one(by(Some("u-1"), "l", ("c-1", "lock")))), "moved");
    world.one(Command::Create(created("coupon", "c-2", None))).unwrap();
    world.step("a", ("c-2", "activate")).unwrap();
    assert_eq!(
        refused(world.one(by(Some("u-1"), "l", ("c-2", "lock")))).0,
        "guard_refused",
        "nobody owns it"
    );
}

/// A machine whose one move has this guard.
fn guarded(guard: Guard) -> Machine {
    Machine {
        name: "gate".into(),
        initial: "out".into(),
        states: vec![lasting("out"), ended("in")],
        moves: vec![step("enter", (&["out"], "in"), vec![guard])],
    }
}

/// Whether the guard lets an item with this attribute pass, asked with this argument.
fn passes(compare: Compare, attribute: Value<&str>, argument: Value<&str>) -> bool {
    let literal = match argument {
        Value::Text(text) => Literal::Text(text.into()),
        Value::Integer(number) => Literal::Integer(number),
        Value::Flag(flag) => Literal::Flag(flag),
    };
    let with = [Operand::Argument("asked".into()), Operand::Literal(literal)];
    let passed = with.map(|with| {
        let by_argument = matches!(with, Operand::Argument(_));
        let machine = guarded(Guard::Attribute { attribute: "size".into(), compare, with });
        if !by_argument && machine.check().is_err() {
            return None; // Literals without an order are refused when the machine is declared.
        }
        let mut world = World::of(&[machine]);
        let create = Create { attributes: vec![("size", attribute)], ..created("gate", "g", None) };
        world.one(Command::Create(create)).unwrap();
        let step = Move { arguments: vec![("asked", argument)], ..moved("m", ("g", "enter")) };
        Some(word(&world.one(Command::Move(step))) == "moved")
    });
    assert_eq!(passed[1].unwrap_or(false), passed[0].unwrap(), "an argument compares as a literal does");
    passed[0].unwrap()
}

#[test]
fn attributes_compare_as_exact_decimals_or_as_texts() {
    use Compare::{AtLeast, AtMost, Equal, Greater, Less, Unequal};
    use Value::{Flag, Integer, Text};
    // Less than, equal, greater than; what has no order passes none of the four with one.
    let ordered = [
        (Text("9.99"), Text("10"), [true, true, false, true, false, false]),
        (Text("12.50"), Text("12.5"), [false, true, true, false, true, false]),
        (Integer(12), Text("12.00"), [false, true, true, false, true, false]),
        (Integer(-1), Integer(-2), [false, false, false, true, true, true]),
        (
            Text("340282366920938463463374607431768211457"),
            Text("340282366920938463463374607431768211456"),
            [false, false, false, true, true, true],
        ),
        (Text("red"), Text("red"), [false, false, true, false, false, false]),
        (Text("red"), Text("blue"), [false, false, false, true, false, false]),
        (Text("007"), Text("7"), [false, false, false, true, false, false]),
        (Flag(true), Flag(true), [false, false, true, false, false, false]),
        (Flag(true), Integer(1), [false, false, false, true, false, false]),
    ];
    for (left, right, expected) in ordered {
        let found =
            [Less, AtMost, Equal, Unequal, AtLeast, Greater].map(|compare| passes(compare, left, right));
        assert_eq!(found, expected, "{left:?} {right:?}");
    }
}

#[test]
fn a_comparison_that_fails_names_the_values() {
    let mut world = World::of(&[ticket()]);
    world.create("ticket", ("t", "u-1")).unwrap();
    let take = |world: &mut World, arguments| {
        refused(world.one(Command::Move(Move { arguments, ..moved("m", ("t", "take")) })))
    };
    let (code, why) = take(&mut world, vec![("offered", Value::Integer(12))]);
    assert_eq!(
        (code, why.as_str()),
        ("guard_refused", r#" take: price <= offered: price is "12.50", compared with 12"#)
    );
    assert!(take(&mut world, vec![]).1.contains("the move has no argument offered"));
    assert!(
        take(&mut world, vec![("offered", Value::Text("much"))]).1.ends_with("only decimals have an order")
    );
    world.one(Command::Create(created("ticket", "bare", Some("u-1")))).unwrap();
    let arguments = vec![("offered", Value::Integer(12))];
    let bare = world.one(Command::Move(Move { arguments, ..moved("m", ("bare", "take")) }));
    assert!(refused(bare).1.contains("the item has no attribute price"));
}

#[test]
fn a_state_expires_after_its_span_and_not_before() {
    let mut world = active();
    world.one(by(Some("u-1"), "l", ("c-1", "lock"))).unwrap();
    assert_eq!(world.ledger.item("c-1").unwrap().due, Some(JUNE.plus_ms(900_000)));
    assert_eq!(world.ledger.next_due(), Some(JUNE.plus_ms(900_000)));
    world.later_ms(899_999);
    assert_eq!(world.state("c-1"), "locked");
    world.later_ms(1);
    assert_eq!(world.state("c-1"), "active");
    assert_eq!(world.ledger.next_due(), None);
}

#[test]
fn time_goes_before_a_move_that_comes_late() {
    let mut world = active();
    world.one(by(Some("u-1"), "l", ("c-1", "lock"))).unwrap();
    world.now = world.now.plus_ms(900_000);
    assert_eq!(refused(world.step("u", ("c-1", "use"))).0, "move_undeclared", "it is active again");
    assert_eq!(world.ledger.item("c-1").unwrap().version, 3);
}

#[test]
fn time_goes_before_a_move_however_much_is_due() {
    let mut machine = coupon();
    machine.states[0] = expiring("issued", "expired", When::After(1));
    let mut world = World::of(&[machine]);
    let ids: Vec<String> = (0..5_000).map(|n| format!("c-{n}")).collect();
    let create = |id| Command::Create(created("coupon", id, None));
    let commands: Vec<Command<&str>> = ids.iter().map(|id| create(id.as_str())).collect();
    assert!(world.carry(&commands, Run::Real).iter().all(Result::is_ok));
    world.now = world.now.plus_ms(1);
    assert_eq!(refused(world.step("a", ("c-4999", "activate"))).0, "move_undeclared");
    assert_eq!(world.state("c-4999"), "expired");
    assert_eq!(world.ledger.next_due(), Some(world.now), "others wait for their turn");
    world.later_ms(0);
    assert_eq!(world.ledger.next_due(), None);
}

#[test]
fn states_that_expired_meanwhile_follow_each_other_at_once() {
    let mut machine = coupon();
    machine.states[1] = expiring("active", "expired", When::At("valid_until".into()));
    machine.states[0] = expiring("issued", "active", When::At("valid_from".into()));
    let mut world = World::of(&[machine]);
    world.now.0 -= 1;
    world.create("coupon", ("c-1", "u-1")).unwrap();
    assert_eq!(world.state("c-1"), "issued");
    world.later_ms(1);
    assert_eq!(world.state("c-1"), "active");
    world.create("coupon", ("c-2", "u-1")).unwrap();
    world.later_ms(3 * MONTH_MS);
    assert_eq!((world.state("c-1"), world.state("c-2")), ("expired".into(), "expired".into()));
}

#[test]
fn states_that_expire_at_one_time_follow_each_other_then() {
    let mut machine = coupon();
    machine.states[0] = expiring("issued", "active", When::At("valid_until".into()));
    machine.states[1] = expiring("active", "expired", When::At("valid_until".into()));
    let mut world = World::of(&[machine]);
    world.create("coupon", ("c-1", "u-1")).unwrap();
    world.later_ms(3 * MONTH_MS);
    assert_eq!(world.state("c-1"), "expired");
    assert_eq!(world.ledger.next_due(), None);
}

#[test]
fn what_lapsed_meanwhile_returns_to_the_lapsed_state() {
    let mut world = World::of(&[ticket()]);
    let offer = || vec![("offered", Value::Integer(20))];
    for (item, lapse, state) in [("t-1", 0, "free"), ("t-2", 3 * MONTH_MS, "lapsed")] {
        world.create("ticket", (item, "u-1")).unwrap();
        let take = Move { arguments: offer(), ..moved("take", (item, "take")) };
        world.one(Command::Move(take)).unwrap();
        world.one(by(Some("u-1"), "use", (item, "use"))).unwrap();
        world.later_ms(lapse);
        world.step("return", (item, "return")).unwrap();
        assert_eq!(world.state(item), state);
    }
}

#[test]
fn a_machine_with_faults_is_not_declared() {
    let mut machine = coupon();
    machine.states.push(ended("lost"));
    machine.states.push(ended("gone"));
    let mut world = World::of(&[]);
    let (code, why) = refused(world.declare(&machine));
    assert_eq!(code, "machine_invalid");
    assert!(why.starts_with("/states/lost no item can come to lost"), "{why}");
    assert!(why.ends_with("(and 1 more)"), "{why}");
}

#[test]
fn versions_together_have_a_bounded_number_of_names() {
    let named = |from: usize, to: usize| {
        let mut machine = voucher();
        machine.states = (from..to)
            .map(|n| MachineState {
                expires: Some(Expires {
                    to: format!("s{}", n + 1).into(),
                    lapsed_to: None,
                    when: When::After(1),
                }),
                ..lasting(&format!("s{n}"))
            })
            .chain([ended(&format!("s{to}"))])
            .collect();
        machine.initial = format!("s{from}").into();
        machine.moves.clear();
        machine
    };
    let mut world = World::of(&[named(0, 60), named(60, 120)]);
    let (code, why) = refused(world.declare(&named(100, 160)));
    assert_eq!(code, "machine_invalid");
    assert!(why.contains("161 names of states, at most 128"), "{why}");
}

#[test]
fn what_falls_due_together_falls_in_the_order_of_creation() {
    let mut world = World::of(&[ticket()]);
    for item in ["t-3", "t-1", "t-2"] {
        world.create("ticket", (item, "u-1")).unwrap();
    }
    let from = world.book.kept.len();
    world.later_ms(3 * MONTH_MS);
    let fallen: Vec<String> = world.book.kept[from..]
        .iter()
        .map(|(_, event)| match ledger::Kept::decode(event).unwrap().event {
            ledger::Event::ItemMoved { id, by: None, operation: "", of: Some("u-1"), ends: true, .. } => {
                id.into()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(fallen, ["t-3", "t-1", "t-2"]);
}
