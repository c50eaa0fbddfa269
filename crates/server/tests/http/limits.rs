//! What is beyond a limit is refused at once, and a slow caller holds a connection for a bounded time only.

use std::time::{Duration, Instant};

use server::{Config, HttpLimits, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{World, config, world, world_of};

async fn limited(limits: HttpLimits) -> World {
    world_of(Config { limits, ..config() }).await
}

/// All that a peer says until it closes.
async fn to_the_end(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let heard = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said)).await;
    assert!(heard.is_ok(), "still open after 20 s: {}", String::from_utf8_lossy(&said));
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so() {
    let world = limited(HttpLimits { connections: 2, ..HttpLimits::default() }).await;
    let first = world.connect().await;
    let second = world.connect().await;
    let third = to_the_end(world.connect().await).await;
    assert!(third.starts_with("HTTP/1.1 503 ") && third.contains("\"overloaded\""), "{third}");
    drop((first, second));
    let began = Instant::now();
    while !to_the_end_of_health(&world).await {
        assert!(began.elapsed() < Duration::from_secs(10), "closed connections still count");
    }
    world.end().await;
}

async fn to_the_end_of_health(world: &World) -> bool {
    let mut stream = world.connect().await;
    // The peer may have closed before.
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    said.starts_with(b"HTTP/1.1 200 ")
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let world = limited(HttpLimits { header_timeout_ms: 300, ..HttpLimits::default() }).await;
    let (reading, mut writing) = world.connect().await.into_split();
    let drip = tokio::spawn(async move {
        for byte in b"GET /healthz HTTP/1.1\r\n".iter().cycle() {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let began = Instant::now();
    let mut reading = reading;
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut said)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
    drip.await.unwrap();
    let metrics = world.get("/metrics").await.text;
    assert!(metrics.contains("tercet_http_connections_slow_total 1"), "{metrics}");
    world.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused() {
    let world = limited(HttpLimits { body_timeout_ms: 200, ..HttpLimits::default() }).await;
    let mut stream = world.connect().await;
    stream
        .write_all(b"POST /v1/transactions HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\n{")
        .await
        .unwrap();
    let said = to_the_end(stream).await;
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("\"body_late\""), "{said}");
    world.end().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let world = limited(HttpLimits { idle_timeout_ms: 200, ..HttpLimits::default() }).await;
    let mut stream = world.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    let said = to_the_end(stream).await;
    assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("alive\n"), "{said}");
    world.end().await;
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_read() {
    let world = world().await;
    let mut stream = world.connect().await;
    stream
        .write_all(b"POST /v1/transactions HTTP/1.1\r\nhost: t\r\ncontent-length: 99999999999\r\n\r\n{")
        .await
        .unwrap();
    let said = to_the_end(stream).await;
    assert!(said.starts_with("HTTP/1.1 413 ") && said.contains("\"body_too_large\""), "{said}");
    world.end().await;
}

#[tokio::test]
async fn requests_under_way_are_bounded_but_health_answers() {
    let world = limited(HttpLimits { requests_in_flight: 1, ..HttpLimits::default() }).await;
    let begin = r#"{"id":"a","pattern":"tcc","branches":[{"id":"b","kind":"await"}]}"#;
    assert_eq!(world.post("/v1/transactions", begin).await.status, 202);
    let mut waiting = world.connect().await;
    waiting.write_all(b"GET /v1/transactions/a?wait_ms=60000 HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    let began = Instant::now();
    let refused = loop {
        let seen = world.get("/v1/transactions/a").await;
        if seen.status != 200 {
            break seen;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "never refused");
    };
    assert_eq!(refused.refusal(), (503, "overloaded".into()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(world.get("/healthz").await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn each_caller_has_its_own_pace() {
    let limits = HttpLimits { caller_rate: 1, caller_burst: 2, ..HttpLimits::default() };
    let tokens = vec![Token::new("shop", "one"), Token::new("bank", "two")];
    let world = world_of(Config { limits, tokens, ..config() }).await;
    let ask = |secret: &str| {
        world.ask(
            http::Request::get("/v1/transactions").header("authorization", format!("Bearer {secret}")),
            "",
        )
    };
    assert_eq!((ask("one").await.status, ask("one").await.status), (200, 200));
    let third = ask("one").await;
    assert_eq!(third.refusal(), (429, "rate_limited".into()));
    assert_eq!(third.header("retry-after"), Some("1"));
    assert_eq!(ask("two").await.status, 200);
    world.end().await;
}
