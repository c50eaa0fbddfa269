//! Quotas: per owner and in all, over states, versions and promises; and that what is taken back is not counted.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[allow(dead_code, reason = "each test binary uses some of them")]
mod items;
#[allow(dead_code, reason = "each test binary uses some of them")]
mod machines;

use std::collections::BTreeMap;

use items::{World, branch, created, moved, refused, word};
use ledger::{Command, Create, Linked, Move, Run, Value};
use machines::{coupon, ended, quota, step, ticket, voucher};

/// Tickets of these owners, all free.
fn tickets(owners: &[(&str, &str)]) -> World {
    let mut world = World::of(&[ticket()]);
    for (item, owner) in owners {
        world.create("ticket", (item, owner)).unwrap();
    }
    world
}

fn take(item: &str) -> Command<&str> {
    Command::Move(Move { arguments: vec![("offered", Value::Integer(20))], ..moved("take", (item, "take")) })
}

#[test]
fn quotas_bind_each_owner_and_all_of_them() {
    let mut world = tickets(&[("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b")]);
    let results = world.carry(&["a1", "a2", "a3", "b1", "b2"].map(take), Run::Real);
    let words: Vec<&str> = results.iter().map(word).collect();
    assert_eq!(words, ["moved", "moved", "guard_refused", "moved", "guard_refused"]);
    let details: Vec<String> = results.into_iter().filter_map(|result| Some(result.err()?.detail)).collect();
    assert_eq!(
        details,
        [
            "take: quota of taken + used at most 2 per owner and 3 in all: a would have 3",
            "take: quota of taken + used at most 2 per owner and 3 in all: there would be 4",
        ]
    );
    world.step("leave", ("a1", "leave")).unwrap();
    let again = Command::Move(Move { id: "take-2", ..as_move(take("b2")) });
    assert_eq!(word(&world.one(again)), "moved", "one was given back");
}

