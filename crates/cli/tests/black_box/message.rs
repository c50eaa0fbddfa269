//! Messages: submitted at once, or prepared and then submitted, aborted or checked back.

use serde_json::{Value, json};

use crate::support::{Gate, Participant, Tercet, done, fails, in_progress, message, never, refused, with};

fn prepared(shop: &Participant, id: &str, check_after_ms: u64) -> Value {
    let fields =
        json!({ "mode": "interactive", "check": shop.url("check"), "check_after_ms": check_after_ms });
    with(message(id, [shop.deliver("mail"), shop.deliver("stock")]), fields)
}

#[test]
fn a_managed_message_is_submitted_at_once_and_delivered_to_all() {
    let server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("mail", "deliver", [fails(500), done().behind(&gate)]);
    let reply = server.begin(&message("t", [shop.deliver("mail"), shop.deliver("stock")]));
    assert_eq!((&reply.body["state"], &reply.body["deadline_at"]), (&json!("submitted"), &Value::Null));
    shop.wait_calls("mail", "deliver", 2);
    gate.open();
    let body = server.wait_final("t");
    assert_eq!(body["state"], "delivered");
    let branch = &body["branches"][0];
    assert_eq!((&branch["state"], &branch["attempts"]), (&json!("delivered"), &json!({ "deliver": 2 })));
    assert_eq!(shop.calls("stock", "deliver").len(), 1);
}

#[test]
fn a_sequential_message_is_delivered_in_order() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("a", "deliver", [fails(500), done()]);
    let spec = message("t", [shop.deliver("a"), shop.deliver("b")]);
    server.begin(&with(spec, json!({ "order": "sequential" })));
    server.wait_final("t");
    assert_eq!(shop.order(), ["a.deliver", "a.deliver", "b.deliver"]);
}

#[test]
fn a_refused_delivery_needs_attention_and_goes_on() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("mail", "deliver", [refused("unknown address")]);
    server.begin(&message("t", [shop.deliver("mail")]));
    let body = server.wait_until("t", |body| body["needs_attention"] == true);
    assert_eq!((&body["state"], &body["branches"][0]["state"]), (&json!("submitted"), &json!("delivering")));
    shop.wait_calls("mail", "deliver", 3);
    shop.answers("mail", "deliver", [done()]);
    assert_eq!(server.wait_final("t")["state"], "delivered");
}

#[test]
fn a_prepared_message_is_delivered_when_confirmed_and_not_before() {
    let server = Tercet::start();
    let shop = Participant::start();
    let reply = server.begin(&prepared(&shop, "t", 600_000));
    assert_eq!((reply.status, &reply.body["state"]), (202, &json!("prepared")));
    assert_eq!(reply.body["branches"][0]["state"], "registered");
    assert!(shop.all_calls().is_empty());
    server.post("/v1/transactions/t/confirm", &json!({ "wait_ms": 10_000 })).is(200);
    assert_eq!(server.show("t")["state"], "delivered");
    let mut order = shop.order();
    order.sort();
    assert_eq!(order, ["mail.deliver", "stock.deliver"]);
    server.post("/v1/transactions/t/cancel", &json!({})).is_refusal(409, "already_decided");
}

#[test]
fn a_prepared_message_can_be_aborted_and_nothing_is_called() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&prepared(&shop, "t", 600_000));
    let reply = server.post("/v1/transactions/t/cancel", &json!({ "detail": "rolled back here" }));
    assert_eq!(reply.is(200).body["state"], "aborted");
    assert_eq!(reply.body["reason"]["code"], "withdrawn");
    assert_eq!(reply.body["branches"][0]["state"], "registered");
    server.post("/v1/transactions/t/confirm", &json!({})).is_refusal(409, "already_decided");
    assert!(shop.all_calls().is_empty());
}

#[test]
fn the_check_back_submits() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("check", "check", [never(), fails(500), in_progress(), done()]);
    server.begin(&prepared(&shop, "t", 50));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["decision"]), (&json!("delivered"), &json!("confirm")));
    let checks = shop.calls("check", "check");
    assert_eq!(checks.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!((checks[0].transaction.as_str(), checks[0].path.as_str()), ("t", "/check"));
    let timeline = server.timeline("t");
    let events = ["begun", "check_unknown", "check_unknown", "check_in_progress", "check_done", "decided"];
    assert_eq!(timeline[..6], events, "{timeline:?}");
}

#[test]
fn the_check_back_aborts() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("check", "check", [refused("never happened")]);
    server.begin(&prepared(&shop, "t", 50));
    let body = server.wait_final("t");
    assert_eq!(body["state"], "aborted");
    let reason = json!({ "code": "check_refused", "branch": null, "detail": "never happened" });
    assert_eq!(body["reason"], reason);
    assert_eq!(shop.order(), ["check.check"]);
}

#[test]
fn a_check_back_that_nobody_answers_needs_attention() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("check", "check", [fails(500)]);
    server.begin(&prepared(&shop, "t", 20));
    let body = server.wait_until("t", |body| body["needs_attention"] == true);
    assert_eq!(body["state"], "prepared", "unknown decides nothing");
    assert_eq!(body["check"]["last_error"], "HTTP 500");
    // The initiator may still say what it is.
    server.post("/v1/transactions/t/confirm", &json!({ "wait_ms": 10_000 })).is(200);
    let body = server.show("t");
    assert_eq!((&body["state"], &body["needs_attention"]), (&json!("delivered"), &json!(false)));
}

#[test]
fn a_confirm_beats_a_check_back_under_way() {
    let server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("check", "check", [refused("not yet").behind(&gate)]);
    server.begin(&prepared(&shop, "t", 20));
    shop.wait_calls("check", "check", 1);
    server.post("/v1/transactions/t/confirm", &json!({})).is(202);
    gate.open();
    assert_eq!(server.wait_final("t")["state"], "delivered");
}

#[test]
fn what_does_not_belong_to_a_message_is_refused() {
    let server = Tercet::start();
    let shop = Participant::start();
    let no_check = with(message("t", [shop.deliver("mail")]), json!({ "mode": "interactive" }));
    assert_eq!(
        server.post("/v1/transactions", &no_check).is_refusal(400, "field_missing").body["at"],
        "/check"
    );
    let managed_check = with(message("t", [shop.deliver("mail")]), json!({ "check": shop.url("check") }));
    server.post("/v1/transactions", &managed_check).is_refusal(400, "field_unexpected");
    let waits = message("t", [json!({ "id": "pay", "kind": "await" })]);
    server.post("/v1/transactions", &waits).is_refusal(400, "kind_unsupported");
    let tries = message("t", [with(shop.deliver("mail"), json!({ "try": shop.url("try") }))]);
    server.post("/v1/transactions", &tries).is_refusal(400, "field_unexpected");
    server.get("/v1/transactions/t").is_refusal(404, "transaction_unknown");
}
