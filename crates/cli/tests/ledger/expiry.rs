//! What ends by itself: holds and lots, also while nobody runs the server.

use std::time::Duration;

use serde_json::json;

use crate::support::{Tercet, until};

#[test]
fn a_hold_expires_also_across_a_kill_and_can_be_reopened() {
    let mut server = Tercet::start();
    server.points(&["ann"]);
    let holds = json!([
        { "id": "short", "from": "ann", "to": "sink", "amount": "100", "expires_in_ms": 300 },
        { "id": "long", "from": "ann", "to": "sink", "amount": "50", "expires_in_ms": 600_000 },
    ]);
    assert_eq!(server.batch("holds", holds), ["held", "held"]);
    server.kill();
    std::thread::sleep(Duration::from_millis(400));
    server.restart();
    until("the hold to expire", || (server.hold_state("short") == "expired").then_some(()));
    assert_eq!((server.hold_state("long").as_str(), server.balance("ann")), ("held", (1000, 50)));
    server.post("/v1/holds/short/capture", &json!({ "id": "late" })).is_refusal(409, "hold_expired");

    let reopened = server.post("/v1/holds/short/reopen", &json!({ "id": "r-1", "expires_in_ms": 600_000 }));
    assert_eq!(reopened.is(200).body["state"], "held");
    assert_eq!(server.balance("ann"), (1000, 150));
    server.post("/v1/holds/short/capture", &json!({ "id": "now" })).is(200);
    server.restart();
    assert_eq!((server.balance("ann"), server.balance("sink")), ((900, 50), (100, 0)));
}

#[test]
fn lots_are_spent_first_expiring_first_and_what_lapses_goes_to_the_sink() {
    let mut server = Tercet::start();
    server.points(&[]);
    let account = json!([{ "id": "bob", "asset": "points", "lots": { "sink": "sink" } }]);
    assert_eq!(server.batch("accounts", account), ["opened"]);
    let credits = json!([
        { "id": "late", "from": "issuer", "to": "bob", "amount": "300", "expires_in_ms": 600_000 },
        { "id": "soon", "from": "issuer", "to": "bob", "amount": "100", "expires_in_ms": 500 },
        { "id": "ever", "from": "issuer", "to": "bob", "amount": "50" },
    ]);
    assert_eq!(server.batch("entries", credits), ["posted"; 3]);
    let spend = json!([{ "id": "s-1", "from": "bob", "to": "issuer", "amount": "60" }]);
    assert_eq!(server.batch("entries", spend), ["posted"]);
    server.kill();
    std::thread::sleep(Duration::from_millis(600));
    server.restart();
    until("what was left of the first lot to lapse", || (server.balance("sink").0 == 40).then_some(()));
    assert_eq!((server.balance("bob"), server.sum_of_all()), ((350, 0), 0));
    let lots = server.get("/v1/accounts/bob").body["lots"]["open"].clone();
    let free: Vec<_> = lots.as_array().unwrap().iter().map(|lot| lot["free"].as_str().unwrap()).collect();
    assert_eq!(free, ["300", "50"]);
}

#[test]
fn what_lapsed_under_a_hold_goes_to_the_sink_when_it_is_released() {
    let server = Tercet::start();
    server.points(&[]);
    let account = json!([{ "id": "bob", "asset": "points", "lots": { "sink": "sink" } }]);
    assert_eq!(server.batch("accounts", account), ["opened"]);
    let credits = json!([
        { "id": "soon", "from": "issuer", "to": "bob", "amount": "100", "expires_in_ms": 300 },
        { "id": "late", "from": "issuer", "to": "bob", "amount": "300", "expires_in_ms": 600_000 },
    ]);
    assert_eq!(server.batch("entries", credits), ["posted"; 2]);
    let hold = json!([{ "id": "h-1", "from": "bob", "to": "issuer", "amount": "150" }]);
    assert_eq!(server.batch("holds", hold), ["held"]);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(
        (server.balance("bob"), server.balance("sink")),
        ((400, 150), (0, 0)),
        "what is held does not lapse"
    );
    server.post("/v1/holds/h-1/release", &json!({})).is(200);
    until("what lapsed to be posted", || (server.balance("sink").0 == 100).then_some(()));
    assert_eq!((server.balance("bob"), server.sum_of_all()), ((300, 0), 0));
}
