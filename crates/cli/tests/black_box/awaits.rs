//! `await` branches: tried when an outside fact is signalled, refused when it fails or comes too late.

use serde_json::{Value, json};

use crate::support::{Participant, Tercet, awaited, tcc, with};

const SIGNAL: &str = "/v1/transactions/t/branches/pay/signal";

#[test]
fn a_signal_done_completes_the_branch_with_its_result() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&tcc("t", [awaited("pay"), shop.tcc("stock")]));
    server.wait_until("t", |body| body["branches"][1]["state"] == "tried");
    assert_eq!(server.show("t")["branches"][0]["state"], "trying");
    let reply = server.post(SIGNAL, &json!({ "outcome": "done", "result": { "paid": "12.50" } }));
    assert_eq!(reply.is(200).body["branches"][0]["result"], json!({ "paid": "12.50" }));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["branches"][0]["state"]), (&json!("confirmed"), &json!("confirmed")));
}

#[test]
fn a_signal_refused_cancels() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&tcc("t", [awaited("pay"), shop.tcc("stock")]));
    server.post(SIGNAL, &json!({ "outcome": "refused" })).is(200);
    let body = server.wait_final("t");
    assert_eq!(body["state"], "cancelled");
    assert_eq!(
        (&body["reason"]["code"], &body["reason"]["branch"]),
        (&json!("branch_refused"), &json!("pay"))
    );
    assert_eq!(shop.calls("stock", "cancel").len(), 1);
}

#[test]
fn a_repeated_signal_is_answered_and_another_outcome_refused() {
    let server = Tercet::start();
    server.begin(&tcc("t", [awaited("pay"), awaited("other")]));
    server.post(SIGNAL, &json!({ "outcome": "done", "result": 1 })).is(200);
    let again = server.post(SIGNAL, &json!({ "outcome": "done", "result": 2 }));
    assert_eq!(again.is(200).body["branches"][0]["result"], 1, "the first one stands");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    server.post(SIGNAL, &json!({ "outcome": "refused" })).is_refusal(409, "already_signalled");
    server.post("/v1/transactions/t/branches/other/signal", &json!({ "outcome": "done" })).is(200);
    server.wait_final("t");
    server.post(SIGNAL, &json!({ "outcome": "done" })).is(200);
    server.post(SIGNAL, &json!({ "outcome": "refused" })).is_refusal(409, "already_signalled");
}

#[test]
fn a_signal_after_the_decision_is_too_late() {
    let server = Tercet::start();
    server.begin(&with(tcc("t", [awaited("pay")]), json!({ "deadline_ms": 100 })));
    let body = server.wait_final("t");
    assert_eq!(body["reason"]["code"], "deadline_passed");
    server.post(SIGNAL, &json!({ "outcome": "done" })).is_refusal(409, "already_decided");
    assert_eq!(server.show("t")["state"], "cancelled");
}

#[test]
fn only_await_branches_that_exist_can_be_signalled() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&tcc("t", [awaited("pay"), shop.tcc("stock")]));
    let done = json!({ "outcome": "done" });
    server.post("/v1/transactions/t/branches/stock/signal", &done).is_refusal(409, "not_awaited");
    server.post("/v1/transactions/t/branches/none/signal", &done).is_refusal(404, "branch_unknown");
    server.post("/v1/transactions/none/branches/pay/signal", &done).is_refusal(404, "transaction_unknown");
    let refusal = server.post(SIGNAL, &json!({ "outcome": "maybe" }));
    assert_eq!((refusal.status, &refusal.body["at"]), (400, &json!("/outcome")), "{}", refusal.text);
    let large = json!({ "outcome": "done", "result": "x".repeat(65 * 1024) });
    server.post(SIGNAL, &large).is_refusal(413, "result_too_large");
    assert_eq!(server.show("t")["branches"][0]["state"], "trying");
}

#[test]
fn a_branch_after_an_await_is_tried_when_the_fact_has_come() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&tcc("t", [awaited("pay"), with(shop.tcc("ship"), json!({ "after": ["pay"] }))]));
    assert!(shop.all_calls().is_empty());
    server.post(SIGNAL, &json!({ "outcome": "done" })).is(200);
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    assert_eq!(shop.order(), ["ship.try", "ship.confirm"]);
}

#[test]
fn ids_with_slashes_and_colons_are_one_segment_of_the_path() {
    let server = Tercet::start();
    server.begin(&tcc("shop/order:1", [awaited("pay/card")]));
    let path = "/v1/transactions/shop%2Forder:1/branches/pay%2Fcard/signal";
    server.post(path, &json!({ "outcome": "done" })).is(200);
    assert_eq!(server.show("shop/order:1")["state"], "confirmed");
    server.get("/v1/transactions/shop/order:1").is_refusal(404, "path_unknown");
    assert_eq!(server.get("/v1/transactions/%00").is_refusal(400, "id_invalid").body["seq"], Value::Null);
}
