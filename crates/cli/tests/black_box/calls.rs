//! Branch calls as a participant sees them, and what each of its answers means.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Answer, Participant, Tercet, done, done_with, fails, never, raw, refused, saga, tcc, with,
};

/// One call branch `stock`, tried once with this answer and then with `done`.
fn tried_with(server: &Tercet, shop: &Participant, (id, answer): (&str, Answer)) -> Value {
    shop.answers("stock", "try", [answer, done()]);
    server.begin(&with(tcc(id, [shop.tcc("stock")]), json!({ "retry": { "initial_ms": 10, "max_ms": 10 } })));
    server.wait_final(id)
}

#[test]
fn a_call_says_what_it_is() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "confirm", [fails(500), done()]);
    let body = r#"{"b": 1.10, "a":[ ],"n":12345678901234567890}"#;
    let spec = format!(
        r#"{{"id":"t","pattern":"tcc","retry":{{"initial_ms":10}},"branches":[{{"id":"stock","kind":"call",
        "try":"{0}","confirm":"{0}","cancel":"{0}","body":{body},"headers":{{"X-Shop":"1","x-b":"two words"}}}}]}}"#,
        shop.url("stock?q=1")
    );
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    server.send(("POST", "/v1/transactions"), &[("traceparent", &parent)], spec.as_bytes()).unwrap().is(202);
    server.wait_final("t");
    let calls = shop.all_calls();
    let said: Vec<_> = calls.iter().map(|call| (call.operation.as_str(), call.attempt)).collect();
    assert_eq!(said, [("try", 1), ("confirm", 1), ("confirm", 2)]);
    for call in &calls {
        assert_eq!((call.transaction.as_str(), call.branch.as_str()), ("t", "stock"));
        assert_eq!(call.text, body, "the body goes byte for byte");
        assert_eq!(call.path, "/stock?q=1");
        let header = |name: &str| call.headers.get(name).map(String::as_str);
        assert_eq!((header("x-shop"), header("x-b")), (Some("1"), Some("two words")));
        assert_eq!(header("content-type"), Some("application/json"));
        let parts: Vec<_> = header("traceparent").unwrap().split('-').collect();
        assert_eq!((parts[0], parts[1], parts[2].len(), parts[3]), ("00", trace, 16, "01"));
        assert_ne!(parts[2], "00f067aa0ba902b7", "each call is a span of its own");
    }
}

#[test]
fn a_branch_without_a_body_gets_an_empty_object() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&saga("t", [shop.saga("a")]));
    server.wait_final("t");
    assert_eq!(shop.calls("a", "action")[0].text, "{}");
}

#[test]
fn the_result_of_a_try_is_passed_on_when_asked_for() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("with", "try", [done_with(&json!({ "r": 9 }))]);
    shop.answers("plain", "try", [done_with(&json!({ "r": 9 }))]);
    let passed = with(shop.tcc("with"), json!({ "pass_result": true, "body": { "n": 2 } }));
    server.begin(&tcc("t", [passed, with(shop.tcc("plain"), json!({ "body": { "n": 2 } }))]));
    server.wait_final("t");
    assert_eq!(shop.calls("with", "try")[0].body, json!({ "n": 2 }));
    assert_eq!(shop.calls("with", "confirm")[0].body, json!({ "body": { "n": 2 }, "result": { "r": 9 } }));
    assert_eq!(shop.calls("plain", "confirm")[0].body, json!({ "n": 2 }));

    shop.answers("other", "try", [refused("no")]);
    server.begin(&tcc("u", [with(shop.tcc("other"), json!({ "pass_result": true }))]));
    server.wait_final("u");
    assert_eq!(shop.calls("other", "cancel")[0].body, json!({ "body": null, "result": null }));
}

#[test]
fn two_hundreds_are_done_409_and_422_refused_and_the_rest_unknown() {
    let server = Tercet::start();
    let shop = Participant::start();
    for code in [200, 201, 206, 299] {
        let body = tried_with(&server, &shop, (&format!("done-{code}"), fails(code)));
        assert_eq!(body["branches"][0]["attempts"]["try"], 1, "{code}");
    }
    let no_content = raw(b"HTTP/1.1 204 No Content\r\n\r\n");
    let body = tried_with(&server, &shop, ("done-204", no_content));
    assert_eq!((&body["state"], &body["branches"][0]["result"]), (&json!("confirmed"), &Value::Null));
    for code in [409, 422] {
        let body = tried_with(&server, &shop, (&format!("refused-{code}"), fails(code)));
        assert_eq!(
            (&body["state"], &body["branches"][0]["attempts"]["try"]),
            (&json!("cancelled"), &json!(1))
        );
    }
    for code in [202, 425, 301, 307, 400, 401, 404, 408, 410, 429, 500, 502, 503, 599] {
        let id = format!("again-{code}");
        let body = tried_with(&server, &shop, (&id, fails(code)));
        assert_eq!(
            (&body["state"], &body["branches"][0]["attempts"]["try"]),
            (&json!("confirmed"), &json!(2)),
            "{code}"
        );
        let word = if matches!(code, 202 | 425) { "try_in_progress stock" } else { "try_unknown stock" };
        assert!(server.timeline(&id).contains(&word.to_owned()), "{code}");
    }
}

