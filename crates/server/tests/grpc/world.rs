//! A server of its own for each test: engine, journal and archive in memory, listeners on free ports of the loopback.

use std::net::SocketAddr;

use engine::{Heard, Network, Parts, Running};
use participant::client::{Amount, Batch, Client, Entry};
use participant::proto::member::Kind;
use participant::proto::{self, Outcome};
use server::{Config, Server};
use transaction::{Call, Reply};

/// A running server.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) running: Running,
    pub(crate) client: Client,
}

/// Participants that do whatever they are asked, but for those whose URL ends in `/refuse`.
struct Participants;

impl Network for Participants {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        for (call, heard) in calls {
            match call.url.rsplit('/').next().unwrap_or_default() {
                "refuse" => heard(Reply::Refused { detail: "no".into() }),
                _ => heard(Reply::Done { result: None }),
            }
        }
    }
}

/// The defaults, on free ports.
pub(crate) fn config() -> Config {
    let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
    Config::new(free, free)
}

/// A server with these settings, and who asks it.
pub(crate) async fn started(config: Config) -> (Server, Running) {
    let running = engine::start(&engine::Config::default(), Parts::in_memory(Participants)).unwrap();
    let server = server::listen(config, running.engine.clone(), Default::default()).await.unwrap();
    (server, running)
}

/// A server with the accounts `issuer` (no floor), `a` and `b` (not below zero) of the asset `points` (two decimals).
pub(crate) async fn world() -> World {
    let (server, running) = started(config()).await;
    let client = Client::connect(&format!("grpc://{}", server.grpc_addr())).await.unwrap();
    let mut batch = Batch::new();
    batch.member(Kind::Asset(proto::Asset { code: "points".into(), scale: 2 }));
    for (id, floor) in [("issuer", Some(proto::open::Floor::NoFloor(true))), ("a", None), ("b", None)] {
        let (id, asset) = (id.into(), "points".into());
        batch.member(Kind::Open(proto::Open { id, asset, floor, ..proto::Open::default() }));
    }
    let outcomes = client.change(&batch).await.unwrap();
    assert!(outcomes.is_all_done(), "{:?}", outcomes.refused());
    use Outcome as O;
    assert_eq!(outcomes.iter().collect::<Vec<_>>(), [O::Declared, O::Opened, O::Opened, O::Opened]);
    World { server, running, client }
}

/// An entry of so many cents.
pub(crate) fn entry<'a>(id: &'a str, (from, to): (&'a str, &'a str), units: i128) -> Entry<'a> {
    Entry { id, from, to, amount: Amount::Units(units), ..Entry::default() }
}

impl World {
    /// What can be spent in an account.
    pub(crate) async fn available(&self, id: &str) -> String {
        self.client.account(id).await.unwrap().available
    }

    /// Ends server and engine.
    pub(crate) async fn end(self) {
        drop(self.client);
        self.server.stop().await;
        tokio::task::spawn_blocking(move || self.running.stop()).await.unwrap();
    }
}