fn as_move(command: Command<&str>) -> Move<&str> {
    match command {
        Command::Move(step) => step,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_has_ended_goes_on_counting() {
    let mut world = World::of(&[voucher()]);
    for item in ["v-1", "v-2"] {
        world.create("voucher", (item, "u-1")).unwrap();
    }
    assert_eq!(word(&world.step("u", ("v-1", "use"))), "moved");
    let (code, why) = refused(world.step("u", ("v-2", "use")));
    assert_eq!(code, "guard_refused");
    assert!(why.ends_with("u-1 would have 2"), "{why}");
}

#[test]
fn what_a_branch_was_promised_counts_before_it_is_confirmed() {
    let mut world = World::of(&[voucher()]);
    for item in ["v-1", "v-2"] {
        world.create("voucher", (item, "u-1")).unwrap();
    }
    let then = Some(("use", "unlock"));
    world.one(branch("t/1/try", ("v-1", "lock"), then)).unwrap();
    assert_eq!(refused(world.one(branch("s/1/try", ("v-2", "lock"), then))).0, "guard_refused");
    assert_eq!(refused(world.step("u", ("v-2", "use"))).0, "guard_refused");
    world.one(branch("t/1/cancel", ("v-1", "unlock"), None)).unwrap();
    world.one(branch("r/1/try", ("v-2", "lock"), then)).unwrap();
    assert_eq!(word(&world.one(branch("r/1/confirm", ("v-2", "use"), None))), "moved");
    assert_eq!(refused(world.one(branch("q/1/try", ("v-1", "lock"), then))).0, "guard_refused");
}

#[test]
fn a_quota_per_owner_needs_an_owner() {
    let mut world = World::of(&[voucher()]);
    world.one(Command::Create(created("voucher", "v-1", None))).unwrap();
    assert!(refused(world.step("u", ("v-1", "use"))).1.ends_with("the item has no owner"));
}

#[test]
fn versions_live_side_by_side_and_quotas_count_them_together() {
    let mut first = voucher();
    first.moves[2].guards.clear();
    let mut world = World::of(&[first.clone()]);
    for item in ["v-1", "v-2", "v-3"] {
        world.create("voucher", (item, "u-1")).unwrap();
    }
    world.step("l", ("v-1", "lock")).unwrap();
    assert_eq!(word(&world.declare(&first)), "duplicate");
    let mut second = voucher();
    second.moves[2].guards = vec![quota(&["used", "locked"], (Some(2), Some(3)))];
    assert_eq!(word(&world.declare(&second)), "declared");
    assert_eq!(world.ledger.machine("voucher", None).unwrap().version, 2);
    assert_eq!(*world.ledger.machine("voucher", Some(1)).unwrap().machine, first);
    assert_eq!(world.ledger.machine("voucher", Some(3)), None);
    world.create("voucher", ("v-4", "u-1")).unwrap();
    assert_eq!(world.ledger.item("v-1").unwrap().machine.1, 1);
    assert_eq!(world.ledger.item("v-4").unwrap().machine.1, 2);
    world.step("u", ("v-2", "use")).unwrap();
    world.step("u", ("v-3", "use")).unwrap();
    let (_, why) = refused(world.step("u", ("v-4", "use")));
    assert!(why.ends_with("u-1 would have 4"), "{why}");
    assert_eq!(word(&world.declare(&first)), "declared", "an older content is a new version again");
}

#[test]
fn a_chain_with_a_refused_move_changes_nothing() {
    let mut world = World::of(&[voucher(), coupon()]);
    for item in ["v-1", "v-2"] {
        world.create("voucher", (item, "u-1")).unwrap();
    }
    let before = world.replayed(&BTreeMap::new(), 0);
    let chain = [
        Command::Move(Move { linked: Linked::ToNext, ..moved("u", ("v-1", "use")) }),
        Command::Create(Create { linked: Linked::ToNext, ..created("coupon", "c-1", Some("u-1")) }),
        Command::Move(Move { linked: Linked::ToNext, ..moved("a", ("c-1", "activate")) }),
        Command::Move(moved("u", ("v-2", "use"))),
    ];
    let words: Vec<&str> = world.carry(&chain, Run::Real).iter().map(word).collect();
    assert_eq!(words, ["linked_refused", "linked_refused", "linked_refused", "guard_refused"]);
    assert_eq!((world.state("v-1"), world.state("c-1")), ("open".into(), "unknown".into()));
    assert_eq!(world.ledger.differences(&before, 10), Vec::<String>::new());
    assert_eq!(word(&world.step("u", ("v-2", "use"))), "moved", "the count was taken back");
}

#[test]
fn a_dry_run_answers_as_the_real_one_and_changes_nothing() {
    let mut world = World::of(&[voucher()]);
    world.create("voucher", ("v-1", "u-1")).unwrap();
    let before = world.replayed(&BTreeMap::new(), 0);
    let mut second = voucher();
    second.name = "other".into();
    let batch = [
        Command::Declare(ledger::Declare { machine: Box::new(second), cause: ledger::Cause::default() }),
        Command::Create(created("other", "o-1", Some("u-1"))),
        Command::Move(moved("u", ("v-1", "use"))),
        Command::Move(moved("u", ("o-1", "use"))),
        Command::Move(moved("u", ("o-2", "use"))),
    ];
    let dry = world.carry(&batch, Run::Dry);
    assert_eq!(world.ledger.differences(&before, 10), Vec::<String>::new());
    assert_eq!((world.state("v-1"), world.state("o-1")), ("open".into(), "unknown".into()));
    assert_eq!(world.ledger.machine("other", None), None);
    let real = world.carry(&batch, Run::Real);
    assert_eq!(dry, real);
    let words: Vec<&str> = real.iter().map(word).collect();
    assert_eq!(words, ["declared", "created", "moved", "moved", "item_unknown"]);
}

/// Vouchers without a quota, as they were first.
fn unbound() -> ledger::Machine {
    let mut machine = voucher();
    machine.moves[2].guards.clear();
    machine
}

#[test]
fn a_dry_declaration_counts_no_owner() {
    let mut world = World::of(&[unbound()]);
    world.create("voucher", ("v-1", "u-1")).unwrap();
    let before = world.replayed(&BTreeMap::new(), 0);
    let declare = ledger::Declare { machine: Box::new(voucher()), cause: ledger::Cause::default() };
    let dry = world.carry(&[Command::Declare(declare)], Run::Dry);
    assert_eq!(word(&dry[0]), "declared");
    assert_eq!(world.ledger.differences(&before, 10), Vec::<String>::new());
}

#[test]
fn what_ended_before_owners_were_counted_is_not_counted_at_start_up_either() {
    let mut world = World::of(&[unbound()]);
    world.create("voucher", ("v-1", "u-1")).unwrap();
    world.create("voucher", ("v-2", "u-1")).unwrap();
    world.step("u", ("v-1", "use")).unwrap();
    assert_eq!(word(&world.declare(&voucher())), "declared");
    // A checkpoint that got as far as the machines, and no further.
    let mut pages = BTreeMap::new();
    world.ledger.begin_sweep();
    let mut bytes = Vec::new();
    while let Some(page) = world.ledger.next_page(&mut bytes) {
        if page.table == 5 {
            pages.insert(page, (world.end(), bytes.clone()));
        }
    }
    assert_eq!(pages.len(), 2);
    let again = world.replayed(&pages, 0);
    assert_eq!(world.ledger.differences(&again, 10), Vec::<String>::new());
    assert_eq!(word(&world.step("u", ("v-2", "use"))), "moved", "the first that is counted");
}

#[test]
fn a_cancel_that_may_lapse_counts_where_it_would_lead_then() {
    let mut machine = voucher();
    machine.states.push(ended("spent"));
    machine.moves[1].lapsed_to = Some("spent".into());
    machine.moves[2].guards.clear();
    machine.moves.push(step("spend", (&["open"], "spent"), vec![quota(&["spent"], (None, Some(1)))]));
    let mut world = World::of(&[machine]);
    for item in ["v-1", "v-2"] {
        world.create("voucher", (item, "u-1")).unwrap();
    }
    world.one(branch("t/1/try", ("v-1", "lock"), Some(("use", "unlock")))).unwrap();
    assert_eq!(refused(world.step("s", ("v-2", "spend"))).0, "guard_refused");
    world.one(branch("t/1/confirm", ("v-1", "use"), None)).unwrap();
    assert_eq!(word(&world.step("s", ("v-2", "spend"))), "moved");
}
