//! The routes over SQLite: saga and message under the conformance kit, and what the kit does not ask.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use kit::{Form, Options, Target, verify};
use lab::http::Http;
use participant::axum::{
    Asked, Deliver, PassResult, Saga, Tcc, check, deliver, saga, serve_until, signed, tcc,
};
use participant::barrier::{Barrier, Fault};
use participant::call::{Outcome, Signature};
use participant::database::Local;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{Executor, Row, Sqlite, SqlitePool};

#[derive(Deserialize)]
struct Body {
    n: i64,
}

/// A purse: `free` and `taken`.
struct Purse;

async fn take(mut local: Local<'_, Sqlite>, n: i64) -> Result<u64, Fault> {
    let take = "UPDATE purse SET free = free - ?1, taken = taken + ?1 WHERE free >= ?1 AND taken + ?1 >= 0";
    Ok(sqlx::query(take).bind(n).execute(&mut *local).await?.rows_affected())
}

impl Saga<Sqlite> for Purse {
    type Body = Body;

    async fn on_action(&self, local: Local<'_, Sqlite>, asked: Asked<'_, Body>) -> Result<Outcome, Fault> {
        Ok(match take(local, asked.body.n).await? {
            0 => Outcome::refused("empty", "not so much is in it"),
            _ => Outcome::result(json!({ "took": asked.body.n }))?,
        })
    }

    async fn on_compensate(
        &self,
        local: Local<'_, Sqlite>,
        asked: Asked<'_, Body>,
    ) -> Result<Outcome, Fault> {
        take(local, -asked.body.n).await?;
        Ok(Outcome::done())
    }
}

impl Deliver<Sqlite> for Purse {
    type Body = Body;

    async fn on_deliver(&self, local: Local<'_, Sqlite>, asked: Asked<'_, Body>) -> Result<Outcome, Fault> {
        take(local, asked.body.n).await?;
        Ok(Outcome::done())
    }
}

/// Confirms what its try answered, and not what the body says.
struct Ticket;

impl Tcc<Sqlite> for Ticket {
    type Body = Body;
    const PASS_RESULT: PassResult = PassResult::Yes;

    async fn on_try(&self, _: Local<'_, Sqlite>, asked: Asked<'_, Body>) -> Result<Outcome, Fault> {
        Ok(Outcome::result(json!({ "seat": asked.body.n + 1 }))?)
    }

    async fn on_confirm(&self, local: Local<'_, Sqlite>, asked: Asked<'_, Body>) -> Result<Outcome, Fault> {
        let seat = asked.result.and_then(|result| result["seat"].as_i64());
        take(local, seat.ok_or_else(|| Fault::of("no seat"))?).await?;
        Ok(Outcome::done())
    }

    async fn on_cancel(&self, _: Local<'_, Sqlite>, _: Asked<'_, Body>) -> Result<Outcome, Fault> {
        Ok(Outcome::done())
    }
}

const SECRET: &str = "of the tests, sixteen bytes or more";

