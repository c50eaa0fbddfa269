//! `wait_ms`: the answer is held until the transaction is final, at most so long, and never longer.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Gate, Participant, Tercet, awaited, done, tcc, with};

#[test]
fn an_answer_is_held_until_final_or_until_the_time_is_up() {
    let server = Tercet::start();
    let began = Instant::now();
    let reply = server.post("/v1/transactions", &with(tcc("t", [awaited("pay")]), json!({ "wait_ms": 300 })));
    assert_eq!(reply.is(202).body["state"], "trying");
    assert!(began.elapsed() >= Duration::from_millis(300));
    thread::scope(|scope| {
        let waits = scope.spawn(|| server.get("/v1/transactions/t?wait_ms=30000"));
        let begins = scope.spawn(|| {
            server.post("/v1/transactions", &with(tcc("t", [awaited("pay")]), json!({ "wait_ms": 30_000 })))
        });
        thread::sleep(Duration::from_millis(100));
        let at = Instant::now();
        server.post("/v1/transactions/t/branches/pay/signal", &json!({ "outcome": "done" })).is(200);
        assert_eq!(waits.join().unwrap().is(200).body["state"], "confirmed");
        assert_eq!(begins.join().unwrap().is(200).body["state"], "confirmed");
        assert!(at.elapsed() < Duration::from_secs(10));
    });
    let began = Instant::now();
    server.get("/v1/transactions/t?wait_ms=60000").is(200);
    assert!(began.elapsed() < Duration::from_secs(10), "what is final is answered at once");
}

#[test]
fn a_decision_can_wait_for_its_end() {
    let server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("stock", "confirm", [done().behind(&gate)]);
    server.begin(&with(tcc("t", [shop.tcc("stock")]), json!({ "mode": "interactive" })));
    let reply = server.post("/v1/transactions/t/confirm", &json!({ "wait_ms": 100 }));
    assert_eq!(reply.is(202).body["state"], "confirming");
    gate.open();
    server.post("/v1/transactions/t/confirm", &json!({ "wait_ms": 10_000 })).is(200);
    assert_eq!(server.show("t")["state"], "confirmed");
}

#[test]
fn more_than_a_minute_is_refused() {
    let server = Tercet::start();
    let refusal =
        server.post("/v1/transactions", &with(tcc("t", [awaited("pay")]), json!({ "wait_ms": 60_001 })));
    assert_eq!(refusal.is_refusal(400, "span_invalid").body["at"], "/wait_ms");
    server.begin(&tcc("t", [awaited("pay")]));
    server.get("/v1/transactions/t?wait_ms=60001").is_refusal(400, "span_invalid");
    server.get("/v1/transactions/t?wait_ms=-1").is_refusal(400, "span_invalid");
}

#[test]
fn a_caller_who_leaves_takes_nothing_along() {
    let server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("stock", "try", [done().behind(&gate)]);
    let spec = with(tcc("t", [shop.tcc("stock")]), json!({ "wait_ms": 60_000 })).to_string();
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    let head =
        format!("POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{spec}", spec.len());
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    shop.wait_calls("stock", "try", 1);
    drop(stream);
    gate.open();
    assert_eq!(server.wait_final("t")["state"], "confirmed");
}
