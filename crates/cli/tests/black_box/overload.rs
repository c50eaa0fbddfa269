//! Limits under load: what is too much is refused at once, with `Retry-After`, and the rest goes on.

use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{Reply, Tercet, awaited, tcc, until, with};

fn says_when_to_come_back(reply: &Reply) {
    let after = reply.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(after.is_some_and(|seconds| seconds >= 1), "{:?}", reply.headers);
}

#[test]
fn more_open_transactions_than_allowed_are_refused_and_then_taken_again() {
    let server = Tercet::with(&["--limits-open-max", "3"]);
    for number in 0..3 {
        server.begin(&tcc(&format!("t-{number}"), [awaited("pay")]));
    }
    let refused = server.post("/v1/transactions", &tcc("t-3", [awaited("pay")]));
    says_when_to_come_back(refused.is_refusal(503, "overloaded"));
    server.get("/v1/transactions/t-3").is_refusal(404, "transaction_unknown");
    let replay = server.post("/v1/transactions", &tcc("t-1", [awaited("pay")]));
    assert_eq!(replay.is(200).header("idempotent-replayed"), Some("true"));
    server.post("/v1/transactions/t-0/cancel", &json!({})).is(200);
    server.begin(&tcc("t-3", [awaited("pay")]));
}

#[test]
fn a_caller_beyond_its_rate_is_refused_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "a=aaaaaaaaaaaaaaaa\nb=bbbbbbbbbbbbbbbb\n").unwrap();
    let tokens = path.to_str().unwrap();
    let server =
        Tercet::with(&["--tokens-file", tokens, "--limits-caller-rate", "1", "--limits-caller-burst", "5"]);
    let ask = |token: &str| {
        let bearer = format!("Bearer {token}");
        server.send(("GET", "/v1/transactions"), &[("authorization", &bearer)], b"").unwrap()
    };
    let replies: Vec<_> = (0..12).map(|_| ask("aaaaaaaaaaaaaaaa")).collect();
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 200).collect();
    assert!((4..=7).contains(&refused.len()), "{} of 12 were refused", refused.len());
    for reply in refused {
        says_when_to_come_back(reply.is_refusal(429, "rate_limited"));
    }
    ask("bbbbbbbbbbbbbbbb").is(200);
    server.get("/healthz").is(200);
}

#[test]
fn more_requests_at_once_than_allowed_are_refused() {
    let server = Tercet::with(&["--limits-requests-in-flight", "4"]);
    server.begin(&tcc("t", [awaited("pay")]));
    // A place that another request holds for a moment is asked for again.
    let hold = || {
        until("a place", || {
            Some(server.get("/v1/transactions/t?wait_ms=5000")).filter(|reply| reply.status == 200)
        })
    };
    thread::scope(|scope| {
        let holders: Vec<_> = (0..4).map(|_| scope.spawn(hold)).collect();
        let refused = until("a refusal", || {
            thread::sleep(Duration::from_millis(20));
            Some(server.get("/v1/transactions/t")).filter(|reply| reply.status != 200)
        });
        says_when_to_come_back(refused.is_refusal(503, "overloaded"));
        server.get("/healthz").is(200);
        for holder in holders {
            assert_eq!(holder.join().unwrap().body["state"], "trying");
        }
    });
    server.get("/v1/transactions/t").is(200);
}

#[test]
fn beyond_the_waiters_allowed_an_answer_is_not_held() {
    let server = Tercet::with(&["--limits-waiters-max", "0"]);
    let spec = with(tcc("t", [awaited("pay")]), json!({ "wait_ms": 60_000 }));
    let began = std::time::Instant::now();
    server.post("/v1/transactions", &spec).is(202);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn connections_beyond_the_limit_wait_or_are_closed_and_the_server_goes_on() {
    let server = Tercet::with(&["--limits-connections", "3"]);
    let held: Vec<_> = (0..10).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    drop(held);
    until("a place for a connection", || server.try_get("/readyz").ok().filter(|reply| reply.status == 200));
}

#[test]
fn a_small_soft_limit_of_open_files_is_raised_and_a_hard_one_told() {
    let under = |limit: &str, folder: &Path| {
        let shell = format!("ulimit {limit} && exec \"$@\"");
        Tercet::under(&["sh", "-c", &shell, "sh"], folder, &[]).unwrap_or_else(|ended| panic!("{ended:?}"))
    };
    let folder = tempfile::tempdir().unwrap();
    let server = under("-Sn 64", folder.path());
    let held: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    server.get("/readyz").is(200);
    drop(held);

    let folder = tempfile::tempdir().unwrap();
    let server = under("-n 256", folder.path());
    assert!(server.errors().contains("may open 256 files"), "{}", server.errors());
}
