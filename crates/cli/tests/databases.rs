//! Participants over real databases under load, while they, their databases and their connections are struck: in the end
//! every transaction is final and both databases agree with what the coordinator says.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use lab::example::{Example, program};
use lab::http::Http;
use lab::patience::within;
use lab::proxy::{Cut, Protocol, Proxy};
use lab::server::Launch;
use lab::services::Private;
use serde_json::{Value, json};

const CALLERS: usize = 8;
const EACH: usize = 20;
/// What is there of the second product: some tries are refused by it.
const SCARCE: u64 = 10;
const OPENING: u64 = 1_000_000;
/// A back-off of the coordinator, breakers and restarts of databases come on top of each other.
const PATIENCE: Duration = Duration::from_secs(120);

/// A participant with its database and what cuts its connections.
struct Side {
    database: Private,
    proxy: Proxy,
    program: PathBuf,
    service: Example,
}

impl Side {
    fn start(database: Private, protocol: Protocol, package: &str) -> Side {
        let proxy = Proxy::start(database.address(), protocol);
        let program = program(package);
        let service = Example::start(&mut recipe(&program, &proxy.url(&database.url()), 0));
        Side { database, proxy, program, service }
    }

    /// `kill -9`, and a new process in its place.
    fn kill_service(&mut self) {
        let port = self.service.address.port();
        self.service.kill9();
        let url = self.proxy.url(&self.database.url());
        self.service = Example::start(&mut recipe(&self.program, &url, port));
    }

    fn kill_database(&mut self) {
        self.database.kill9();
        sleep(Duration::from_millis(300));
        self.database.restart();
    }

    fn url(&self, operation: &str) -> String {
        self.service.url(operation)
    }

    fn figures(&self) -> Value {
        let http = Http { address: self.service.address, token: None };
        within(PATIENCE, || http.try_get("/probe").ok().filter(|reply| reply.status == 200)).unwrap().body
    }
}

fn recipe(program: &PathBuf, url: &str, port: u16) -> Command {
    let mut command = Command::new(program);
    command.env("DATABASE_URL", url).env("PORT", port.to_string());
    command
}

#[test]
fn killed_participants_databases_and_connections_lose_and_double_nothing() {
    let mut sides = [
        Side::start(Private::postgres(), Protocol::Postgres, "example-postgres"),
        Side::start(Private::mariadb(), Protocol::MySql, "example-mysql"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch {
        binary: env!("CARGO_BIN_EXE_tercet").into(),
        under: Vec::new(),
        flags: Vec::new(),
        folder: folder.path().to_owned(),
        data: folder.path().join("data"),
    };
    let server = launch.start().unwrap();
    let http = Http { address: server.http, token: None };
    let urls = sides.each_ref().map(|side| ["try", "confirm", "cancel"].map(|operation| side.url(operation)));
    let (is_over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    scope(|threads| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (http, urls) = (&http, &urls);
                threads.spawn(move || {
                    for number in 0..EACH {
                        begin(http, urls, &id(caller, number), (caller + number) % 4 == 0);
                    }
                })
            })
            .collect();
        strike(&mut sides, || callers.iter().all(std::thread::ScopedJoinHandle::is_finished));
        is_over.store(true, Ordering::SeqCst);
    });
    assert!(is_over.load(Ordering::SeqCst));
    let (mut ordinary, mut scarce) = (0, 0);
    for (caller, number) in (0..CALLERS).flat_map(|caller| (0..EACH).map(move |number| (caller, number))) {
        match ended(&http, &id(caller, number)).as_str() {
            "confirmed" if (caller + number) % 4 == 0 => scarce += 1,
            "confirmed" => ordinary += 1,
            _ => _ = refused.fetch_add(1, Ordering::SeqCst),
        }
    }
    assert_eq!(scarce, SCARCE, "all of what is scarce went, and not one more");
    assert!(ordinary > 0 && refused.load(Ordering::SeqCst) > 0);
    let sold = ordinary + scarce;
    let opening = OPENING + SCARCE;
    assert_eq!(
        sides[0].figures(),
        json!({ "available": opening - sold, "reserved": 0, "sold": sold }),
        "PostgreSQL agrees with what the coordinator says"
    );
    assert_eq!(
        sides[1].figures(),
        json!({ "available": opening - sold, "held": 0, "spent": sold }),
        "MariaDB"
    );
    let cuts: u64 = sides.iter().map(|side| side.proxy.cuts()).sum();
    assert!(cuts > 0, "connections were cut at COMMIT");
}

/// Until the callers are done, and once each way at least: commits cut before and after, services and databases killed.
fn strike(sides: &mut [Side; 2], is_done: impl Fn() -> bool) {
    for round in 0.. {
        let side = &mut sides[round % 2];
        match (round / 2) % 4 {
            0 => side.proxy.cut_commits(Cut::AfterCommit, 7),
            1 => side.kill_service(),
            2 => side.proxy.cut_commits(Cut::BeforeCommit, 7),
            _ => side.kill_database(),
        }
        sleep(Duration::from_millis(250));
        if round >= 8 && is_done() {
            break;
        }
    }
    for side in sides {
        side.proxy.pass();
    }
}

fn id(caller: usize, number: usize) -> String {
    format!("order-{caller}-{number}")
}

fn begin(http: &Http, urls: &[[String; 3]; 2], id: &str, is_scarce: bool) {
    let bodies = match is_scarce {
        true => [json!({ "sku": "B", "n": 1 }), json!({ "account": "bert", "points": 1 })],
        false => [json!({ "sku": "A", "n": 1 }), json!({ "account": "anna", "points": 1 })],
    };
    let branch = |name: &str, [attempt, confirm, cancel]: &[String; 3], body: &Value| {
        json!({ "id": name, "kind": "call", "try": attempt, "confirm": confirm, "cancel": cancel, "body": body,
            "timeout_ms": 2000 })
    };
    let transaction = json!({
        "id": id, "pattern": "tcc", "deadline_ms": 20_000, "wait_ms": 500,
        "retry": { "initial_ms": 50, "max_ms": 500, "attention_after": 1000 },
        "branches": [branch("stock", &urls[0], &bodies[0]), branch("points", &urls[1], &bodies[1])],
    });
    let kept = within(PATIENCE, || http.try_post("/v1/transactions", &transaction).ok()).unwrap();
    assert!([200, 202].contains(&kept.status), "{}", kept.text);
}

fn ended(http: &Http, id: &str) -> String {
    let state = within(PATIENCE, || {
        let seen = http.try_get(&format!("/v1/transactions/{id}?wait_ms=1000")).ok()?;
        let state = seen.body["state"].as_str()?.to_owned();
        ["confirmed", "cancelled"].contains(&state.as_str()).then_some(state)
    });
    state.unwrap_or_else(|| {
        panic!("{id} never ends: {}", http.try_get(&format!("/v1/transactions/{id}/timeline")).unwrap().text)
    })
}
