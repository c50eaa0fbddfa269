//! Thousands of HTTP requests, sane and twisted, one after another.

use fastrand::Rng;
use serde_json::Value;

use crate::twist;
use crate::valid::VALID;
use crate::watch::Watch;
use crate::world::{Then, World, say};

/// Requests of a round, and rounds.
const REQUESTS: usize = 1_500;
const ROUNDS: usize = 3;
/// What the process may hold more after them all: the journal and the archive are in memory, and keep what was accepted.
const MEMORY: u64 = 192 * 1024 * 1024;

/// One request, on its way.
struct Request {
    bytes: Vec<u8>,
    /// A request that HTTP itself allows is answered; one that it does not may be hung up on.
    is_http: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_makes_it_panic_hang_or_grow() {
    let (watch, mut rng) = Watch::begin(1).await;
    let mut world = World::start().await;
    for _ in 0..ROUNDS {
        for number in 0..REQUESTS {
            let request = drawn(&mut rng);
            let shown = String::from_utf8_lossy(&request.bytes[..request.bytes.len().min(600)]).into_owned();
            let heard = say(world.http(), &request.bytes, Then::Listen).await;
            judged(&request, &heard, &shown);
            watch.is_quiet(&shown);
            if number % 5 == 0 {
                world.is_sane(&shown).await;
            }
        }
        watch.is_within(MEMORY);
    }
    world.end().await;
    watch.is_quiet("the end");
}

fn drawn(rng: &mut Rng) -> Request {
    let (method, path, body) = *rng.choice(VALID).unwrap();
    let (mut method, mut path, mut body) =
        (method.to_owned(), path.as_bytes().to_vec(), body.as_bytes().to_vec());
    let mut kind = "application/json";
    let mut is_http = true;
    match rng.u8(..10) {
        // As it should be, again and again: what is known is answered as known.
        0 | 1 => {}
        2..=6 => body = twist::value(rng, std::str::from_utf8(&body).unwrap()),
        7 => path = twist::path(rng, std::str::from_utf8(&path).unwrap()),
        8 => {
            let other = ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW", "get"];
            method = (*rng.choice(other).unwrap()).to_owned();
        }
        _ => {
            kind = rng
                .choice(["text/plain", "application/grpc", "", "multipart/form-data; boundary=x"])
                .unwrap();
        }
    }
    // What is no path in HTTP's own eyes is hyper's to refuse, without a body of ours.
    let uri = http::Uri::try_from(path.as_slice());
    is_http &= uri.is_ok();
    let mut bytes = format!("{method} ").into_bytes();
    bytes.extend_from_slice(&path);
    let length = body.len();
    bytes.extend_from_slice(
        format!(" HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n")
            .as_bytes(),
    );
    bytes.extend_from_slice(&body);
    Request { bytes, is_http }
}

/// An answer is one, and a refusal is a problem with a code of ours.
fn judged(request: &Request, heard: &[u8], shown: &str) {
    let text = String::from_utf8_lossy(heard);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        assert!(!request.is_http, "no answer to {shown}");
        return;
    };
    let status: u16 = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    assert!((200..500).contains(&status) || status == 503, "{status} in answer to {shown}: {body}");
    if status >= 400 && request.is_http && !shown.starts_with("HEAD") {
        let problem: Value =
            serde_json::from_str(body).unwrap_or_else(|_| panic!("{status}, {body}: {shown}"));
        let code = problem["code"].as_str().unwrap_or_default();
        assert!(server::refusals().any(|kind| kind.code == code), "{code:?} in answer to {shown}");
        assert!(body.len() <= 2_000 + 8 * request.bytes.len(), "{} bytes in answer to {shown}", body.len());
    }
}
