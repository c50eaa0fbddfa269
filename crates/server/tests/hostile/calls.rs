//! Thousands of gRPC calls, sane and twisted: to every method, in messages that are none, in frames that lie.

use std::net::SocketAddr;

use bytes::Bytes;
use fastrand::Rng;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use participant::proto::member::Kind;
use participant::proto::{self, Member};
use prost::Message;
use tokio::net::TcpStream;
use tonic::{Code, Status};

use crate::twist;
use crate::watch::{BOUND, Watch};
use crate::world::World;

const CALLS: usize = 4_000;
const MEMORY: u64 = 192 * 1024 * 1024;

const LEDGER: [&str; 22] = [
    "Apply",
    "Batch",
    "Assets",
    "Accounts",
    "Entries",
    "Holds",
    "Machines",
    "Items",
    "Moves",
    "Capture",
    "Release",
    "Reopen",
    "Adjust",
    "ListAssets",
    "GetAccount",
    "ListAccounts",
    "Statement",
    "GetHold",
    "HoldHistory",
    "GetItem",
    "ItemHistory",
    "GetMachine",
];
const TRANSACTIONS: [&str; 9] =
    ["Begin", "Get", "Confirm", "Cancel", "Signal", "Register", "Retry", "List", "Timeline"];
const OTHER: [&str; 4] = [
    "/tercet.v1.Ledger/Nothing",
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/",
];

