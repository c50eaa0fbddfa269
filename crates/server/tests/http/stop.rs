//! A stop lets what is under way finish, and takes nothing more.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::world;

#[tokio::test]
async fn a_held_answer_is_given_as_it_stands_when_the_server_stops() {
    let world = world().await;
    let begin = r#"{"id":"a","pattern":"tcc","branches":[{"id":"b","kind":"await"}]}"#;
    assert_eq!(world.post("/v1/transactions", begin).await.status, 202);
    let mut waiting = world.connect().await;
    waiting.write_all(b"GET /v1/transactions/a?wait_ms=60000 HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    let mut idle = world.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    assert_ne!(idle.read(&mut [0; 512]).await.unwrap(), 0);
    tokio::time::sleep(Duration::from_millis(100)).await;

    let address = world.server.http_addr();
    let began = Instant::now();
    let (mut said, mut rest) = (Vec::new(), Vec::new());
    let (_, heard, idled) =
        tokio::join!(world.end(), waiting.read_to_end(&mut said), idle.read_to_end(&mut rest));
    assert!(heard.is_ok() && idled.is_ok());
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains(r#""state":"trying""#), "{said}");
    assert!(rest.is_empty());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
}
