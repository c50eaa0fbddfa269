//! The way in over gRPC: reflection, content types, tokens.

use std::collections::BTreeSet;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use server::dtm::proto::dtm_client::DtmClient;
use tonic::Code;
use tonic::codegen::tokio_stream;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::world::{World, of, refused};

#[test]
fn reflection_lists_the_service_and_describes_it() {
    let world = World::start();
    let ask = |asked| ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let asks = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("dtmgimp.Dtm".into())),
        ask(MessageRequest::FileContainingSymbol("workflow.WorkflowData".into())),
    ];
    let told = world.over(async |channel| {
        let mut client = ServerReflectionClient::new(channel);
        let mut told = client.server_reflection_info(tokio_stream::iter(asks)).await.unwrap().into_inner();
        let mut all = Vec::new();
        while let Some(reply) = told.message().await.unwrap() {
            all.extend(reply.message_response);
        }
        all
    });
    let MessageResponse::ListServicesResponse(list) = &told[0] else { panic!("a list: {told:?}") };
    let names: BTreeSet<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains("dtmgimp.Dtm") && names.contains("tercet.v1.Transactions"), "{names:?}");
    for reply in &told[1..] {
        let MessageResponse::FileDescriptorResponse(files) = reply else { panic!("a file: {reply:?}") };
        assert!(!files.file_descriptor_proto.is_empty());
    }
}

/// Calls NewGid byte by byte under this content type: the head and the trailers of the answer, and its message.
async fn new_id(server: std::net::SocketAddr, content_type: &str) -> (HeaderMap, HeaderMap, Bytes) {
    let stream = tokio::net::TcpStream::connect(server).await.unwrap();
    let (mut way, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(format!("http://{server}/dtmgimp.Dtm/NewGid"))
        .header("content-type", content_type)
        .header("te", "trailers")
        .body(Full::new(Bytes::from_static(&[0; 5])))
        .unwrap();
    let answer = way.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let head = answer.headers().clone();
    let body = answer.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    (head, trailers, body.to_bytes())
}

#[test]
fn a_codec_may_have_a_name_of_its_own() {
    let world = World::start();
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc+dtm_raw"] {
        let (head, trailers, message) = world.over(async |_| new_id(world.tercet.grpc, content_type).await);
        assert_eq!(trailers["grpc-status"], "0", "{content_type}");
        assert!(head["content-type"].to_str().unwrap().starts_with("application/grpc"));
        // Not compressed, 24 bytes: field 1, 22 of them.
        assert_eq!(message[..7], [0, 0, 0, 0, 24, 0x0a, 22], "{content_type}");
    }
}

#[test]
fn with_tokens_a_stranger_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "shop=0123456789abcdef\n").unwrap();
    let world = World::with(&["--tokens-file", tokens.to_str().unwrap()]);
    refused(world.submit(of("s", "saga")), Code::Unauthenticated);
    refused(world.ask(async |mut dtm| dtm.new_gid(()).await), Code::Unauthenticated);
    let in_by = |value: &'static str| {
        world.over(async |channel| {
            let mut dtm = DtmClient::with_interceptor(channel, |mut request: tonic::Request<()>| {
                request.metadata_mut().insert("authorization", value.parse().unwrap());
                Ok(request)
            });
            dtm.new_gid(()).await.map(|reply| reply.into_inner().gid.len())
        })
    };
    assert_eq!(in_by("Bearer 0123456789abcdef").unwrap(), 22);
    refused(in_by("Bearer another"), Code::Unauthenticated);
}