#[test]
fn bad_answers_are_unknown_in_bounded_time_and_memory() {
    let server = Tercet::start();
    let shop = Participant::start();
    let canary = Participant::start();
    let redirect = format!("HTTP/1.1 302 x\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", canary.url("here"));
    let endless =
        [b"HTTP/1.1 200 x\r\ncontent-length: 1073741824\r\n\r\n".to_vec(), vec![b'x'; 1 << 20]].concat();
    let cases = [
        ("garbage", raw(b"\x16\x03\x01 what\r\n\r\n")),
        ("redirect", raw(redirect.as_bytes())),
        ("endless", raw(&endless)),
        ("cut", raw(b"HTTP/1.1 200 x\r\ncontent-length: 10\r\n\r\n{")),
        ("gone", never()),
        ("heads", raw(format!("HTTP/1.1 200 x\r\n{}\r\n", "x: y\r\n".repeat(100_000)).as_bytes())),
    ];
    for (id, answer) in cases {
        let began = Instant::now();
        // What is cut short leaves a connection that the participant must close.
        let body = tried_with(&server, &shop, (id, answer));
        assert_eq!(body["branches"][0]["attempts"]["try"], 2, "{id}: {body:#}");
        assert!(server.timeline(id).contains(&"try_unknown stock".to_owned()), "{id}");
        assert!(began.elapsed() < Duration::from_secs(15), "{id} took {:?}", began.elapsed());
    }
    assert!(canary.all_calls().is_empty(), "redirects are not followed");
}

#[test]
fn a_call_ends_at_its_time_out() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "try", [done().after_ms(5_000), done()]);
    let quick = with(shop.tcc("stock"), json!({ "timeout_ms": 100 }));
    server.begin(&tcc("t", [quick]));
    let body = server.wait_final("t");
    assert_eq!(body["branches"][0]["attempts"]["try"], 2);
    let timeline = server.get("/v1/transactions/t/timeline").text;
    assert!(timeline.contains("time-out after 100 ms"), "{timeline}");
}

#[test]
fn results_are_json_up_to_the_limit() {
    let server = Tercet::start();
    let shop = Participant::start();
    let text = |bytes: usize| json!("x".repeat(bytes - 2));
    let body = tried_with(&server, &shop, ("fits", done_with(&text(65_536))));
    assert_eq!(body["branches"][0]["result"], text(65_536));
    let body = tried_with(&server, &shop, ("large", done_with(&text(65_537))));
    assert_eq!(body["branches"][0]["attempts"]["try"], 2, "too large to keep: nobody knows what it said");
    let plain = raw(b"HTTP/1.1 200 x\r\ncontent-length: 5\r\n\r\nhello");
    let body = tried_with(&server, &shop, ("plain", plain));
    assert_eq!((&body["state"], &body["branches"][0]["result"]), (&json!("confirmed"), &Value::Null));
}

#[test]
fn targets_that_no_service_should_be_at_are_denied() {
    let server = Tercet::start();
    let refused = |url: &str| {
        let branch = json!({ "id": "a", "kind": "call", "try": url, "confirm": url, "cancel": url });
        server.post("/v1/transactions", &tcc("t", [branch]))
    };
    for host in
        ["169.254.169.254", "10.0.0.8", "192.168.1.1", "172.16.0.1", "[fd00::1]", "0.0.0.0", "100.64.0.1"]
    {
        let refusal = refused(&format!("http://{host}/x"));
        assert_eq!(refusal.is_refusal(400, "target_denied").body["at"], "/branches/0/try", "{host}");
    }
    for url in
        ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "127.0.0.1:1/x", "http://u:p@127.0.0.1/x"]
    {
        assert_eq!(refused(url).is_refusal(400, "url_invalid").body["at"], "/branches/0/try", "{url}");
    }
    assert_eq!(server.get("/v1/transactions").body["items"], json!([]), "nothing was kept");
}

#[test]
fn a_denied_port_gets_no_packet_at_any_attempt() {
    let shop = Participant::start();
    let server = Tercet::with(&["--allow-ports", "1"]);
    let spec = tcc("t", [with(shop.tcc("stock"), json!({}))]);
    let reply = server.post("/v1/transactions", &spec);
    // Whether it is told at once or at the call: nobody is called.
    if reply.status == 202 {
        server.wait_until("t", |body| body["branches"][0]["attempts"]["try"].as_u64() >= Some(2));
    } else {
        reply.is_refusal(400, "target_denied");
    }
    assert!(shop.all_calls().is_empty());
}
