//! Branch calls against real sockets: what a participant hears, what its answer becomes, and every bad day.
//!
//! Loopback only. Each test is a table or one story; `participant.rs` is the other side.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get ends it")]

mod bad_days;
mod log;
mod participant;
mod targets;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use ::participant::call::{Identity, SignatureFault, Signed};
use engine::Network;
use participant::{Act, Participant, answer};
use server::call::{Config, HttpCaller, Loopback, Policy, Resolve, Signature};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use transaction::{Call, Reply, Trace};

fn to_loopback() -> Config {
    Config { policy: Policy { loopback: Loopback::Allowed, ..Policy::default() }, ..Config::default() }
}

fn caller() -> HttpCaller {
    HttpCaller::new(to_loopback(), Handle::current()).unwrap()
}

fn caller_with(config: Config, names: impl Resolve) -> HttpCaller {
    HttpCaller::resolving(config, Handle::current(), Arc::new(names)).unwrap()
}

fn call(url: &str) -> Call {
    Call {
        transaction: "order-1001".into(),
        trace: Trace([0xab; 16]),
        branch: "stock".into(),
        operation: "try",
        attempt: 1,
        url: url.into(),
        body: Some(r#"{"sku":"A"}"#.into()),
        result: None,
        pass_result: false,
        headers: Vec::new(),
        timeout_ms: 2_000,
        raw: None,
    }
}

/// The reply, which must come within the call's time-out and a little.
async fn ask(caller: &HttpCaller, call: Call) -> Reply {
    let (tell, told) = oneshot::channel();
    let within = Duration::from_millis(call.timeout_ms + 1_000);
    caller.send(vec![(call, Box::new(|reply| tell.send(reply).unwrap()))]);
    tokio::time::timeout(within, told).await.expect("a reply in time").expect("a reply")
}

async fn ask_url(url: &str) -> Reply {
    ask(&caller(), call(url)).await
}

fn unknown(error: impl Into<String>) -> Reply {
    Reply::Unknown { error: error.into().into() }
}

fn done(result: &str) -> Reply {
    Reply::Done { result: Some(result.into()) }
}

#[tokio::test]
async fn a_participant_hears_the_whole_call() {
    let stock = Participant::start(Act::Answer(answer(200, "{}"))).await;
    assert_eq!(ask(&caller(), call(&stock.url("/try?shop=1"))).await, done("{}"));
    let heard = stock.requests().remove(0);
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /try?shop=1 HTTP/1.1"));
    let lines: Vec<_> = lines.collect();
    for line in [
        "tercet-transaction: order-1001",
        "tercet-branch: stock",
        "tercet-operation: try",
        "tercet-attempt: 1",
        "content-type: application/json",
        "content-length: 11",
        concat!("user-agent: tercet/", env!("CARGO_PKG_VERSION")),
        &format!("host: {}", stock.address),
    ] {
        assert!(lines.contains(&line), "{line} in {lines:?}");
    }
    let trace = format!("traceparent: 00-{}-", "ab".repeat(16));
    assert!(lines.iter().any(|line| line.starts_with(&trace) && line.ends_with("-01")), "{lines:?}");
    assert_eq!(lines.len(), 9, "{lines:?}");
    assert_eq!(body, r#"{"sku":"A"}"#);
}

#[tokio::test]
async fn a_participant_with_the_secret_believes_a_signed_call() {
    let stock = Participant::start(Act::Answer(answer(200, "{}"))).await;
    let both = Signature::new("the new secret, 24 bytes").or("the old secret, 24 bytes");
    let signing = HttpCaller::new(Config { signature: Some(both), ..to_loopback() }, Handle::current());
    assert_eq!(ask(&signing.unwrap(), call(&stock.url("/try?shop=1"))).await, done("{}"));
    let heard = stock.requests().remove(0);
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let header = head.lines().find_map(|line| line.strip_prefix("tercet-signature: "));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let identity = Identity { transaction: "order-1001", branch: "stock", operation: "try" };
    let said = Signed { method: "POST", path: "/try?shop=1", identity, body: body.as_bytes() };
    let check = |secret: &str| Signature::new(secret).check(header, now, said);
    assert_eq!(check("the new secret, 24 bytes"), Ok(()));
    assert_eq!(check("the old secret, 24 bytes"), Err(SignatureFault::Wrong), "the first one signs");
    let moved = Signed { path: "/try?shop=2", ..said };
    assert_eq!(
        Signature::new("the new secret, 24 bytes").check(header, now, moved),
        Err(SignatureFault::Wrong)
    );
}

#[tokio::test]
async fn an_answer_becomes_a_reply() {
    let refused = |detail: &str| Reply::Refused { detail: detail.into() };
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"r\"\r\n3\r\n:9}\r\n0\r\n\r\n";
    let closing = "HTTP/1.0 200 OK\r\n\r\n{}";
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let cases = [
        (answer(200, r#"{"r":9}"#), done(r#"{"r":9}"#)),
        (answer(299, "ok"), Reply::Done { result: None }),
        (chunked.to_owned(), done(r#"{"r":9}"#)),
        (early.to_owned(), Reply::Done { result: None }),
        (answer(202, "{}"), Reply::InProgress),
        (answer(425, ""), Reply::InProgress),
        (answer(409, r#"{"detail":"sold out"}"#), refused("sold out")),
        (answer(422, "no such SKU"), refused("no such SKU")),
        (answer(400, "{}"), unknown("HTTP 400")),
        (answer(404, "{}"), unknown("HTTP 404")),
        (answer(500, "{}"), unknown("HTTP 500")),
        (answer(503, "{}"), unknown("HTTP 503")),
    ];
    for (bytes, expected) in cases {
        let stock = Participant::start(Act::Answer(bytes.clone())).await;
        assert_eq!(ask_url(&stock.url("/try")).await, expected, "{bytes}");
    }
    let stock = Participant::start(Act::AnswerOnce(closing.to_owned())).await;
    assert_eq!(
        ask(&caller(), Call { timeout_ms: 300, ..call(&stock.url("/")) }).await,
        unknown("time-out after 300 ms")
    );
}

#[tokio::test]
async fn a_connection_serves_call_after_call() {
    for code in [200, 202, 409, 503] {
        let stock = Participant::start(Act::Answer(answer(code, r#"{"r":9}"#))).await;
        let caller = caller();
        for _ in 0..20 {
            ask(&caller, call(&stock.url("/try"))).await;
        }
        assert_eq!(stock.requests().len(), 20);
        assert_eq!(stock.connections(), 1, "after HTTP {code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_are_each_told_once() {
    let stock = Participant::start(Act::Answer(answer(200, "7"))).await;
    let caller = caller();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..500 {
        let tell = tell.clone();
        let call = Call { timeout_ms: 20_000, ..call(&stock.url("/try")) };
        caller.send(vec![(call, Box::new(move |reply| tell.send(reply).unwrap()))]);
    }
    drop(tell);
    let mut replies = 0;
    while let Some(reply) = told.recv().await {
        assert_eq!(reply, done("7"));
        replies += 1;
    }
    assert_eq!((replies, stock.requests().len()), (500, 500));
}

#[test]
fn a_runtime_that_stops_still_tells() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stock = runtime.block_on(Participant::start(Act::Silence));
    let caller = HttpCaller::new(to_loopback(), runtime.handle().clone()).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let send = || {
        let tell = tell.clone();
        caller.send(vec![(call(&stock.url("/try")), Box::new(move |reply| tell.send(reply).unwrap()))]);
    };
    send();
    runtime.shutdown_timeout(Duration::from_secs(5));
    send();
    for _ in 0..2 {
        let reply = told.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(reply, unknown("call given up: the server stops"));
    }
    assert!(told.try_recv().is_err());
}
