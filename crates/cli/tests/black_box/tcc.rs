//! Managed TCC transactions: the coordinator runs the tries, decides, and drives every branch to the end.

use serde_json::{Value, json};

use crate::support::{
    Gate, Participant, Tercet, awaited, done, done_with, fails, in_progress, never, refused, tcc, until, with,
};

/// `(branch, state)` of every branch.
fn states(body: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let branches = body["branches"].as_array().unwrap();
    branches.iter().map(|branch| (text(&branch["id"]), text(&branch["state"]))).collect()
}

fn all(ids: &[&str], state: &str) -> Vec<(String, String)> {
    ids.iter().map(|id| ((*id).to_owned(), state.to_owned())).collect()
}

#[test]
fn all_tried_is_confirmed_and_reads_to_the_letter() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "try", [done_with(&json!({ "reservation": "r-9" }))]);
    let spec = with(tcc("t", [shop.tcc("stock")]), json!({ "labels": { "order": "1" }, "wait_ms": 10_000 }));
    let reply = server.post("/v1/transactions", &spec);
    reply.is(200);
    let mut body = reply.body.clone();
    for name in ["created_at", "deadline_at", "finished_at"] {
        let time = body[name].take();
        let time = time.as_str().unwrap();
        assert!(time.len() == 27 && time.ends_with('Z') && time.as_bytes()[19] == b'.', "{name} {time}");
    }
    assert!(body["seq"].as_u64().is_some_and(|seq| seq > 0));
    assert_eq!(reply.header("tercet-sequence").and_then(|seq| seq.parse().ok()), body["seq"].as_u64());
    body["seq"] = json!(0);
    let expected = json!({
        "id": "t", "pattern": "tcc", "mode": "managed", "state": "confirmed", "decision": "confirm", "reason": null,
        "needs_attention": false, "labels": { "order": "1" },
        "created_at": null, "deadline_at": null, "cooling_until": null, "finished_at": null,
        "branches": [{
            "id": "stock", "kind": "call", "state": "confirmed", "attempts": { "try": 1, "confirm": 1, "cancel": 0 },
            "last_error": null, "next_attempt_at": null, "result": { "reservation": "r-9" },
        }],
        "seq": 0,
    });
    assert_eq!(body, expected);
    assert_eq!(
        server.timeline("t"),
        ["begun", "try_done stock", "decided", "confirm_done stock", "confirmed"]
    );
    assert_eq!(shop.order(), ["stock.try", "stock.confirm"]);
}

#[test]
fn a_refused_try_cancels_every_branch_tried_or_not() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("points", "try", [refused("not enough points")]);
    let branches =
        [shop.tcc("stock"), shop.tcc("points"), with(shop.tcc("card"), json!({ "after": ["points"] }))];
    server.begin(&tcc("t", branches));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["decision"]), (&json!("cancelled"), &json!("cancel")));
    let reason = json!({ "code": "branch_refused", "branch": "points", "detail": "not enough points" });
    assert_eq!(body["reason"], reason);
    assert_eq!(states(&body), all(&["stock", "points", "card"], "cancelled"));
    assert!(shop.calls("card", "try").is_empty());
    for branch in ["stock", "points", "card"] {
        assert_eq!(shop.calls(branch, "cancel").len(), 1, "{branch}");
        assert!(shop.calls(branch, "confirm").is_empty(), "{branch}");
    }
}

#[test]
fn sequential_tries_go_forward_and_the_rest_backward() {
    let server = Tercet::start();
    let shop = Participant::start();
    let in_order = |id: &str| {
        with(tcc(id, [shop.tcc("a"), shop.tcc("b"), shop.tcc("c")]), json!({ "order": "sequential" }))
    };
    server.begin(&in_order("t"));
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    assert_eq!(shop.order(), ["a.try", "b.try", "c.try", "c.confirm", "b.confirm", "a.confirm"]);

    shop.answers("b", "try", [refused("no")]);
    server.begin(&in_order("u"));
    assert_eq!(server.wait_final("u")["state"], "cancelled");
    assert_eq!(shop.order()[6..], ["a.try", "b.try", "c.cancel", "b.cancel", "a.cancel"]);
}

