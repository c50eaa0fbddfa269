//! gRPC's standard health service says what the engine says.

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::world::world;

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
