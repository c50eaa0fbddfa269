//! A points service as a participant: axum in front, MySQL or MariaDB behind, the barrier in between.
//!
//! `DATABASE_URL=mysql://… PORT=7002 cargo run -p example-mysql`; `CALL_SECRET` makes it believe signed calls only.
//! What is the service's own is `Points` below: three statements. Read `README.md` beside this file.

use std::io::Write;

use anyhow::Context;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use participant::axum::{Asked, Tcc, serve, signed, tcc};
use participant::barrier::{Barrier, Fault};
use participant::call::{Outcome, Signature};
use participant::database::Local;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::{Executor, MySql, MySqlPool, Row};

const TABLES: &str = "CREATE TABLE IF NOT EXISTS points (
    account varchar(64) PRIMARY KEY,
    available bigint NOT NULL CHECK (available >= 0),
    held bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    spent bigint NOT NULL DEFAULT 0 CHECK (spent >= 0)
) ENGINE = InnoDB";
const OPENING: &str = "INSERT IGNORE INTO points (account, available) VALUES ('anna', 1000000), ('bert', 10)";

const HOLD: &str = "UPDATE points SET held = held + ?, available = available - ?
    WHERE account = ? AND available >= ?";
const CAPTURE: &str = "UPDATE points SET held = held - ?, spent = spent + ?
    WHERE account = ? AND held >= ?";
const RELEASE: &str = "UPDATE points SET held = held - ?, available = available + ?
    WHERE account = ? AND held >= ?";

/// The branch's body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spending {
    account: String,
    points: u32,
}

struct Points;

impl Tcc<MySql> for Points {
    type Body = Spending;

    async fn on_try(&self, local: Local<'_, MySql>, asked: Asked<'_, Spending>) -> Result<Outcome, Fault> {
        Ok(match change(local, HOLD, asked.body).await? {
            0 => Outcome::refused(
                "points_short",
                format!("{} has fewer than {} points", asked.body.account, asked.body.points),
            ),
            _ => Outcome::result(json!({ "held": asked.body.points }))?,
        })
    }

    async fn on_confirm(
        &self,
        local: Local<'_, MySql>,
        asked: Asked<'_, Spending>,
    ) -> Result<Outcome, Fault> {
        Ok(ended(change(local, CAPTURE, asked.body).await?, asked.body))
    }

    async fn on_cancel(&self, local: Local<'_, MySql>, asked: Asked<'_, Spending>) -> Result<Outcome, Fault> {
        Ok(ended(change(local, RELEASE, asked.body).await?, asked.body))
    }
}

async fn change(
    mut local: Local<'_, MySql>,
    statement: &'static str,
    spending: &Spending,
) -> Result<u64, Fault> {
    let (points, account) = (spending.points, &spending.account);
    let query = sqlx::query(statement).bind(points).bind(points).bind(account).bind(points);
    let done = query.execute(&mut *local).await?;
    Ok(done.rows_affected())
}

/// How a confirm or a cancel went. No row means that what the try held is gone: a refusal is rolled back with the barrier's
/// row, and the transaction then needs a person's attention.
fn ended(rows: u64, spending: &Spending) -> Outcome {
    let Spending { account, points } = spending;
    match rows {
        0 => Outcome::refused("hold_gone", format!("{points} points of {account} were held and are gone")),
        _ => Outcome::done(),
    }
}

/// The figures of all points, for `tercet participant verify --probe`.
async fn probe(State(pool): State<MySqlPool>) -> Result<Json<Value>, String> {
    let sums = "SELECT CAST(sum(available) AS SIGNED), CAST(sum(held) AS SIGNED), CAST(sum(spent) AS SIGNED) FROM points";
    let row = pool.fetch_one(sums).await.map_err(|fault| fault.to_string())?;
    let figure = |column: usize| row.try_get::<i64, _>(column).map_err(|fault| fault.to_string());
    Ok(Json(json!({ "available": figure(0)?, "held": figure(1)?, "spent": figure(2)? })))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let setting = |name: &str| std::env::var(name).ok();
    let signature = setting("CALL_SECRET").map(Signature::of_secret).transpose().context("CALL_SECRET")?;
    let url = setting("DATABASE_URL").ok_or_else(|| anyhow::anyhow!("DATABASE_URL is not set"))?;
    let pool = MySqlPoolOptions::new().max_connections(20).connect(&url).await?;
    pool.execute(TABLES).await?;
    pool.execute(OPENING).await?;

    let barrier = Barrier::new(pool.clone());
    barrier.create_schema().await?;
    barrier.check_schema(&["points"]).await?;

    let mut calls = tcc(Points, barrier.clone());
    if let Some(signature) = signature {
        calls = signed(calls, signature);
    }
    let meters = get(move || async move { barrier.meters().prometheus() });
    let router = Router::new()
        .route("/probe", get(probe).with_state(pool))
        .route("/metrics", meters)
        .route("/healthz", get(|| async { "alive" }))
        .merge(calls);

    let port = setting("PORT").unwrap_or_else(|| "7002".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    writeln!(std::io::stdout(), "ready http={}", listener.local_addr()?)?;
    serve(listener, router).await?;
    Ok(())
}