#[test]
fn after_holds_a_branch_back_and_no_other() {
    let server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("a", "try", [done().behind(&gate)]);
    let late = with(shop.tcc("c"), json!({ "after": ["a", "b"] }));
    server.begin(&tcc("t", [late, shop.tcc("a"), shop.tcc("b")]));
    shop.wait_calls("a", "try", 1);
    server.wait_until("t", |body| body["branches"][2]["state"] == "tried");
    let body = server.show("t");
    assert_eq!(body["branches"][0]["state"], "registered");
    gate.open();
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    assert!(shop.calls("c", "try")[0].at > shop.calls("a", "try")[0].at);
}

#[test]
fn unknown_decides_nothing_and_is_asked_again() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "try", [never(), fails(500), fails(404), done()]);
    shop.answers("stock", "confirm", [fails(503), never(), done()]);
    server
        .begin(&with(tcc("t", [shop.tcc("stock")]), json!({ "retry": { "initial_ms": 20, "max_ms": 40 } })));
    let body = server.wait_final("t");
    assert_eq!(body["state"], "confirmed");
    assert_eq!(body["branches"][0]["attempts"], json!({ "try": 4, "confirm": 3, "cancel": 0 }));
    assert_eq!(body["branches"][0]["last_error"], Value::Null);
    let attempts: Vec<_> = shop.calls("stock", "try").iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    let timeline = server.timeline("t");
    assert_eq!(timeline.iter().filter(|event| *event == "try_unknown stock").count(), 3, "{timeline:?}");
}

#[test]
fn in_progress_is_asked_again_and_never_needs_attention() {
    let server = Tercet::start();
    let shop = Participant::start();
    let asked = (0..6).map(|_| in_progress());
    shop.answers("stock", "try", asked.chain([done()]));
    server.begin(&tcc("t", [shop.tcc("stock")]));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["branches"][0]["attempts"]["try"]), (&json!("confirmed"), &json!(7)));
    let timeline = server.timeline("t");
    assert!(!timeline.iter().any(|event| event.starts_with("attention")), "{timeline:?}");
    assert_eq!(timeline.iter().filter(|event| *event == "try_in_progress stock").count(), 6);
}

#[test]
fn a_try_unknown_at_the_deadline_is_cancelled_too() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "try", [never()]);
    server.begin(&with(tcc("t", [shop.tcc("stock"), shop.tcc("points")]), json!({ "deadline_ms": 300 })));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["reason"]["code"]), (&json!("cancelled"), &json!("deadline_passed")));
    assert_eq!(body["reason"]["branch"], Value::Null);
    assert!(body["reason"]["detail"].as_str().unwrap().contains("stock"), "{}", body["reason"]);
    assert_eq!(states(&body), all(&["stock", "points"], "cancelled"));
    assert_eq!((shop.calls("stock", "cancel").len(), shop.calls("points", "cancel").len()), (1, 1));
}

#[test]
fn a_late_reply_to_a_try_is_told_and_changes_nothing() {
    let server = Tercet::start();
    let shop = Participant::start();
    let (gate, cancels) = (Gate::default(), Gate::default());
    shop.answers("stock", "try", [done_with(&json!("too late")).behind(&gate)]);
    shop.answers("stock", "cancel", [done().behind(&cancels)]);
    let patient = with(shop.tcc("stock"), json!({ "timeout_ms": 60_000 }));
    server.begin(&with(tcc("t", [patient]), json!({ "deadline_ms": 600_000 })));
    shop.wait_calls("stock", "try", 1);
    server.post("/v1/transactions/t/cancel", &json!({ "detail": "gone" })).is(202);
    shop.wait_calls("stock", "cancel", 1);
    gate.open();
    until("the late reply", || server.timeline("t").contains(&"try_done stock".to_owned()).then_some(()));
    assert_eq!(server.show("t")["branches"][0]["state"], "cancelling");
    cancels.open();
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["reason"]["code"]), (&json!("cancelled"), &json!("withdrawn")));
    assert_eq!((shop.calls("stock", "try").len(), shop.calls("stock", "confirm").len()), (1, 0));
}

#[test]
fn a_refused_confirm_needs_attention_at_once_and_is_retried_all_the_same() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "confirm", [refused("no such hold"), refused("no such hold"), done()]);
    server.begin(&with(
        tcc("t", [shop.tcc("stock")]),
        json!({ "retry": { "initial_ms": 500, "max_ms": 1000 } }),
    ));
    let body = server.wait_until("t", |body| body["needs_attention"] == true);
    assert_eq!((&body["state"], &body["decision"]), (&json!("confirming"), &json!("confirm")));
    assert_eq!(body["branches"][0]["last_error"], "no such hold");
    assert!(body["branches"][0]["next_attempt_at"].is_string());
    assert_eq!(shop.calls("stock", "confirm").len(), 1, "one refusal is enough");
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["needs_attention"]), (&json!("confirmed"), &json!(false)));
    assert!(shop.calls("stock", "cancel").is_empty(), "a confirm is never turned into a cancel");
}

