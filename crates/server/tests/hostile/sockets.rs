//! What is no request, or one that never ends: lengths beyond all bounds, bodies that are cut or drip, heads without end,
//! other protocols; over both listeners, many at once.

use std::fmt::Write as _;

use fastrand::Rng;
use tokio::task::JoinSet;

use crate::watch::{Watch, status};
use crate::world::{Then, World, say};

/// Connections at once, and how often.
const AT_ONCE: usize = 40;
const ROUNDS: usize = 6;
/// What the process may hold more at any moment: a length that is announced is not made room for.
const MEMORY: u64 = 192 * 1024 * 1024;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_hung_up_on() {
    let (watch, mut rng) = Watch::begin(2).await;
    let mut world = World::start().await;
    let highest = status("VmHWM").max(status("VmRSS"));
    for _ in 0..ROUNDS {
        let mut under_way = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (bytes, then) = http(&mut rng);
            let address = world.http();
            under_way.spawn(async move {
                let heard = say(address, &bytes, then).await;
                let text = String::from_utf8_lossy(&heard);
                let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
                assert!(heard.is_empty() || text.starts_with("HTTP/1.1 "), "{text:?} in answer to {shown}");
                assert!(
                    !text.starts_with("HTTP/1.1 5") || text.starts_with("HTTP/1.1 503"),
                    "{text}: {shown}"
                );
            });
            let (bytes, then) = http2(&mut rng);
            let address = world.grpc();
            under_way.spawn(async move { drop(say(address, &bytes, then).await) });
        }
        while let Some(ended) = under_way.join_next().await {
            ended.unwrap();
            watch.is_quiet("what is no request");
        }
        world.is_sane("what is no request").await;
        let grown = status("VmHWM").saturating_sub(highest);
        assert!(grown <= MEMORY, "{grown} bytes more than at first; {MEMORY} are allowed");
    }
    world.end().await;
    watch.is_quiet("the end");
}

/// Bytes for the listener of HTTP, and what is done after them.
fn http(rng: &mut Rng) -> (Vec<u8>, Then) {
    const PLACE: &str = "POST /v1/entries HTTP/1.1\r\nhost: t\r\n";
    let length =
        |length: &str, body: &str| format!("{PLACE}content-length: {length}\r\n\r\n{body}").into_bytes();
    let chunked = |body: &str| format!("{PLACE}transfer-encoding: chunked\r\n\r\n{body}").into_bytes();
    let then = *rng.choice(&[Then::HangUp, Then::Listen, Then::Drip]).unwrap();
    let bytes = match rng.u8(..18) {
        0 => length("99999999999999", "{"),
        1 => length("18446744073709551616", "{"),
        2 => length("-1", "{}"),
        3 => length("4000000", "{\"entries\":["),
        4 => length("10\r\ncontent-length: 11", "{\"a\":1}   "),
        5 => format!("{PLACE}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\nGET /")
            .into_bytes(),
        6 => chunked("ffffffffffffffff\r\n{"),
        7 => chunked("5;x=y\r\nhello\r\nzz\r\n"),
        8 => chunked(&"1\r\n{\r\n".repeat(rng.usize(..5_000))),
        9 => format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(rng.usize(..100_000))).into_bytes(),
        10 => {
            let mut head = String::from(PLACE);
            for number in 0..rng.usize(..2_000) {
                let _ = write!(head, "x-{number}: {number}\r\n");
            }
            head.into_bytes()
        }
        11 => [PREFACE, SETTINGS].concat(),
        // The beginning of a TLS handshake.
        12 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        13 => vec![0; rng.usize(..70_000)],
        14 => b"GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n".repeat(rng.usize(1..200)),
        15 => format!("{PLACE}expect: 100-continue\r\ncontent-length: 9\r\n\r\n").into_bytes(),
        16 => PLACE.as_bytes()[..rng.usize(..PLACE.len())].to_vec(),
        _ => (0..rng.usize(..3_000)).map(|_| rng.u8(..)).collect(),
    };
    (bytes, then)
}

/// Bytes for the listener of gRPC: frames of HTTP/2 in no order, with lengths and streams that make no sense.
fn http2(rng: &mut Rng) -> (Vec<u8>, Then) {
    let mut bytes = Vec::new();
    if rng.u8(..8) > 0 {
        bytes.extend_from_slice(PREFACE);
        bytes.extend_from_slice(SETTINGS);
    }
    for _ in 0..rng.usize(..30) {
        let size = if rng.bool() { rng.usize(..20) } else { rng.usize(..30_000) };
        let told = if rng.u8(..6) == 0 { rng.u32(..1 << 24) } else { u32::try_from(size).unwrap() };
        bytes.extend_from_slice(&told.to_be_bytes()[1..]);
        bytes.push(rng.u8(..12));
        bytes.push(rng.u8(..));
        bytes.extend_from_slice(&rng.u32(..5).to_be_bytes());
        bytes.extend((0..size).map(|_| rng.u8(..)));
    }
    // HTTP/2 itself is kept open for pings: this caller goes when it has said all.
    (bytes, Then::HangUp)
}
