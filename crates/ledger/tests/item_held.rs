//! Items that a branch of a transaction holds: by its try, until its confirm or cancel.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[allow(dead_code, reason = "each test binary uses some of them")]
mod items;
#[allow(dead_code, reason = "each test binary uses some of them")]
mod machines;

use items::{World, active, branch, moved, refused, word};
use ledger::{Command, Move, Origin, Value};
use machines::{coupon, step, ticket};

const MONTH_MS: u64 = 30 * 24 * 60 * 60 * 1000;

#[test]
fn a_branch_holds_the_item_until_it_is_confirmed_or_cancelled() {
    for (operation, name, state) in [("t/b/confirm", "use", "used"), ("t/b/cancel", "unlock", "active")] {
        let mut world = active();
        world.one(branch("t/b/try", ("c-1", "lock"), Some(("use", "unlock")))).unwrap();
        assert!(world.ledger.item("c-1").unwrap().held);
        let (code, why) = refused(world.step("m", ("c-1", "unlock")));
        assert_eq!((code, why.as_str()), ("item_held", "/item branch t/b holds it in locked"));
        for other in ["t/c/confirm", "s/b/confirm"] {
            assert_eq!(refused(world.one(branch(other, ("c-1", "use"), None))).0, "item_held");
        }
        let second = world.one(branch("t/b/again", ("c-1", "use"), Some(("use", "unlock"))));
        assert_eq!(refused(second).0, "item_held");
        world.later_ms(3 * MONTH_MS);
        assert_eq!(world.state("c-1"), "locked", "its time stands still");
        assert_eq!(word(&world.one(branch(operation, ("c-1", name), None))), "moved");
        assert_eq!(world.state("c-1"), state);
        assert_eq!(word(&world.one(branch(operation, ("c-1", name), None))), "duplicate");
        assert!(world.ledger.item("c-1").is_none_or(|item| !item.held));
    }
}

#[test]
fn only_the_promised_moves_end_what_a_branch_holds() {
    let mut machine = coupon();
    machine.moves.push(step("lose", (&["locked"], "voided"), vec![]));
    let mut world = World::of(&[machine]);
    world.create("coupon", ("c-1", "u-1")).unwrap();
    world.step("a", ("c-1", "activate")).unwrap();
    world.one(branch("t/b/try", ("c-1", "lock"), Some(("use", "unlock")))).unwrap();
    assert_eq!(refused(world.one(branch("t/b/cancel", ("c-1", "lose"), None))).0, "move_undeclared");
    assert_eq!(word(&world.one(branch("t/b/cancel", ("c-1", "unlock"), None))), "moved");
}

#[test]
fn a_try_is_refused_where_its_confirm_or_cancel_could_not_follow() {
    for then in [("activate", "unlock"), ("use", "void"), ("fly", "unlock")] {
        let mut world = active();
        let (code, why) = refused(world.one(branch("t/b/try", ("c-1", "lock"), Some(then))));
        assert_eq!(code, "move_undeclared");
        assert!(why.contains("from locked; from there it has unlock, use"), "{why}");
        assert_eq!(world.state("c-1"), "active");
    }
    let mut world = active();
    let (_, why) = refused(world.one(branch("t/b/try", ("c-1", "void"), Some(("use", "unlock")))));
    assert!(why.contains("has no move use from voided: that state is final"), "{why}");
}

#[test]
fn guards_of_confirm_are_asked_at_the_try_and_never_again() {
    let mut world = World::of(&[ticket()]);
    world.create("ticket", ("t-1", "u-1")).unwrap();
    let arguments = vec![("offered", Value::Integer(20))];
    let tried = |owner| Move {
        origin: Origin::Branch,
        owner,
        arguments: arguments.clone(),
        then: Some(("use", "leave")),
        ..moved("t/b/try", ("t-1", "take"))
    };
    let (code, why) = refused(world.one(Command::Move(tried(Some("u-2")))));
    assert_eq!((code, why.as_str()), ("guard_refused", " use: owner: the item belongs to u-1, not to u-2"));
    world.one(Command::Move(tried(Some("u-1")))).unwrap();
    world.later_ms(3 * MONTH_MS);
    let confirm = Move { origin: Origin::Branch, ..moved("t/b/confirm", ("t-1", "use")) };
    assert_eq!(word(&world.one(Command::Move(confirm))), "moved");
}

#[test]
fn a_cancel_after_lapse_leads_to_the_lapsed_state() {
    let mut world = World::of(&[ticket()]);
    world.create("ticket", ("t-1", "u-1")).unwrap();
    let tried = Move {
        origin: Origin::Branch,
        owner: Some("u-1"),
        arguments: vec![("offered", Value::Integer(20))],
        then: Some(("use", "leave")),
        ..moved("t/b/try", ("t-1", "take"))
    };
    world.one(Command::Move(tried)).unwrap();
    world.later_ms(3 * MONTH_MS);
    world.one(branch("t/b/cancel", ("t-1", "leave"), None)).unwrap();
    assert_eq!(world.state("t-1"), "lapsed");
}

#[test]
fn a_decision_is_carried_out_although_somebody_used_its_id() {
    let mut world = active();
    // Whoever may move the item can choose any id, that of a confirm to come too.
    let lock = Move { owner: Some("u-1"), ..moved("t/b/confirm", ("c-1", "lock")) };
    world.one(Command::Move(lock)).unwrap();
    world.step("m-2", ("c-1", "unlock")).unwrap();
    world.one(branch("t/b/try", ("c-1", "lock"), Some(("use", "unlock")))).unwrap();
    assert_eq!(word(&world.one(branch("t/b/confirm", ("c-1", "use"), None))), "moved");
    assert_eq!(world.state("c-1"), "used");
}

#[test]
fn a_branch_whose_transactions_id_comes_again_after_it_was_forgotten_holds_nothing() {
    let mut world = active();
    world.one(branch("t/b/try", ("c-1", "lock"), Some(("use", "unlock")))).unwrap();
    world.one(branch("t/b/cancel", ("c-1", "unlock"), None)).unwrap();
    let (code, _) = refused(world.one(branch("t/b/try", ("c-1", "lock"), Some(("use", "unlock")))));
    assert_eq!(code, "id_mismatch", "it must not be told that it holds the coupon");
}
