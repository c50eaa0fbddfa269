//! gRPC's standard health service says what the engine says.

use std::time::{Duration, Instant};

use server::{Config, HttpLimits};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::world::{config, world, world_of};

#[tokio::test]
async fn health_is_told_over_grpc() {
    let world = world().await;
    let uri = format!("http://{}", world.server.grpc_addr());
    let channel = tonic::transport::Endpoint::from_shared(uri).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let heard = health.check(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    assert_eq!(heard.status, 1, "SERVING");
    let unknown = health.check(HealthCheckRequest { service: "other".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);
    world.end().await;
}

#[tokio::test]
async fn a_watch_is_told_of_a_stop_and_does_not_hold_it_up() {
    let world = world().await;
    let uri = format!("http://{}", world.server.grpc_addr());
    let channel = tonic::transport::Endpoint::from_shared(uri).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let request = HealthCheckRequest { service: String::new() };
    let mut watched = health.watch(request).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().map(|heard| heard.status), Some(1), "SERVING");
    let began = Instant::now();
    let (heard, ()) = tokio::join!(watched.message(), world.end());
    assert_eq!(heard.unwrap().map(|heard| heard.status), Some(2), "NOT_SERVING");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let limits = HttpLimits { header_timeout_ms: 200, ..HttpLimits::default() };
    let world = world_of(Config { limits, ..config() }).await;
    let mut stream = TcpStream::connect(world.server.grpc_addr()).await.unwrap();
    let mut said = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said)).await;
    assert!(closed.is_ok(), "still open after 10 s");
    world.end().await;
}
