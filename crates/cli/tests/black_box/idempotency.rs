//! Ids and `Idempotency-Key`: the same request answers the first result, other content is refused, a restart forgets nothing.

use serde_json::{Value, json};

use crate::support::{Reply, Tercet, awaited, tcc, with};

const BEGIN: &str = "/v1/transactions";

fn keyed(server: &Tercet, path: &str, (key, body): (&str, &Value)) -> Reply {
    server.send(("POST", path), &[("idempotency-key", key)], body.to_string().as_bytes()).unwrap()
}

fn replayed(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == Some("true")
}

fn nameless() -> Value {
    let mut spec = tcc("", [awaited("pay")]);
    spec.as_object_mut().unwrap().remove("id");
    spec
}

#[test]
fn a_known_id_with_the_same_content_answers_the_object_as_it_stands() {
    let mut server = Tercet::start();
    let spec = with(tcc("t", [awaited("pay")]), json!({ "labels": { "b": "2", "a": "1" } }));
    assert!(!replayed(server.post(BEGIN, &spec).is(202)));
    let again =
        with(spec.clone(), json!({ "wait_ms": 1, "cooling_off_ms": 0, "mode": "managed", "check": null }));
    let reply = server.post(BEGIN, &again);
    assert!(replayed(reply.is(200)), "wait_ms, defaults spelt out and null are no other content");
    assert_eq!(reply.body["state"], "trying");
    server.post("/v1/transactions/t/branches/pay/signal", &json!({ "outcome": "done" })).is(200);
    for _ in 0..2 {
        let reply = server.post(BEGIN, &spec);
        assert!(replayed(reply.is(200)));
        assert_eq!(reply.body["state"], "confirmed");
        server.restart();
    }
}

#[test]
fn a_known_id_with_other_content_is_refused_and_changes_nothing() {
    let mut server = Tercet::start();
    let spec = tcc("t", [awaited("pay")]);
    server.post(BEGIN, &spec).is(202);
    let others = [
        with(spec.clone(), json!({ "deadline_ms": 5 })),
        with(spec.clone(), json!({ "labels": { "a": "1" } })),
        with(spec.clone(), json!({ "pattern": "saga" })),
        with(spec.clone(), json!({ "branches": [awaited("pay"), awaited("more")] })),
    ];
    let before = server.show("t");
    for other in &others {
        server.post(BEGIN, other).is_refusal(422, "idempotency_mismatch");
    }
    server.post("/v1/transactions/t/branches/pay/signal", &json!({ "outcome": "done" })).is(200);
    server.restart();
    for other in &others {
        server.post(BEGIN, other).is_refusal(422, "idempotency_mismatch");
    }
    let after = server.show("t");
    assert_eq!((&after["labels"], &after["created_at"]), (&before["labels"], &before["created_at"]));
}

#[test]
fn a_key_makes_a_begin_without_an_id_repeatable() {
    let mut server = Tercet::start();
    let first = keyed(&server, BEGIN, ("k-1", &nameless()));
    let id = first.is(202).body["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "a UUIDv7: {id}");
    assert!(!replayed(&first));
    for round in 0..2 {
        let again = keyed(&server, BEGIN, ("\"k-1\"", &nameless()));
        assert!(replayed(again.is(200)), "round {round}");
        assert_eq!(again.body["id"], id.as_str());
        let other = keyed(&server, BEGIN, ("k-1", &with(nameless(), json!({ "deadline_ms": 5 }))));
        other.is_refusal(422, "idempotency_mismatch");
        server.restart();
    }
    assert_ne!(keyed(&server, BEGIN, ("k-2", &nameless())).is(202).body["id"], id.as_str());
    assert_eq!(server.get(BEGIN).body["items"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_key_belongs_to_its_operation() {
    let server = Tercet::start();
    for id in ["t", "u"] {
        server.begin(&with(tcc(id, [awaited("pay")]), json!({ "mode": "interactive" })));
    }
    let signal = |id: &str, outcome: &str| {
        let path = format!("/v1/transactions/{id}/branches/pay/signal");
        keyed(&server, &path, ("k", &json!({ "outcome": outcome })))
    };
    assert!(!replayed(signal("t", "done").is(200)));
    assert!(replayed(signal("t", "done").is(200)));
    signal("t", "refused").is_refusal(422, "idempotency_mismatch");
    signal("u", "done").is_refusal(422, "idempotency_mismatch");
    let confirm = || keyed(&server, "/v1/transactions/t/confirm", ("k", &json!({})));
    assert!(!replayed(confirm().is(200)), "the same key of another operation is another key");
    assert!(replayed(confirm().is(200)));
}

#[test]
fn keys_that_cannot_be_are_refused() {
    let server = Tercet::start();
    for key in ["", "\"open", "a\tb", "x y", &"k".repeat(256)] {
        keyed(&server, BEGIN, (key, &nameless())).is_refusal(400, "idempotency_key_invalid");
    }
    keyed(&server, BEGIN, (&"k".repeat(255), &nameless())).is(202);
}

#[test]
fn a_refused_request_does_not_use_up_its_key() {
    let server = Tercet::start();
    keyed(&server, BEGIN, ("k", &with(nameless(), json!({ "deadline_ms": 0 }))))
        .is_refusal(400, "span_invalid");
    keyed(&server, BEGIN, ("k", &nameless())).is(202);
}
