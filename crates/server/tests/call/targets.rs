//! Who is connected to: not one connection at a canary, whatever names and redirects say.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use server::call::Resolving;

use super::*;

/// Answers each question with the next line of a script; the last one for ever.
pub(crate) struct Scripted(Mutex<VecDeque<Vec<IpAddr>>>);

impl Scripted {
    pub(crate) fn new(lines: &[&[&str]]) -> Self {
        let parse = |line: &&[&str]| line.iter().map(|ip| ip.parse().unwrap()).collect();
        Scripted(Mutex::new(lines.iter().map(parse).collect()))
    }
}

impl Resolve for Scripted {
    fn resolve(&self, _: &str) -> Resolving {
        let mut lines = self.0.lock().unwrap();
        let line = if lines.len() > 1 { lines.pop_front() } else { lines.front().cloned() };
        Box::pin(async move { line.ok_or_else(|| io::Error::other("no such name")) })
    }
}

fn only(network: &str) -> Config {
    let policy = Policy { allow_cidrs: vec![network.parse().unwrap()], ..Policy::default() };
    Config { policy, ..Config::default() }
}

/// A participant and, at the same port of another address, a canary.
async fn with_canary() -> (Participant, Participant) {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n7";
    let stock = Participant::start(Act::Answer(closing.to_owned())).await;
    let beside = SocketAddr::new("127.0.0.2".parse().unwrap(), stock.address.port());
    (stock, Participant::start_at(beside, Act::Answer(answer(200, "666"))).await)
}

#[tokio::test]
async fn a_name_that_changes_its_mind_reaches_nobody() {
    let (stock, canary) = with_canary().await;
    let names = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let caller = caller_with(only("127.0.0.1"), names);
    let url = format!("http://stock.example:{}/try", stock.address.port());
    assert_eq!(ask(&caller, call(&url)).await, done("7"));
    for _ in 0..3 {
        let denied = unknown("target denied: 127.0.0.2 is a loopback address");
        assert_eq!(ask(&caller, call(&url)).await, denied);
    }
    assert_eq!((stock.connections(), canary.connections()), (1, 0));
}

#[tokio::test]
async fn of_many_addresses_only_allowed_ones_are_used() {
    let (stock, canary) = with_canary().await;
    let names =
        Scripted::new(&[&["127.0.0.2", "10.0.0.8", "169.254.169.254", "::ffff:127.0.0.2", "127.0.0.1"]]);
    let caller = caller_with(only("127.0.0.1"), names);
    let url = format!("http://stock.example:{}/try", stock.address.port());
    assert_eq!(ask(&caller, call(&url)).await, done("7"));
    assert_eq!((stock.connections(), canary.connections()), (1, 0));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let stock = Participant::start(Act::Answer(answer(200, "7"))).await;
    let caller = caller_with(to_loopback(), Scripted::new(&[&["127.0.0.9", "127.0.0.1"]]));
    let url = format!("http://stock.example:{}/try", stock.address.port());
    assert_eq!(ask(&caller, call(&url)).await, done("7"));
}

#[tokio::test]
async fn nothing_but_public_addresses_is_called_unless_said() {
    let canary = Participant::start(Act::Answer(answer(200, "666"))).await;
    let port = canary.address.port();
    let caller = HttpCaller::new(Config::default(), Handle::current()).unwrap();
    for host in ["127.0.0.1", "localhost", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let reply = ask(&caller, call(&format!("http://{host}:{port}/try"))).await;
        let Reply::Unknown { error } = reply else { panic!("{host}: {reply:?}") };
        assert!(error.starts_with("target denied: "), "{host}: {error}");
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let canary = Participant::start(Act::Answer(answer(200, "666"))).await;
    for code in [301, 302, 303, 307, 308] {
        let location = canary.url("/secret");
        let moved = format!("HTTP/1.1 {code} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let stock = Participant::start(Act::Answer(moved)).await;
        assert_eq!(ask_url(&stock.url("/try")).await, unknown(format!("HTTP {code}")));
        assert_eq!(stock.requests().len(), 1);
    }
    assert_eq!(canary.connections(), 0);
}

struct Mute;

impl Resolve for Mute {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_name_that_is_not_resolved_is_unknown() {
    let url = "http://stock.example:7001/try";
    let none = caller_with(to_loopback(), Scripted::new(&[]));
    assert_eq!(ask(&none, call(url)).await, unknown("name stock.example not resolved: no such name"));
    let empty = caller_with(to_loopback(), Scripted::new(&[&[]]));
    assert_eq!(ask(&empty, call(url)).await, unknown("name stock.example not resolved: it has no address"));
    let mute = caller_with(to_loopback(), Mute);
    let reply = ask(&mute, Call { timeout_ms: 100, ..call(url) }).await;
    assert_eq!(reply, unknown("time-out after 100 ms"));
    let mute = caller_with(Config { connect_timeout_ms: 100, ..to_loopback() }, Mute);
    assert_eq!(ask(&mute, call(url)).await, unknown("connect time-out after 100 ms"));
}
