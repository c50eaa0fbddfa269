//! A transfer between two databases: committed, refused, rolled back, ended twice.

use serde_json::json;

use crate::support::dtm::is_failure;
use crate::world::{World, xa};

#[test]
fn money_moves_in_both_databases_and_not_before_it_is_submitted() {
    let world = World::start();
    let id = world.prepared(json!({}));
    assert_eq!(world.balances(), (100, 100), "what is prepared nobody sees");
    assert_eq!(world.held(&id), (vec![format!("{id}-01")], vec![format!("{id}-02")]));
    assert_eq!(world.tercet.status(&id), "prepared");
    world.submit(&id);
    world.ends(&id, "succeed");
    assert_eq!(world.balances(), (70, 130));
    let done = ["01 rollback prepared", "01 commit succeed", "02 rollback prepared", "02 commit succeed"];
    assert_eq!(world.tercet.rows(&id), done);
    assert_eq!(world.tercet.show(&id)["state"], "confirmed");
}

#[test]
fn a_roll_back_takes_back_what_was_prepared_in_both_databases() {
    let world = World::start();
    let id = world.prepared(json!({}));
    world.abort(&id);
    world.ends(&id, "failed");
    assert_eq!(world.balances(), (100, 100));
    assert!(world.postgres.told().iter().all(|told| told == "rollback 01"), "{:?}", world.postgres.told());
    assert!(world.mariadb.told().iter().all(|told| told == "rollback 02"), "{:?}", world.mariadb.told());
}

#[test]
fn a_branch_that_refuses_has_the_other_rolled_back() {
    let world = World::start();
    let id = world.open(json!({}));
    assert_eq!((world.takes(&id, 30), world.gives(&id, "nobody")), (200, 409));
    world.abort(&id);
    world.ends(&id, "failed");
    assert_eq!(world.balances(), (100, 100));
    assert!(world.mariadb.told().is_empty(), "a branch that prepared nothing was never registered");
    let too_much = world.open(json!({}));
    assert_eq!(world.takes(&too_much, 101), 409);
    world.abort(&too_much);
    world.ends(&too_much, "failed");
}

#[test]
fn a_second_phase_that_comes_twice_or_too_late_changes_nothing() {
    let world = World::start();
    let id = world.prepared(json!({}));
    world.submit(&id);
    world.ends(&id, "succeed");
    for op in ["commit", "rollback"] {
        let again =
            |bank: &crate::bank::Bank, branch| bank.call((&id, branch, op), (&world.tercet, &json!({})));
        assert_eq!((again(&world.postgres, "01"), again(&world.mariadb, "02")), (200, 200), "{op}");
        assert_eq!(world.balances(), (70, 130), "{op}");
    }
    is_failure(&world.tercet.verb("submit", &xa(&id)), "current status 'succeed'");
    assert_eq!(world.balances(), (70, 130));
}

#[test]
fn a_first_phase_that_comes_after_the_roll_back_leaves_nothing_behind() {
    let world = World::start();
    let id = world.open(json!({}));
    assert_eq!(world.takes(&id, 30), 200);
    world.abort(&id);
    assert_eq!(world.gives(&id, "bert"), 409, "the coordinator takes no branch any more");
    world.ends(&id, "failed");
    assert_eq!(world.gives(&id, "bert"), 409);
    assert_eq!((world.balances(), world.held(&id)), ((100, 100), (vec![], vec![])));
}
