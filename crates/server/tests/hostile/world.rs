//! A server of its own for each test, with short limits of time; and the sane request that must always work.

use std::net::SocketAddr;

use engine::{Heard, Network, Parts, Running};
use participant::client::{Amount, Batch, Client, Entry};
use participant::proto::member::Kind;
use participant::proto::{self, Outcome};
use server::{Config, HttpLimits, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use transaction::{Call, Reply};

use crate::watch::BOUND;

/// A running server.
pub(crate) struct World {
    server: Server,
    running: Running,
    sane: [Client; 2],
    posted: u32,
}

/// Participants that do whatever they are asked.
struct Participants;

impl Network for Participants {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        for (_, heard) in calls {
            heard(Reply::Done { result: None });
        }
    }
}

impl World {
    /// A server whose callers have little time.
    pub(crate) async fn start() -> World {
        // Nobody waits for the end of what does not end.
        let config = engine::Config { waiters_max: 0, ..engine::Config::default() };
        let running = engine::start(&config, Parts::in_memory(Participants)).unwrap();
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let limits = HttpLimits {
            header_timeout_ms: 300,
            body_timeout_ms: 300,
            idle_timeout_ms: 2_000,
            ..HttpLimits::default()
        };
        let config = Config { limits, ..Config::new(free, free) };
        let server = server::listen(config, running.engine.clone(), Default::default()).await.unwrap();
        let http = Client::connect(&format!("http://{}", server.http_addr())).await.unwrap();
        let grpc = Client::connect(&format!("grpc://{}", server.grpc_addr())).await.unwrap();
        let mut batch = Batch::new();
        batch.member(Kind::Asset(proto::Asset { code: "sane".into(), scale: 2 }));
        for (id, floor) in [("sane:from", Some(proto::open::Floor::NoFloor(true))), ("sane:to", None)] {
            let (id, asset) = (id.into(), "sane".into());
            batch.member(Kind::Open(proto::Open { id, asset, floor, ..proto::Open::default() }));
        }
        assert!(grpc.change(&batch).await.unwrap().is_all_done());
        World { server, running, sane: [http, grpc], posted: 0 }
    }

    /// Where HTTP is served.
    pub(crate) fn http(&self) -> SocketAddr {
        self.server.http_addr()
    }

    /// Where gRPC is served.
    pub(crate) fn grpc(&self) -> SocketAddr {
        self.server.grpc_addr()
    }

    /// A sane request works, over both ways in turn, and says what is true.
    pub(crate) async fn is_sane(&mut self, after: &str) {
        self.posted += 1;
        let id = format!("sane:{}", self.posted);
        let mut batch = Batch::new();
        let (from, to, amount) = ("sane:from", "sane:to", Amount::Decimal("0.01"));
        batch.entry(&Entry { id: &id, from, to, amount, ..Entry::default() });
        let client = &self.sane[self.posted as usize % 2];
        let told = tokio::time::timeout(BOUND, client.change(&batch)).await;
        let told = told.unwrap_or_else(|_| panic!("no answer to a sane request after {after}"));
        let told = told.unwrap_or_else(|fault| panic!("a sane request is not done after {after}: {fault}"));
        assert_eq!(told.get(0), Some(Outcome::Posted), "after {after}");
    }

    /// The sum of all sane requests is there; ends server and engine.
    pub(crate) async fn end(self) {
        let account = self.sane[0].account("sane:to").await.unwrap();
        assert_eq!(account.posted, format!("{}.{:02}", self.posted / 100, self.posted % 100));
        drop(self.sane);
        self.server.stop().await;
        tokio::task::spawn_blocking(move || self.running.stop()).await.unwrap();
    }
}

/// Says these bytes at an address and hears all that is answered until the peer closes; then it is done sooner or later.
pub(crate) async fn say(address: SocketAddr, bytes: &[u8], then: Then) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let saying = async {
        // A peer that has heard enough may hang up in the middle.
        let _ = writing.write_all(bytes).await;
        match then {
            Then::HangUp => drop(writing.shutdown().await),
            Then::Listen => std::future::pending().await,
            Then::Drip => {
                while writing.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
        std::future::pending::<()>().await;
    };
    let mut heard = Vec::new();
    let hearing = async {
        let _ = reading.read_to_end(&mut heard).await;
    };
    let both = async {
        tokio::select! {
            () = saying => {}
            () = hearing => {}
        }
    };
    let ended = tokio::time::timeout(BOUND, both).await;
    assert!(
        ended.is_ok(),
        "still open after {BOUND:?}: {}",
        String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
    );
    heard
}

/// What a caller does when it has said all.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// Says that nothing more comes, and listens.
    HangUp,
    /// Listens.
    Listen,
    /// Goes on, a byte now and then.
    Drip,
}
