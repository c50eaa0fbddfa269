//! Transactions of a call, a hold, an item and an await together: all of it, or nothing of it.

use serde_json::{Value, json};

use crate::support::{Participant, Tercet, awaited, hold, item, refused, tcc, with};

fn mixed(id: &str, shop: &Participant) -> Value {
    let coupon = with(item("coupon", "C-1"), json!({ "owner": "ann" }));
    let spec = tcc(id, [shop.tcc("order"), hold("points", ("ann", "sink"), "300"), coupon, awaited("pay")]);
    with(spec, json!({ "deadline_ms": 600_000 }))
}

fn world() -> (Tercet, Participant) {
    let server = Tercet::start();
    server.points(&["ann"]);
    server.coupons(&["C-1"]);
    (server, Participant::start())
}

fn signal(server: &Tercet, id: &str, outcome: &str) {
    server
        .post(&format!("/v1/transactions/{id}/branches/pay/signal"), &json!({ "outcome": outcome }))
        .is(200);
}

/// Everything is tried but the payment.
fn begun(server: &Tercet, shop: &Participant, id: &str) {
    server.begin(&mixed(id, shop));
    server.wait_until(id, |body| {
        let branches = body["branches"].as_array().unwrap();
        branches[..3].iter().all(|branch| branch["state"] == "tried")
    });
    assert_eq!(server.balance("ann"), (1000, 300));
    assert_eq!(
        (server.item_state("C-1").as_str(), server.hold_state(&format!("{id}/points")).as_str()),
        ("locked", "held")
    );
}

#[test]
fn all_of_it_is_confirmed() {
    let (mut server, shop) = world();
    begun(&server, &shop, "t");
    server.restart();
    assert_eq!(server.balance("ann"), (1000, 300), "what is held survives a kill");
    signal(&server, "t", "done");
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    assert_eq!((server.balance("ann"), server.balance("sink")), ((700, 0), (300, 0)));
    assert_eq!(
        (server.item_state("C-1").as_str(), server.hold_state("t/points").as_str()),
        ("used", "captured")
    );
    assert_eq!(shop.calls("order", "confirm").len(), 1);
    let line =
        server.get("/v1/accounts/ann/entries?transaction=t&order=newest").is(200).body["items"][0].clone();
    assert_eq!((&line["event"], &line["cause"]["branch"]), (&json!("captured"), &json!("points")));
}

#[test]
fn a_refused_payment_gives_all_of_it_back() {
    let (server, shop) = world();
    begun(&server, &shop, "t");
    signal(&server, "t", "refused");
    assert_eq!(server.wait_final("t")["state"], "cancelled");
    assert_eq!((server.balance("ann"), server.balance("sink")), ((1000, 0), (0, 0)));
    assert_eq!(
        (server.item_state("C-1").as_str(), server.hold_state("t/points").as_str()),
        ("active", "released")
    );
    assert_eq!((shop.calls("order", "cancel").len(), shop.calls("order", "confirm").len()), (1, 0));
}

#[test]
fn the_deadline_gives_all_of_it_back() {
    let (server, shop) = world();
    server.begin(&with(mixed("t", &shop), json!({ "deadline_ms": 300 })));
    let body = server.wait_final("t");
    assert_eq!((&body["state"], &body["reason"]["code"]), (&json!("cancelled"), &json!("deadline_passed")));
    assert_eq!((server.balance("ann"), server.item_state("C-1").as_str()), ((1000, 0), "active"));
}

#[test]
fn a_refused_try_of_any_branch_leaves_nothing_behind() {
    let (server, shop) = world();
    shop.answers("order", "try", [refused("sold out")]);
    server.begin(&mixed("by-call", &shop));
    assert_eq!(server.wait_final("by-call")["reason"]["branch"], "order");

    let dear = hold("points", ("ann", "sink"), "1001");
    server.begin(&tcc("by-hold", [dear, awaited("pay")]));
    let body = server.wait_final("by-hold");
    assert_eq!(body["reason"]["branch"], "points");
    assert!(body["reason"]["detail"].as_str().unwrap().contains("insufficient"), "{body}");

    let stranger = with(item("coupon", "C-1"), json!({ "owner": "bob" }));
    server.begin(&tcc("by-item", [hold("points", ("ann", "sink"), "5"), stranger, awaited("pay")]));
    assert_eq!(server.wait_final("by-item")["reason"]["branch"], "coupon");
    assert_eq!((server.balance("ann"), server.item_state("C-1").as_str()), ((1000, 0), "active"));
}

#[test]
fn what_a_transaction_holds_is_its_own() {
    let (server, shop) = world();
    begun(&server, &shop, "t");
    server.post("/v1/holds/t%2Fpoints/capture", &json!({ "id": "mine" })).is_refusal(409, "hold_owned");
    server.post("/v1/holds/t%2Fpoints/release", &json!({})).is_refusal(409, "hold_owned");
    server.move_item("C-1", ("mine", "use")).is_refusal(409, "item_held");
    server.begin(&tcc("u", [with(item("coupon", "C-1"), json!({ "owner": "ann" })), awaited("pay")]));
    assert_eq!(server.wait_final("u")["state"], "cancelled");
    signal(&server, "t", "done");
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    server.move_item("C-1", ("mine", "lock")).is_refusal(409, "move_undeclared");
}

#[test]
fn several_legs_are_held_all_or_none_and_such_a_transaction_is_final_at_once() {
    let server = Tercet::start();
    server.points(&["ann", "bob"]);
    let legs = |amount: &str| {
        json!({ "id": "both", "kind": "hold", "holds": [
            { "from": "ann", "to": "sink", "amount": "10" },
            { "from": "bob", "to": "sink", "amount": amount },
        ] })
    };
    assert_eq!(server.begin(&tcc("t", [legs("20")])).is(200).body["state"], "confirmed");
    assert_eq!(server.begin(&tcc("u", [legs("1000")])).is(200).body["state"], "cancelled");
    assert_eq!(
        (server.balance("ann"), server.balance("bob"), server.balance("sink")),
        ((990, 0), (980, 0), (30, 0))
    );
    let again = server.begin(&tcc("t", [legs("20")]));
    assert_eq!((again.header("idempotent-replayed"), server.balance("sink")), (Some("true"), (30, 0)));
}
