//! Who is let in, what everybody may see, and what the service says of itself.

use std::collections::BTreeSet;

use participant::client::{Batch, Client, Config, Fault, Retry};
use server::Token;
use tonic::codegen::tokio_stream;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha;

use crate::world::{config, entry, started, world};

#[tokio::test]
async fn a_token_opens_the_door() {
    let tokens = vec![Token::new("shop", "s3cret")];
    let (server, running) = started(server::Config { tokens, ..config() }).await;
    let url = format!("grpc://{}", server.grpc_addr());
    let mut batch = Batch::new();
    batch.entry(&entry("e", ("a", "b"), 1));
    for (token, expected) in
        [(None, "unauthenticated"), (Some("wrong"), "unauthenticated"), (Some("s3cret"), "")]
    {
        let retry = Retry { repeats: 0, ..Retry::default() };
        let config = Config { url: url.clone(), token: token.map(Into::into), retry };
        let client = Client::open(config).await.unwrap();
        match client.change(&batch).await {
            Ok(outcomes) => assert_eq!((expected, outcomes.len()), ("", 1)),
            Err(fault) => assert_eq!(fault.code(), Some(expected)),
        }
        let apply = client.apply().unwrap();
        match apply.send(batch.clone()).await.unwrap().await {
            Ok(outcomes) => assert_eq!((expected, outcomes.len()), ("", 1)),
            Err(fault) => assert_eq!(fault.code(), Some(expected)),
        }
    }
    let channel = Endpoint::from_shared(url.replace("grpc", "http")).unwrap().connect().await.unwrap();
    let health =
        HealthClient::new(channel.clone()).check(HealthCheckRequest { service: String::new() }).await;
    assert_eq!(health.unwrap().into_inner().status, 1, "health is told to everybody");
    let list = tokio_stream::once(asks(MessageRequest::ListServices(String::new())));
    let status = ServerReflectionClient::new(channel).server_reflection_info(list).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    server.stop().await;
    tokio::task::spawn_blocking(move || running.stop()).await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_said_after_the_repeats() {
    let retry = Retry { repeats: 1, initial: std::time::Duration::from_millis(5), ..Retry::default() };
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("grpc://{free}"), format!("http://{free}")] {
        let config = Config { url, token: None, retry };
        let ended = match Client::open(config).await {
            Ok(client) => client.account("a").await.map(drop),
            Err(fault) => Err(fault),
        };
        assert!(matches!(ended, Err(Fault::Unreachable(_))), "{ended:?}");
    }
}

fn asks(request: MessageRequest) -> ServerReflectionRequest {
    ServerReflectionRequest { host: String::new(), message_request: Some(request) }
}

#[tokio::test]
async fn reflection_tells_every_service() {
    let world = world().await;
    let uri = format!("http://{}", world.server.grpc_addr());
    let channel = Endpoint::from_shared(uri).unwrap().connect().await.unwrap();
    let requests = tokio_stream::iter([
        asks(MessageRequest::ListServices(String::new())),
        asks(MessageRequest::FileContainingSymbol("tercet.v1.Ledger".into())),
    ]);
    let mut told = ServerReflectionClient::new(channel.clone())
        .server_reflection_info(requests)
        .await
        .unwrap()
        .into_inner();
    let mut next = async || -> ServerReflectionResponse { told.message().await.unwrap().unwrap() };
    let Some(MessageResponse::ListServicesResponse(list)) = next().await.message_response else {
        panic!("a list of services");
    };
    let names: BTreeSet<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["tercet.v1.Ledger", "tercet.v1.Transactions", "grpc.health.v1.Health"] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    let Some(MessageResponse::FileDescriptorResponse(files)) = next().await.message_response else {
        panic!("the file of a service");
    };
    assert!(!files.file_descriptor_proto.is_empty());
    let list = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    };
    let mut older = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut told = older.server_reflection_info(tokio_stream::once(list)).await.unwrap().into_inner();
    assert!(told.message().await.unwrap().is_some(), "older tools ask for v1alpha");
    drop((told, older));
    world.end().await;
}
