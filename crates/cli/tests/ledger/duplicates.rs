//! The same id a thousand times at the same instant: one effect, and every answer is the first one's or `duplicate`.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::{Reply, Tercet, at_once, raise_limit};

const TIMES: usize = 1_000;

fn counted(told: Vec<String>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in told {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

fn once(word: &str) -> HashMap<String, usize> {
    [(word.to_owned(), 1), ("duplicate".to_owned(), TIMES - 1)].into()
}

#[test]
fn one_entry_id_posts_once() {
    raise_limit();
    let mut server = Tercet::start();
    server.points(&["ann"]);
    let entry = json!([{ "id": "e-1", "from": "ann", "to": "sink", "amount": "7" }]);
    let told = at_once(TIMES, |_| server.batch("entries", entry.clone()).remove(0));
    assert_eq!(counted(told), once("posted"));
    assert_eq!(server.balance("ann"), (993, 0));
    let other = json!([{ "id": "e-1", "from": "ann", "to": "sink", "amount": "8" }]);
    for _ in 0..2 {
        assert_eq!(server.batch("entries", entry.clone()), ["duplicate"]);
        assert_eq!(server.batch("entries", other.clone()), ["id_mismatch"]);
        server.restart();
    }
    assert_eq!(server.balance("ann"), (993, 0));
}

#[test]
fn one_hold_id_holds_once_and_one_capture_id_captures_once() {
    raise_limit();
    let mut server = Tercet::start();
    server.points(&["ann"]);
    let hold = json!([{ "id": "h-1", "from": "ann", "to": "sink", "amount": "100" }]);
    let told = at_once(TIMES, |_| server.batch("holds", hold.clone()).remove(0));
    assert_eq!(counted(told), once("held"));
    assert_eq!(server.balance("ann"), (1000, 100));

    let capture = |body: &Value| server.post("/v1/holds/h-1/capture", body);
    let replies = at_once(TIMES, |_| capture(&json!({ "id": "c-1", "amount": "30" })));
    assert!(replies.iter().all(|reply| reply.status == 200), "{}", replies[0].text);
    assert_eq!((server.balance("ann"), server.balance("sink")), ((970, 70), (30, 0)));
    capture(&json!({ "id": "c-1", "amount": "31" })).is_refusal(422, "id_mismatch");
    capture(&json!({ "id": "c-2", "amount": "71" })).is_refusal(409, "capture_exceeds_hold");

    let told: Vec<Reply> = at_once(TIMES, |_| server.post("/v1/holds/h-1/release", &json!({})));
    assert!(
        told.iter().all(|reply| reply.status == 200 || reply.code() == "hold_closed"),
        "{}",
        told[0].text
    );
    assert_eq!(server.balance("ann"), (970, 0));
    server.restart();
    assert_eq!((server.balance("ann"), server.balance("sink")), ((970, 0), (30, 0)));
    assert_eq!(server.batch("holds", hold), ["duplicate"]);
    capture_again(&server);
}

/// A closed hold still tells its captures from new ones.
fn capture_again(server: &Tercet) {
    server.post("/v1/holds/h-1/capture", &json!({ "id": "c-1", "amount": "30" })).is(200);
    server.post("/v1/holds/h-1/capture", &json!({ "id": "c-9" })).is_refusal(409, "hold_closed");
    assert_eq!(server.balance("sink"), (30, 0));
}

#[test]
fn one_move_id_moves_once() {
    raise_limit();
    let server = Tercet::start();
    server.coupons(&["C-1"]);
    let replies = at_once(TIMES, |_| server.move_item("C-1", ("m-1", "lock")));
    assert!(replies.iter().all(|reply| reply.status == 200), "{}", replies[0].text);
    let history = server.get("/v1/items/C-1/history");
    let steps = history.is(200).body["items"].as_array().unwrap();
    assert_eq!(steps.iter().filter(|step| step["move"] == "lock").count(), 1, "{}", history.text);
    server.move_item("C-1", ("m-1", "use")).is_refusal(422, "id_mismatch");
}

#[test]
fn an_idempotency_key_answers_the_first_results() {
    let server = Tercet::start();
    server.points(&["ann"]);
    let body = json!({ "entries": [{ "from": "ann", "to": "sink", "amount": "7" }] }).to_string();
    let post = || {
        let headers = [("idempotency-key", "k-1")];
        server.send(("POST", "/v1/entries"), &headers, body.as_bytes()).unwrap()
    };
    let first = post();
    let again = post();
    assert_eq!((first.is(200).body["results"][0]["outcome"].as_str(), again.status), (Some("posted"), 200));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.body, first.body, "ids that the server made are told again");
    assert_eq!(server.balance("ann"), (993, 0));
}