/// What came back.
struct Heard {
    status: StatusCode,
    headers: [HeaderMap; 2],
    data: Bytes,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_makes_it_panic_hang_or_grow() {
    let (watch, mut rng) = Watch::begin(3).await;
    let mut world = World::start().await;
    let messages = messages();
    let mut peer = None;
    for number in 0..CALLS {
        let path = path(&mut rng);
        let body = drawn(&mut rng, &messages);
        let shown =
            format!("{path} {}", body.escape_ascii().to_string().chars().take(600).collect::<String>());
        let kind = if rng.u8(..30) == 0 { "application/json" } else { "application/grpc" };
        let request =
            Request::post(format!("http://t{path}")).header("content-type", kind).header("te", "trailers");
        let request = request.body(Full::new(Bytes::from(body.clone()))).unwrap();
        match tokio::time::timeout(BOUND, ask(&mut peer, world.grpc(), request)).await {
            Ok(Some(heard)) => judged(&heard, body.len(), &shown),
            // The server may take a stream back while its caller still talks.
            Ok(None) => peer = None,
            Err(_) => panic!("no answer within {BOUND:?} to {shown}"),
        }
        watch.is_quiet(&shown);
        if number % 5 == 0 {
            world.is_sane(&shown).await;
        }
    }
    watch.is_within(MEMORY);
    drop(peer);
    world.end().await;
    watch.is_quiet("the end");
}

async fn ask(
    peer: &mut Option<SendRequest<Full<Bytes>>>,
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Option<Heard> {
    if peer.as_ref().is_none_or(SendRequest::is_closed) {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        *peer = Some(sender);
    }
    let answer = peer.as_mut()?.send_request(request).await.ok()?;
    let (head, body) = answer.into_parts();
    let gathered = body.collect().await.ok()?;
    let trailers = gathered.trailers().cloned().unwrap_or_default();
    Some(Heard { status: head.status, headers: [trailers, head.headers], data: gathered.to_bytes() })
}

/// The answer is a status that says what is wrong, and no larger than what it answers by much.
fn judged(heard: &Heard, sent: usize, shown: &str) {
    assert!(
        heard.data.len() <= 4 * 1024 * 1024 + 64 * sent,
        "{} bytes in answer to {shown}",
        heard.data.len()
    );
    if heard.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return;
    }
    assert_eq!(heard.status, StatusCode::OK, "{shown}");
    let status = heard.headers.iter().find_map(Status::from_header_map);
    let status = status.unwrap_or_else(|| panic!("no status in answer to {shown}"));
    let code = heard.headers.iter().find_map(|headers| headers.get("tercet-code"));
    let known =
        |code: &http::HeaderValue| server::refusals().any(|kind| kind.code.as_bytes() == code.as_bytes());
    match (status.code(), code) {
        (Code::Ok | Code::Unimplemented | Code::Cancelled, None) => {}
        // Health and reflection are not ours: they say it in their own words.
        (Code::NotFound | Code::InvalidArgument, None) if shown.starts_with("/grpc") => {}
        (_, Some(code)) if known(code) => {}
        _ => panic!("{status:?} with code {code:?} in answer to {shown}"),
    }
}

fn path(rng: &mut Rng) -> String {
    match rng.u8(..20) {
        0 => (*rng.choice(OTHER).unwrap()).to_owned(),
        1..=6 => format!("/tercet.v1.Transactions/{}", rng.choice(TRANSACTIONS).unwrap()),
        _ => format!("/tercet.v1.Ledger/{}", rng.choice(LEDGER).unwrap()),
    }
}

/// Messages in frames: most of them twisted, some of the frames too.
fn drawn(rng: &mut Rng, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..if rng.u8(..4) == 0 { rng.usize(..5) } else { 1 } {
        let message = rng.choice(messages).unwrap();
        let message = match rng.u8(..5) {
            0 => message.clone(),
            1 => message.repeat(rng.usize(1..40)),
            _ => twist::bytes(rng, message),
        };
        let length = u32::try_from(message.len()).unwrap();
        let told = if rng.u8(..12) == 0 { rng.u32(..) } else { length };
        body.push(if rng.u8(..16) == 0 { rng.u8(..) } else { 0 });
        body.extend_from_slice(&told.to_be_bytes());
        body.extend_from_slice(&message);
    }
    if rng.u8(..20) == 0 { twist::bytes(rng, &body) } else { body }
}

/// A message for each shape of request; any of them is sent to any method.
fn messages() -> Vec<Vec<u8>> {
    let member = |kind| Member { kind: Some(kind) };
    let open = |id: &str| {
        let floor = Some(proto::open::Floor::NoFloor(true));
        proto::Open { id: id.into(), asset: "eur".into(), floor, ..proto::Open::default() }
    };
    let entry = |id: &str| proto::Entry {
        id: id.into(),
        from: "bank".into(),
        to: "ann".into(),
        amount: Some(proto::entry::Amount::Decimal("1.25".into())),
        ..proto::Entry::default()
    };
    let kinds = [
        Kind::Asset(proto::Asset { code: "eur".into(), scale: 2 }),
        Kind::Open(open("bank")),
        Kind::Open(open("ann")),
        Kind::Entry(entry("e1")),
        Kind::Hold(proto::Hold {
            id: "h1".into(),
            from: "ann".into(),
            to: "bank".into(),
            amount: Some(proto::hold::Amount::Units(3)),
            ..proto::Hold::default()
        }),
        Kind::Capture(proto::Capture { id: "c1".into(), hold: "h1".into(), ..proto::Capture::default() }),
    ];
    let mut batch = proto::ApplyRequest { number: 1, ..proto::ApplyRequest::default() };
    kinds.iter().for_each(|kind| batch.members.push(&member(kind.clone())));
    let begin = proto::BeginRequest {
        id: "t1".into(),
        pattern: proto::Pattern::Tcc as i32,
        branches: vec![proto::Branch {
            id: "w".into(),
            kind: Some(proto::branch::Kind::Await(proto::AwaitBranch {})),
            ..proto::Branch::default()
        }],
        ..proto::BeginRequest::default()
    };
    let signal = proto::SignalRequest {
        id: "t1".into(),
        branch: "w".into(),
        outcome: proto::SignalOutcome::Done as i32,
        result: "{\"a\":1}".into(),
    };
    let statement = proto::StatementRequest { account: "ann".into(), ..proto::StatementRequest::default() };
    vec![
        batch.encode_to_vec(),
        proto::AccountsRequest { accounts: vec![open("a"), open("b")], dry_run: false }.encode_to_vec(),
        proto::EntriesRequest { entries: vec![entry("e2"), entry("e3")], dry_run: true }.encode_to_vec(),
        proto::GetTransactionRequest { id: "t1".into(), wait_ms: 5 }.encode_to_vec(),
        begin.encode_to_vec(),
        signal.encode_to_vec(),
        statement.encode_to_vec(),
        Vec::new(),
    ]
}
