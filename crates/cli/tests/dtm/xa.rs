//! XA: the second phase, at the one URL that each branch registers.

use serde_json::{Value, json};

use crate::support::dtm::shop::{Gate, failure, ok, ongoing, says};
use crate::world::{World, is_failure, with};

fn xa(gid: &str) -> Value {
    json!({ "gid": gid, "trans_type": "xa" })
}

impl World {
    fn xa_branch(&self, gid: &str, id: &str) -> Value {
        with(xa(gid), json!({ "branch_id": id, "url": self.shop.url(&format!("/{id}")) }))
    }

    fn prepared_xa(&self, gid: &str, ids: &[&str]) {
        self.does("prepare", &xa(gid));
        for id in ids {
            self.does("registerBranch", &self.xa_branch(gid, id));
        }
    }
}

#[test]
fn branches_are_committed_in_the_order_of_their_registration() {
    let world = World::start();
    world.prepared_xa("x", &["01", "02", "03"]);
    assert!(world.shop.all_calls().is_empty());
    world.shop.answers("/01", [ongoing(), says(500, "down"), ok().after_ms(50)]);
    world.does("submit", &xa("x"));
    world.wait("x", "succeed");
    assert_eq!(world.shop.order(), ["01.commit", "01.commit", "01.commit", "02.commit", "03.commit"]);
    for call in world.shop.all_calls() {
        assert_eq!((&*call.method, call.body.len()), ("POST", 0), "xa is posted though it has no payload");
        assert_eq!(["gid", "trans_type"].map(|name| call.asked(name)), ["x", "xa"]);
    }
    let wanted = ["rollback prepared", "commit succeed"];
    let wanted: Vec<_> =
        ["01", "02", "03"].iter().flat_map(|id| wanted.map(|row| format!("{id} {row}"))).collect();
    assert_eq!(world.rows("x"), wanted);
}

#[test]
fn an_abort_rolls_back_in_the_order_of_registration() {
    let world = World::start();
    world.prepared_xa("x", &["01", "02"]);
    let gate = Gate::default();
    world.shop.answers("/01", [ok().behind(&gate)]);
    world.does("abort", &with(xa("x"), json!({ "rollback_reason": "no" })));
    world.shop.wait_calls("/01", 1);
    world.does("abort", &xa("x"));
    is_failure(&world.verb("submit", &xa("x")), "current status 'aborting', cannot sumbmit");
    gate.open();
    world.wait("x", "failed");
    assert_eq!(world.shop.order(), ["01.rollback", "02.rollback"]);
    is_failure(&world.verb("abort", &xa("x")), "current status 'failed', cannot abort");
}

#[test]
fn what_is_never_submitted_is_rolled_back_after_timeout_to_fail() {
    let world = World::start();
    world.does("prepare", &with(xa("x"), json!({ "timeout_to_fail": 1 })));
    world.does("registerBranch", &world.xa_branch("x", "01"));
    world.wait("x", "failed");
    assert_eq!(world.shop.order(), ["01.rollback"]);
    is_failure(&world.verb("submit", &xa("x")), "current status 'failed', cannot sumbmit");
}

#[test]
fn a_branch_registered_again_is_a_success_when_identical_and_a_failure_otherwise() {
    let world = World::start();
    world.prepared_xa("x", &["01"]);
    world.does("registerXaBranch", &world.xa_branch("x", "01"));
    let other = with(world.xa_branch("x", "01"), json!({ "url": world.shop.url("/elsewhere") }));
    is_failure(&world.verb("registerXaBranch", &other), "");
    world.does("submit", &xa("x"));
    world.wait("x", "succeed");
    assert_eq!(world.shop.order(), ["01.commit"]);
    is_failure(&world.verb("registerBranch", &world.xa_branch("x", "02")), "no trans with gid: x");
}

#[test]
fn submitted_again_it_is_committed_once() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/01", [ok().behind(&gate)]);
    world.prepared_xa("x", &["01"]);
    world.does("prepare", &xa("x"));
    world.does("submit", &xa("x"));
    world.shop.wait_calls("/01", 1);
    world.does("submit", &xa("x"));
    is_failure(&world.verb("abort", &xa("x")), "current status 'submitted', cannot abort");
    is_failure(&world.verb("prepare", &xa("x")), "current status 'submitted', cannot prepare");
    gate.open();
    world.wait("x", "succeed");
    assert_eq!(world.shop.order(), ["01.commit"]);
    is_failure(&world.verb("submit", &xa("x")), "current status 'succeed', cannot sumbmit");
}

#[test]
fn a_second_phase_that_says_failure_needs_attention_and_is_asked_again() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/01", [failure("no such xid"), ok().behind(&gate)]);
    world.prepared_xa("x", &["01"]);
    world.does("submit", &xa("x"));
    let seen = world.wait_until("x", |seen| seen["needs_attention"] == true);
    assert_eq!(
        (&seen["pattern"], &seen["state"], &seen["branches"][0]["kind"]),
        (&json!("xa"), &json!("confirming"), &json!("dtm"))
    );
    assert!(seen["branches"][0]["last_error"].as_str().unwrap().contains("no such xid"), "{seen}");
    gate.open();
    assert_eq!(world.wait_final("x")["state"], "confirmed");
}

#[test]
fn nested_branches_are_committed_too() {
    let world = World::start();
    world.prepared_xa("x", &["01", "0101", "02"]);
    world.does("submit", &with(xa("x"), json!({ "wait_result": true })));
    assert_eq!(world.shop.order(), ["01.commit", "0101.commit", "02.commit"]);
}
