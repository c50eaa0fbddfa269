//! Calls over real sockets, loopback only: what goes through the one connector, and peers on their bad days.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use engine::Network;
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::*;
use crate::call::{Config, HttpCaller, Loopback, Policy};

/// Kinds of frames, as HTTP/2 numbers them.
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

fn caller(loopback: Loopback) -> HttpCaller {
    let policy = Policy { loopback, ..Policy::default() };
    HttpCaller::new(Config { policy, ..Config::default() }, Handle::current()).unwrap()
}

fn grpc_call(address: SocketAddr) -> Call {
    let (mut call, mut raw) = call((Pattern::Tcc, "confirm"), &format!("{address}/pkg.S/M"), b"\xff");
    call.transaction = "g1".into();
    raw.protocol = Protocol::DtmGrpc;
    Call { raw: Some(raw), ..call }
}

async fn ask(caller: &HttpCaller, call: Call) -> String {
    let (tell, told) = oneshot::channel();
    caller.send(vec![(call, Box::new(|reply| tell.send(reply).unwrap()))]);
    told.await.map(|reply| name(Ok::<_, String>(reply))).unwrap()
}

/// One frame of HTTP/2 for the connection as a whole.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, 0, 0, 0, 0, 0], payload].concat()
}

/// Says `bytes` and no more, and hears what comes.
async fn says(mut stream: TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    while stream.read_buf(&mut Vec::with_capacity(4_096)).await.is_ok_and(|read| read > 0) {}
}

/// Answers every call with this status, after its message and in the trailers, or in the head.
async fn answers(stream: TcpStream, status: HeaderMap, place: Place) {
    let service = service_fn(move |request: Request<Incoming>| {
        let status = status.clone();
        async move {
            request.into_body().collect().await?;
            let empty = Full::new(Bytes::new());
            Ok::<_, hyper::Error>(match place {
                Place::Head => {
                    let mut answer = Response::new(empty.boxed());
                    *answer.headers_mut() = status;
                    answer
                }
                Place::Trailers => {
                    let message = Full::new(Bytes::from_static(&[0; 5]));
                    Response::new(message.with_trailers(async move { Some(Ok(status)) }).boxed())
                }
            })
        }
    });
    let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    let _ = serving.await;
}

#[derive(Clone, Copy)]
enum Place {
    Head,
    Trailers,
}

/// Status 0 in the first place, or what is given.
fn status(pairs: &[(&'static str, String)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// A participant whose connections, numbered from 0, do what is said; and how many there were.
async fn participant<F, W>(act: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(usize, TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(act(counted.fetch_add(1, Ordering::SeqCst), stream));
        }
    });
    (address, connections)
}

#[tokio::test]
async fn calls_over_grpc_share_a_connection_and_hear_a_status_in_head_and_trailers() {
    for place in [Place::Head, Place::Trailers] {
        let (address, connections) =
            participant(move |_, stream| answers(stream, status(&[("grpc-status", "0".into())]), place))
                .await;
        let caller = caller(Loopback::Allowed);
        for _ in 0..5 {
            assert_eq!(ask(&caller, grpc_call(address)).await, "done");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_call_over_grpc_goes_nowhere_that_the_policy_forbids() {
    let (address, connections) = participant(|_, stream| says(stream, b"")).await;
    let told = ask(&caller(Loopback::Denied), grpc_call(address)).await;
    assert!(told.starts_with("unknown target denied: "), "{told}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_that_has_fallen_silent_is_not_used_for_the_next_call() {
    let (address, connections) = participant(|number, stream| async move {
        match number {
            0 => says(stream, &frame(SETTINGS, &[])).await,
            _ => answers(stream, status(&[("grpc-status", "0".into())]), Place::Trailers).await,
        }
    })
    .await;
    let caller = caller(Loopback::Allowed);
    let quick = || Call { timeout_ms: 300, ..grpc_call(address) };
    assert_eq!(ask(&caller, quick()).await, "unknown time-out after 300 ms");
    assert_eq!(ask(&caller, quick()).await, "done");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn words_with_which_a_peer_hangs_up_are_not_passed_on() {
    // No stream was begun, INTERNAL_ERROR, and words for whoever debugs it.
    let goaway = [&[0, 0, 0, 0, 0, 0, 0, 2][..], b"secret words"].concat();
    let bytes = [frame(SETTINGS, &[]), frame(GOAWAY, &goaway)].concat();
    let (address, _) = participant(move |_, stream| {
        let bytes = bytes.clone();
        async move { says(stream, &bytes).await }
    })
    .await;
    let told = ask(&caller(Loopback::Allowed), grpc_call(address)).await;
    assert!(told.starts_with("unknown connection"), "{told}");
    assert!(!told.contains("secret"), "{told}");
}

#[tokio::test]
async fn a_peer_that_speaks_no_http_2_is_unknown() {
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..], b"\0\0\0", &[0xff; 4_096]] {
        let (address, _) = participant(move |_, stream| says(stream, bytes)).await;
        let quick = Call { timeout_ms: 500, ..grpc_call(address) };
        let told = ask(&caller(Loopback::Allowed), quick).await;
        assert!(told.starts_with("unknown "), "{told}");
    }
}

#[tokio::test]
async fn a_long_reason_over_grpc_survives() {
    for place in [Place::Head, Place::Trailers] {
        let words = "%C3%A9".repeat(6_000);
        let told = status(&[("grpc-status", "10".into()), ("grpc-message", words)]);
        let (address, _) = participant(move |_, stream| answers(stream, told.clone(), place)).await;
        let heard = ask(&caller(Loopback::Allowed), grpc_call(address)).await;
        assert_eq!(heard, format!("refused {}", "é".repeat(2_048)));
    }
}

#[tokio::test]
async fn nobody_waits_for_a_body_that_means_nothing() {
    for (code, expected) in [(503, "unknown HTTP 503"), (425, "in progress")] {
        let head = format!("HTTP/1.1 {code} X\r\ncontent-length: 60000\r\n\r\n");
        let (address, _) = participant(move |_, stream| {
            let head = head.clone();
            async move { says(stream, head.as_bytes()).await }
        })
        .await;
        let (call, _) = call((Pattern::Tcc, "confirm"), &format!("http://{address}/a"), b"");
        let begun = Instant::now();
        assert_eq!(ask(&caller(Loopback::Allowed), call).await, expected);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}