#[test]
fn retries_that_do_not_help_need_attention_and_go_on() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("points", "try", [refused("no")]);
    shop.answers("stock", "cancel", [fails(500)]);
    server.begin(&tcc("t", [shop.tcc("stock"), shop.tcc("points")]));
    let body = server.wait_until("t", |body| body["needs_attention"] == true);
    assert_eq!(body["state"], "cancelling");
    assert_eq!(shop.calls("stock", "cancel").len(), 3, "attention_after is 3");
    shop.wait_calls("stock", "cancel", 5);
    let metrics = server.get("/metrics").text;
    assert!(metrics.contains("tercet_transactions_attention 1"), "{metrics}");
    shop.answers("stock", "cancel", [done()]);
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["needs_attention"]), (&json!("cancelled"), &json!(false)));
    assert!(server.get("/metrics").text.contains("tercet_transactions_attention 0"));
}

#[test]
fn a_withdraw_while_cooling_cancels_and_without_one_it_confirms() {
    let server = Tercet::start();
    let shop = Participant::start();
    let cooling = |id: &str, ms: u64| with(tcc(id, [shop.tcc("stock")]), json!({ "cooling_off_ms": ms }));
    server.begin(&cooling("t", 600_000));
    let body = server.wait_state("t", "cooling");
    assert!(body["cooling_until"].is_string() && body["decision"].is_null());
    assert_eq!(
        server.post("/v1/transactions/t/cancel", &json!({ "wait_ms": 10_000 })).is(200).body["state"],
        "cancelled"
    );
    let body = server.show("t");
    assert_eq!(body["reason"]["code"], "withdrawn");
    assert!(shop.calls("stock", "confirm").is_empty());

    server.begin(&cooling("u", 200));
    server.wait_state("u", "cooling");
    assert_eq!(server.wait_final("u")["state"], "confirmed");
    assert_eq!(
        server.timeline("u"),
        ["begun", "try_done stock", "cooling", "decided", "confirm_done stock", "confirmed"]
    );
}

#[test]
fn a_withdraw_is_too_late_after_the_decision() {
    let server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("stock", "confirm", [done().behind(&gate)]);
    server.begin(&tcc("t", [shop.tcc("stock")]));
    server.wait_state("t", "confirming");
    server.post("/v1/transactions/t/cancel", &json!({})).is_refusal(409, "already_decided");
    gate.open();
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    server.post("/v1/transactions/t/cancel", &json!({})).is_refusal(409, "already_decided");
}

#[test]
fn a_repeated_withdraw_answers_the_first_reason() {
    let server = Tercet::start();
    server.begin(&tcc("t", [awaited("pay")]));
    server.post("/v1/transactions/t/cancel", &json!({ "detail": "first" })).is(200);
    let again = server.post("/v1/transactions/t/cancel", &json!({ "detail": "second" }));
    assert_eq!(again.is(200).body["reason"]["detail"], "first");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[test]
fn what_is_managed_is_not_confirmed_by_hand() {
    let server = Tercet::start();
    server.begin(&tcc("t", [awaited("pay")]));
    server.post("/v1/transactions/t/confirm", &json!({})).is_refusal(409, "not_interactive");
    server.post("/v1/transactions/t/branches", &awaited("x")).is_refusal(409, "not_interactive");
    assert_eq!(server.show("t")["state"], "trying");
}

#[test]
fn retry_makes_a_waiting_call_at_once() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "confirm", [fails(500), done()]);
    let slow = json!({ "retry": { "initial_ms": 600_000, "max_ms": 600_000, "attention_after": 1 } });
    server.begin(&with(tcc("t", [shop.tcc("stock")]), slow));
    server.wait_until("t", |body| body["needs_attention"] == true);
    let retried = server.post("/v1/transactions/t/retry", &json!({}));
    assert_eq!(retried.is(200).body["needs_attention"], false);
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    server.post("/v1/transactions/t/retry", &json!({})).is_refusal(409, "already_final");
    server.post("/v1/transactions/none/retry", &json!({})).is_refusal(404, "transaction_unknown");
    assert!(server.timeline("t").contains(&"retried".to_owned()));
}
