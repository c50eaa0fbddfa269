//! The rush: a thousand buyers at the same instant for a hundred units. Exactly a hundred are sold.

use serde_json::json;

use crate::support::{Tercet, at_once, hold, raise_limit, tcc, with};

const BUYERS: usize = 1_000;

fn count(told: &[String], word: &str) -> usize {
    told.iter().filter(|it| *it == word).count()
}

#[test]
fn a_thousand_buyers_for_a_hundred_units() {
    raise_limit();
    let server = Tercet::start();
    server.points(&["stock"]);
    assert_eq!(
        server.batch("entries", json!([{ "from": "stock", "to": "issuer", "amount": "900" }])),
        ["posted"]
    );
    let told = at_once(BUYERS, |number| {
        let branch = hold("stock", ("stock", "sink"), "1");
        let spec = with(tcc(&format!("buyer-{number}"), [branch]), json!({ "wait_ms": 20_000 }));
        server.post("/v1/transactions", &spec).is(200).body["state"].as_str().unwrap().to_owned()
    });
    assert_eq!((count(&told, "confirmed"), count(&told, "cancelled")), (100, 900));
    assert_eq!((server.balance("stock"), server.balance("sink")), ((0, 0), (100, 0)));
    assert_eq!(server.sum_of_all(), 0);
    for (number, told) in told.iter().enumerate() {
        let state = server.hold_state(&format!("buyer-{number}/stock"));
        assert_eq!(state == "captured", told == "confirmed", "buyer-{number}: {state:?}");
    }
}

#[test]
fn a_thousand_plain_holds_for_a_hundred_units() {
    raise_limit();
    let server = Tercet::start();
    server.points(&["stock"]);
    let told = at_once(BUYERS, |number| {
        let member = json!([{ "id": format!("h-{number}"), "from": "stock", "to": "sink", "amount": "10" }]);
        server.batch("holds", member).remove(0)
    });
    assert_eq!((count(&told, "held"), count(&told, "insufficient")), (100, 900));
    assert_eq!(server.balance("stock"), (1000, 1000));
}

#[test]
fn a_thousand_orders_for_one_coupon() {
    raise_limit();
    let server = Tercet::start();
    server.coupons(&["C-1"]);
    let told = at_once(BUYERS, |number| {
        let branch = with(crate::support::item("coupon", "C-1"), json!({ "owner": "ann" }));
        let spec = with(tcc(&format!("order-{number}"), [branch]), json!({ "wait_ms": 20_000 }));
        server.post("/v1/transactions", &spec).is(200).body["state"].as_str().unwrap().to_owned()
    });
    assert_eq!((count(&told, "confirmed"), count(&told, "cancelled")), (1, 999));
    assert_eq!(server.item_state("C-1"), "used");
}