struct World {
    http: Http,
    pool: SqlitePool,
    stop: tokio::sync::oneshot::Sender<()>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("books.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    pool.execute("CREATE TABLE purse (free INTEGER, taken INTEGER)").await.unwrap();
    pool.execute("INSERT INTO purse VALUES (100000, 0)").await.unwrap();
    let barrier = Barrier::new(pool.clone());
    barrier.create_schema().await.unwrap();
    let probe = axum::routing::get(|pool: axum::extract::State<SqlitePool>| async move {
        let row = pool.fetch_one("SELECT free, taken FROM purse").await.unwrap();
        json!({ "free": row.get::<i64, _>(0), "taken": row.get::<i64, _>(1) }).to_string()
    });
    let believed = Signature::of_secret(SECRET).unwrap().strict();
    let router = saga(Purse, barrier.clone())
        .merge(deliver(Purse, barrier.clone()))
        .merge(check(barrier.clone()))
        .merge(tcc(Ticket, barrier.clone()))
        .nest("/shops/{shop}/purse", signed(saga(Purse, barrier), believed))
        .route("/probe", probe.with_state(pool.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Http { address: listener.local_addr().unwrap(), token: None };
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let until = async { stopped.await.unwrap_or(()) };
    let served = tokio::spawn(serve_until(listener, router, until));
    World { http, pool, stop, served, _folder: folder }
}

impl World {
    /// Status and body of one call.
    async fn call(&self, path: &'static str, operation: &'static str, body: &str) -> (u16, Value) {
        let (http, body) = (self.http.clone(), body.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let headers =
                [("tercet-transaction", "t-1"), ("tercet-branch", "b"), ("tercet-operation", operation)];
            http.send(("POST", path), &headers, body.as_bytes()).unwrap()
        });
        let reply = asked.await.unwrap();
        (reply.status, reply.body)
    }

    async fn taken(&self) -> i64 {
        self.pool.fetch_one("SELECT taken FROM purse").await.unwrap().get(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_back_is_done_only_after_a_committed_submit() {
    let world = world().await;
    let ask = |transaction: &'static str| {
        let http = world.http.clone();
        tokio::task::spawn_blocking(move || {
            let branch = ("tercet-branch", "check");
            let headers = [("tercet-transaction", transaction), branch, ("tercet-operation", "check")];
            let reply = http.send(("POST", "/check"), &headers, b"{}").unwrap();
            (reply.status, reply.body["code"].clone())
        })
    };
    for _ in 0..2 {
        assert_eq!(ask("t-1").await.unwrap(), (409, json!("never_submitted")));
    }
    let mut late = world.pool.begin().await.unwrap();
    assert!(Barrier::<Sqlite>::submit(&mut late, "t-1").await.is_err(), "the check-back came first");
    late.rollback().await.unwrap();
    let mut local = world.pool.begin().await.unwrap();
    Barrier::<Sqlite>::submit(&mut local, "t-2").await.unwrap();
    local.commit().await.unwrap();
    assert_eq!(ask("t-2").await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sagas_and_messages_hold_to_the_rules_of_the_barrier() {
    let world = world().await;
    let url = |path: &str| format!("http://{}/{path}", world.http.address);
    let target = Target {
        name: "purse".to_owned(),
        forms: vec![
            Form::Saga { action: url("action"), compensate: url("compensate") },
            Form::Message { deliver: url("deliver") },
        ],
        probe: Some(url("probe")),
        body: r#"{"n":2}"#.into(),
        ..Target::default()
    };
    let options = Options { races: 40, duplicates: 20, ..Options::default() };
    let report = verify(&target, &options).await.unwrap();
    assert!(report.holds(), "{report}");
    world.stop.send(()).unwrap();
    world.served.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn under_another_router_a_signature_fits_the_path_as_it_came() {
    let world = world().await;
    let url = |path: &str| format!("http://{}/{path}", world.http.address);
    let form = |base: &str| Form::Saga {
        action: url(&format!("{base}/action?from=kit")),
        compensate: url(&format!("{base}/compensate")),
    };
    let target = Target {
        name: "purse".to_owned(),
        forms: vec![form("shops/7/purse")],
        probe: Some(url("probe")),
        body: r#"{"n":2}"#.into(),
        secret: Some(SECRET.into()),
        ..Target::default()
    };
    let only = ["signature", "signed_identity"];
    let options = Options { only: only.map(str::to_owned).to_vec(), ..Options::default() };
    let report = verify(&target, &options).await.unwrap();
    assert!(report.holds(), "{report}");
    for name in only {
        assert_eq!(report.check(name).unwrap().verdict.word(), "holds", "{report}");
    }
    assert_eq!(world.call("/shops/7/purse/action", "action", r#"{"n":2}"#).await.0, 401, "it is signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trys_result_comes_back_with_the_confirm() {
    let world = world().await;
    let (status, result) = world.call("/try", "try", r#"{"n":6}"#).await;
    assert_eq!((status, result), (200, json!({ "seat": 7 })));
    let confirm = r#"{"body":{"n":6},"result":{"seat":7}}"#;
    assert_eq!(world.call("/confirm", "confirm", confirm).await.0, 200);
    assert_eq!(world.taken().await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_refused_for_good_and_its_cancel_is_done() {
    let world = world().await;
    let (status, problem) = world.call("/try", "try", r#"{"n":"six"}"#).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("body_invalid")), "{problem}");
    assert_eq!(world.call("/try", "try", r#"{"n":"six"}"#).await, (status, problem));
    assert_eq!(world.call("/cancel", "cancel", r#"{"n":"six"}"#).await.0, 200);
    assert_eq!(world.taken().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_at_the_address_of_another_is_no_call() {
    let world = world().await;
    let (status, problem) = world.call("/confirm", "cancel", r#"{"n":1}"#).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("operation_mismatch")));
    assert_eq!(world.call("/try", "action", r#"{"n":1}"#).await.0, 400);
}
