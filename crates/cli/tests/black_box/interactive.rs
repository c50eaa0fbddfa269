//! Interactive TCC transactions: the initiator registers, tries and decides; the coordinator remembers and drives.

use serde_json::json;

use crate::support::{Participant, Tercet, awaited, tcc, with};

fn begin(server: &Tercet, id: &str) {
    server.begin(&with(tcc(id, []), json!({ "mode": "interactive", "deadline_ms": 600_000 })));
}

#[test]
fn registered_branches_are_confirmed_and_never_tried_by_the_coordinator() {
    let server = Tercet::start();
    let shop = Participant::start();
    begin(&server, "t");
    for branch in ["stock", "points"] {
        let reply = server.post("/v1/transactions/t/branches", &shop.tcc(branch));
        assert_eq!(reply.is(200).header("idempotent-replayed"), None);
    }
    let body = server.post("/v1/transactions/t/confirm", &json!({ "wait_ms": 10_000 })).is(200).body.clone();
    assert_eq!((&body["state"], &body["decision"]), (&json!("confirmed"), &json!("confirm")));
    let mut order = shop.order();
    order.sort();
    assert_eq!(order, ["points.confirm", "stock.confirm"]);
    let registered = ["begun", "branch_registered stock", "branch_registered points", "decided"];
    assert_eq!(server.timeline("t")[..4], registered);
}

#[test]
fn registering_again_is_answered_and_other_content_refused() {
    let server = Tercet::start();
    let shop = Participant::start();
    begin(&server, "t");
    let path = "/v1/transactions/t/branches";
    server.post(path, &shop.tcc("stock")).is(200);
    let again = server.post(path, &shop.tcc("stock"));
    assert_eq!(again.is(200).header("idempotent-replayed"), Some("true"));
    assert_eq!(again.body["branches"].as_array().map(Vec::len), Some(1));
    server
        .post(path, &with(shop.tcc("stock"), json!({ "timeout_ms": 5 })))
        .is_refusal(422, "branch_mismatch");
    server.post(path, &with(shop.tcc("x"), json!({ "after": ["none"] }))).is_refusal(400, "after_unknown");
    server.post("/v1/transactions/none/branches", &shop.tcc("x")).is_refusal(404, "transaction_unknown");
}

#[test]
fn a_decision_is_taken_once() {
    let server = Tercet::start();
    let shop = Participant::start();
    for (first, other) in [("confirm", "cancel"), ("cancel", "confirm")] {
        let path = format!("/v1/transactions/{first}");
        begin(&server, first);
        server.post(&format!("{path}/branches"), &shop.tcc("stock")).is(200);
        let taken = server.post(&format!("{path}/{first}"), &json!({ "wait_ms": 10_000 }));
        let decided = taken.is(200).body.clone();
        assert_eq!(taken.header("idempotent-replayed"), None);
        let again = server.post(&format!("{path}/{first}"), &json!({}));
        assert_eq!(again.is(200).header("idempotent-replayed"), Some("true"));
        assert_eq!(again.body, decided);
        server.post(&format!("{path}/{other}"), &json!({})).is_refusal(409, "already_decided");
        server.post(&format!("{path}/branches"), &shop.tcc("late")).is_refusal(409, "already_decided");
        // What was registered before is still the same registration.
        server.post(&format!("{path}/branches"), &shop.tcc("stock")).is(200);
        assert_eq!(server.show(first), decided);
    }
    assert_eq!(shop.order(), ["stock.confirm", "stock.cancel"]);
}

#[test]
fn a_cancel_goes_to_branches_whose_try_never_came() {
    let server = Tercet::start();
    let shop = Participant::start();
    begin(&server, "t");
    server.post("/v1/transactions/t/branches", &shop.tcc("stock")).is(200);
    let body = server.post("/v1/transactions/t/cancel", &json!({ "detail": "no", "wait_ms": 10_000 }));
    assert_eq!(body.is(200).body["reason"], json!({ "code": "withdrawn", "branch": null, "detail": "no" }));
    assert_eq!(shop.order(), ["stock.cancel"], "an empty cancel is for the participant's barrier to see");
}

#[test]
fn the_deadline_cancels_what_the_initiator_left() {
    let server = Tercet::start();
    let shop = Participant::start();
    let spec = with(tcc("t", [shop.tcc("stock")]), json!({ "mode": "interactive", "deadline_ms": 200 }));
    server.begin(&spec);
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["reason"]["code"]), (&json!("cancelled"), &json!("deadline_passed")));
    assert_eq!(shop.order(), ["stock.cancel"]);
    server.post("/v1/transactions/t/confirm", &json!({})).is_refusal(409, "already_decided");
}

#[test]
fn a_confirm_waits_for_the_signals() {
    let server = Tercet::start();
    server.begin(&with(tcc("t", [awaited("pay")]), json!({ "mode": "interactive" })));
    server.post("/v1/transactions/t/confirm", &json!({})).is_refusal(409, "not_all_tried");
    server.post("/v1/transactions/t/branches/pay/signal", &json!({ "outcome": "done" })).is(200);
    assert_eq!(server.show("t")["state"], "trying", "an interactive transaction decides nothing by itself");
    assert_eq!(server.post("/v1/transactions/t/confirm", &json!({})).is(200).body["state"], "confirmed");
}

#[test]
fn a_confirmed_one_cools_off_and_can_be_withdrawn() {
    let server = Tercet::start();
    let shop = Participant::start();
    let spec =
        with(tcc("t", [shop.tcc("stock")]), json!({ "mode": "interactive", "cooling_off_ms": 600_000 }));
    server.begin(&spec);
    assert_eq!(server.post("/v1/transactions/t/confirm", &json!({})).is(202).body["state"], "cooling");
    let body = server.post("/v1/transactions/t/cancel", &json!({ "wait_ms": 10_000 })).is(200).body.clone();
    assert_eq!((&body["state"], &body["reason"]["code"]), (&json!("cancelled"), &json!("withdrawn")));
    assert_eq!(shop.order(), ["stock.cancel"]);
}

#[test]
fn no_branches_at_all_is_final_with_the_decision() {
    let server = Tercet::start();
    begin(&server, "t");
    assert_eq!(server.post("/v1/transactions/t/confirm", &json!({})).is(200).body["state"], "confirmed");
    let managed = tcc("u", []);
    server.post("/v1/transactions", &managed).is_refusal(400, "branches_invalid");
}
