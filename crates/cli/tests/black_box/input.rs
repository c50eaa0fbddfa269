//! Bad input: a refusal that names the field, nothing kept, and a server that goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Reply, Tercet, awaited, tcc, with};

fn begin(server: &Tercet, body: &[u8]) -> Reply {
    server.send(("POST", "/v1/transactions"), &[], body).unwrap()
}

#[test]
fn malformed_begins_are_refused_with_a_pointer_and_nothing_is_kept() {
    let server = Tercet::start();
    let good = || tcc("t", [awaited("pay")]);
    let two = |first: Value, second: Value| with(good(), json!({ "branches": [first, second] }));
    let cases = [
        (with(good(), json!({ "deadline": 5 })), "field_unknown", "/deadline"),
        (
            with(good(), json!({ "branches": [{ "id": "a", "kind": "await", "trY": 1 }] })),
            "field_unknown",
            "/branches/0/trY",
        ),
        (with(good(), json!({ "pattern": "2pc" })), "field_invalid", "/pattern"),
        (with(good(), json!({ "pattern": 5 })), "field_invalid", "/pattern"),
        (with(good(), json!({ "id": "" })), "id_invalid", "/id"),
        (with(good(), json!({ "id": "a b" })), "id_invalid", "/id"),
        (with(good(), json!({ "id": "x".repeat(129) })), "id_invalid", "/id"),
        (with(good(), json!({ "deadline_ms": -1 })), "span_invalid", "/deadline_ms"),
        (with(good(), json!({ "deadline_ms": 1.5 })), "span_invalid", "/deadline_ms"),
        (with(good(), json!({ "deadline_ms": "5" })), "span_invalid", "/deadline_ms"),
        (with(good(), json!({ "deadline_ms": 1e300 })), "span_invalid", "/deadline_ms"),
        (with(good(), json!({ "cooling_off_ms": u64::MAX })), "span_invalid", "/cooling_off_ms"),
        (
            with(good(), json!({ "retry": { "attention_after": 0 } })),
            "span_invalid",
            "/retry/attention_after",
        ),
        (two(awaited("a"), awaited("a")), "branch_duplicate", "/branches/1/id"),
        (
            two(awaited("a"), with(awaited("b"), json!({ "after": ["c"] }))),
            "after_unknown",
            "/branches/1/after/0",
        ),
        (
            two(with(awaited("a"), json!({ "after": ["b"] })), with(awaited("b"), json!({ "after": ["a"] }))),
            "after_cycle",
            "/branches/0/after",
        ),
        (with(good(), json!({ "branches": [] })), "branches_invalid", "/branches"),
        (
            with(good(), json!({ "branches": [{ "id": "a", "kind": "hold" }] })),
            "field_missing",
            "/branches/0/from",
        ),
        (
            with(good(), json!({ "branches": [{ "id": "a", "kind": "publish" }] })),
            "kind_unsupported",
            "/branches/0/kind",
        ),
        (with(good(), json!({ "labels": { "k": "v".repeat(257) } })), "labels_invalid", "/labels/k"),
    ];
    for (body, code, at) in cases {
        let refusal = begin(&server, body.to_string().as_bytes());
        assert_eq!(refusal.is_refusal(400, code).body["at"], at, "{body}");
    }
    let many: Vec<Value> = (0..101).map(|number| awaited(&format!("b{number}"))).collect();
    begin(&server, with(good(), json!({ "branches": many })).to_string().as_bytes())
        .is_refusal(400, "branches_invalid");
    assert_eq!(server.get("/v1/transactions").is(200).body["items"], json!([]));
    assert!(server.get("/metrics").text.contains("tercet_journal_events_total 0"), "an event was kept");
}

#[test]
fn what_is_no_json_is_refused() {
    let server = Tercet::start();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let cases: &[(&[u8], &str)] = &[
        (b"", "json_invalid"),
        (b"{", "json_invalid"),
        (b"null", "json_invalid"),
        (b"[]", "json_invalid"),
        (b"{} {}", "json_invalid"),
        (b"{\"id\":\"\xff\"}", "json_invalid"),
        (b"{\"id\":\"a\",\"id\":\"b\"}", "json_invalid"),
    ];
    for (body, code) in cases {
        begin(&server, body).is_refusal(400, code);
    }
    let nested = |depth: usize| {
        format!(
            r#"{{"id":"d{depth}","pattern":"tcc","branches":[{{"id":"a","kind":"await","after":{}}}]}}"#,
            deep(depth)
        )
    };
    begin(&server, nested(40).as_bytes()).is_refusal(400, "json_too_deep");
    begin(&server, deep(100_000).as_bytes()).is_refusal(400, "json_too_deep");
}

#[test]
fn a_large_body_is_refused_by_length_and_while_it_comes() {
    let server = Tercet::with(&["--limits-body-bytes", "2048"]);
    let spec = |pad: usize| with(tcc("t", [awaited("pay")]), json!({ "labels": { "pad": "x".repeat(pad) } }));
    begin(&server, spec(3_000).to_string().as_bytes()).is_refusal(413, "body_too_large");
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let chunked = format!(
        "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}",
        chunk.repeat(3)
    );
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(chunked.as_bytes()).unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    begin(&server, tcc("t", [awaited("pay")]).to_string().as_bytes()).is(202);
}

#[test]
fn paths_and_methods_that_are_not_there_say_so() {
    let server = Tercet::start();
    for path in ["/", "/v1", "/v1/transaction", "/v2/transactions", "/v1/transactions/t/nothing"] {
        server.get(path).is_refusal(404, "path_unknown");
    }
    let refusal = server.send(("DELETE", "/v1/transactions/t"), &[], b"").unwrap();
    refusal.is_refusal(405, "method_not_allowed");
    assert_eq!(refusal.header("allow"), Some("GET"));
    assert!(server.get("/v1/transactions/t?x=1").is_refusal(400, "field_unknown").body["at"] == "/x");
}

#[test]
fn a_slow_or_silent_caller_holds_no_place_for_ever() {
    let server = Tercet::with(&["--limits-header-timeout-ms", "300", "--limits-body-timeout-ms", "300"]);
    let heard = |sent: &[u8]| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(sent).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    let half_head = heard(b"POST /v1/transactions HTTP/1.1\r\nhos").expect("the connection is closed");
    assert!(half_head.is_empty() || half_head.starts_with("HTTP/1.1 408"), "{half_head}");
    let half_body =
        heard(b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
    assert!(half_body.starts_with("HTTP/1.1 408") && half_body.contains("body_late"), "{half_body}");
    server.get("/readyz").is(200);
}
