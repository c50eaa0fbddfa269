//! Sagas: actions in order or as a graph, and compensation of what was started, in reverse.

use serde_json::{Value, json};

use crate::support::{
    Gate, Participant, Tercet, awaited, done, done_with, fails, never, refused, saga, until, with,
};

fn states(body: &Value) -> Vec<&str> {
    body["branches"].as_array().unwrap().iter().map(|branch| branch["state"].as_str().unwrap()).collect()
}

#[test]
fn actions_run_in_order_and_complete() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("a", "action", [done_with(&json!({ "n": 1 }))]);
    server.begin(&saga("t", [shop.saga("a"), shop.saga("b"), shop.saga("c")]));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["decision"]), (&json!("completed"), &json!("confirm")));
    assert_eq!(states(&body), ["done", "done", "done"]);
    assert_eq!(body["branches"][0]["attempts"], json!({ "action": 1, "compensate": 0 }));
    assert_eq!(body["branches"][0]["result"], json!({ "n": 1 }));
    assert_eq!(shop.order(), ["a.action", "b.action", "c.action"]);
    let events = ["begun", "action_done a", "action_done b", "action_done c", "decided", "completed"];
    assert_eq!(server.timeline("t"), events);
}

#[test]
fn a_refused_action_compensates_what_was_started_in_reverse() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("b", "action", [refused("full")]);
    server.begin(&saga("t", [shop.saga("a"), shop.saga("b"), shop.saga("c")]));
    let body = server.wait_final("t");
    assert_eq!(body["state"], "compensated");
    assert_eq!(body["reason"], json!({ "code": "branch_refused", "branch": "b", "detail": "full" }));
    assert_eq!(states(&body), ["compensated", "compensated", "registered"]);
    assert_eq!(shop.order(), ["a.action", "b.action", "b.compensate", "a.compensate"]);
}

#[test]
fn an_action_without_compensate_needs_no_call_to_be_undone() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("b", "action", [refused("full")]);
    let mut plain = shop.saga("a");
    plain.as_object_mut().unwrap().remove("compensate");
    server.begin(&saga("t", [plain, shop.saga("b")]));
    let body = server.wait_final("t");
    assert_eq!(states(&body), ["compensated", "compensated"]);
    assert_eq!(shop.order(), ["a.action", "b.action", "b.compensate"]);
}

#[test]
fn a_graph_runs_in_parallel_where_it_may() {
    let server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    for branch in ["a", "b"] {
        shop.answers(branch, "action", [done().behind(&gate)]);
    }
    shop.answers("d", "action", [refused("no")]);
    let after = |branch: &str, before: &[&str]| with(shop.saga(branch), json!({ "after": before }));
    let branches =
        [shop.saga("a"), shop.saga("b"), after("c", &["a", "b"]), after("d", &["c"]), after("e", &["d"])];
    server.begin(&with(saga("t", branches), json!({ "order": "parallel" })));
    shop.wait_calls("a", "action", 1);
    shop.wait_calls("b", "action", 1);
    assert!(shop.calls("c", "action").is_empty());
    gate.open();
    let body = server.wait_final("t");
    assert_eq!(states(&body), ["compensated", "compensated", "compensated", "compensated", "registered"]);
    let order = shop.order();
    assert_eq!(order[2..6], ["c.action", "d.action", "d.compensate", "c.compensate"], "{order:?}");
    let mut last = order[6..].to_vec();
    last.sort();
    assert_eq!(last, ["a.compensate", "b.compensate"]);
}

#[test]
fn an_unknown_action_is_asked_again_and_compensated_when_the_deadline_passes() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("a", "action", [fails(500), done()]);
    shop.answers("b", "action", [never()]);
    server.begin(&with(
        saga("t", [shop.saga("a"), shop.saga("b"), shop.saga("c")]),
        json!({ "deadline_ms": 500 }),
    ));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["reason"]["code"]), (&json!("compensated"), &json!("deadline_passed")));
    assert_eq!(states(&body), ["compensated", "compensated", "registered"]);
    assert_eq!(body["branches"][0]["attempts"], json!({ "action": 2, "compensate": 1 }));
    assert_eq!((shop.calls("b", "compensate").len(), shop.calls("c", "compensate").len()), (1, 0));
    let order = shop.order();
    assert_eq!(order.last().map(String::as_str), Some("a.compensate"), "{order:?}");
}

#[test]
fn a_refused_compensation_needs_attention_and_holds_the_ones_before_it() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("b", "action", [refused("full")]);
    shop.answers("b", "compensate", [refused("cannot")]);
    server.begin(&saga("t", [shop.saga("a"), shop.saga("b")]));
    let body = server.wait_until("t", |body| body["needs_attention"] == true);
    assert_eq!(
        (&body["state"], &body["branches"][1]["last_error"]),
        (&json!("compensating"), &json!("cannot"))
    );
    shop.wait_calls("b", "compensate", 3);
    assert!(shop.calls("a", "compensate").is_empty(), "compensation goes in reverse, one after another");
    shop.answers("b", "compensate", [done()]);
    assert_eq!(server.wait_final("t")["state"], "compensated");
    assert_eq!(shop.calls("a", "compensate").len(), 1);
}

#[test]
fn a_running_saga_can_be_withdrawn_and_a_late_action_changes_nothing() {
    let server = Tercet::start();
    let shop = Participant::start();
    let (gate, compensates) = (Gate::default(), Gate::default());
    shop.answers("b", "action", [done().behind(&gate)]);
    shop.answers("b", "compensate", [done().behind(&compensates)]);
    let patient = with(shop.saga("b"), json!({ "timeout_ms": 60_000 }));
    server.begin(&with(
        saga("t", [shop.saga("a"), patient, shop.saga("c")]),
        json!({ "deadline_ms": 600_000 }),
    ));
    shop.wait_calls("b", "action", 1);
    server.post("/v1/transactions/t/cancel", &json!({ "detail": "stop" })).is(202);
    shop.wait_calls("b", "compensate", 1);
    gate.open();
    until("the late reply", || server.timeline("t").contains(&"action_done b".to_owned()).then_some(()));
    compensates.open();
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["reason"]["code"]), (&json!("compensated"), &json!("withdrawn")));
    assert_eq!(shop.order(), ["a.action", "b.action", "b.compensate", "a.compensate"]);
}

#[test]
fn an_await_branch_waits_for_its_turn_in_a_saga() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&saga("t", [shop.saga("a"), awaited("approval"), shop.saga("b")]));
    server.wait_until("t", |body| body["branches"][1]["state"] == "running");
    assert!(shop.calls("b", "action").is_empty());
    server.post("/v1/transactions/t/branches/approval/signal", &json!({ "outcome": "done" })).is(200);
    assert_eq!(server.wait_final("t")["state"], "completed");
    assert_eq!(shop.order(), ["a.action", "b.action"]);
}

#[test]
fn an_interactive_saga_compensates_all_that_was_registered() {
    let server = Tercet::start();
    let shop = Participant::start();
    for (id, verb, state) in [("t", "cancel", "compensated"), ("u", "confirm", "completed")] {
        server.begin(&with(saga(id, []), json!({ "mode": "interactive" })));
        for branch in ["a", "b"] {
            server.post(&format!("/v1/transactions/{id}/branches"), &shop.saga(branch)).is(200);
        }
        let body = server.post(&format!("/v1/transactions/{id}/{verb}"), &json!({ "wait_ms": 10_000 }));
        assert_eq!(body.is(200).body["state"], state);
    }
    assert_eq!(shop.order(), ["b.compensate", "a.compensate"]);
}
