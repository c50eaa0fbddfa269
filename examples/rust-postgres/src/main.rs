//! A stock service as a participant: axum in front, PostgreSQL behind, the barrier in between.
//!
//! `DATABASE_URL=postgres://… PORT=7001 cargo run -p example-postgres`; `CALL_SECRET` makes it believe signed calls only.
//! What is the service's own is `Stock` below: three statements. Read `README.md` beside this file.

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
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool, Postgres, Row};

const TABLES: &str = "CREATE TABLE IF NOT EXISTS stock (
    sku varchar(64) PRIMARY KEY,
    available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    sold bigint NOT NULL DEFAULT 0 CHECK (sold >= 0)
)";
const OPENING: &str =
    "INSERT INTO stock (sku, available) VALUES ('A', 1000000), ('B', 10) ON CONFLICT DO NOTHING";

const RESERVE: &str = "UPDATE stock SET available = available - $1, reserved = reserved + $1
    WHERE sku = $2 AND available >= $1";
const SELL: &str = "UPDATE stock SET reserved = reserved - $1, sold = sold + $1
    WHERE sku = $2 AND reserved >= $1";
const GIVE_BACK: &str = "UPDATE stock SET reserved = reserved - $1, available = available + $1
    WHERE sku = $2 AND reserved >= $1";

/// The branch's body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    sku: String,
    n: u32,
}

struct Stock;

impl Tcc<Postgres> for Stock {
    type Body = Order;

    async fn on_try(&self, local: Local<'_, Postgres>, asked: Asked<'_, Order>) -> Result<Outcome, Fault> {
        Ok(match change(local, RESERVE, asked.body).await? {
            0 => Outcome::refused(
                "stock_short",
                format!("fewer than {} of {} are left", asked.body.n, asked.body.sku),
            ),
            _ => Outcome::result(json!({ "reserved": asked.body.n }))?,
        })
    }

    async fn on_confirm(
        &self,
        local: Local<'_, Postgres>,
        asked: Asked<'_, Order>,
    ) -> Result<Outcome, Fault> {
        Ok(ended(change(local, SELL, asked.body).await?, asked.body))
    }

    async fn on_cancel(&self, local: Local<'_, Postgres>, asked: Asked<'_, Order>) -> Result<Outcome, Fault> {
        Ok(ended(change(local, GIVE_BACK, asked.body).await?, asked.body))
    }
}

async fn change(
    mut local: Local<'_, Postgres>,
    statement: &'static str,
    order: &Order,
) -> Result<u64, Fault> {
    let done = sqlx::query(statement).bind(i64::from(order.n)).bind(&order.sku).execute(&mut *local).await?;
    Ok(done.rows_affected())
}

/// How a confirm or a cancel went. No row means that what the try reserved is gone: a refusal is rolled back with the
/// barrier's row, and the transaction then needs a person's attention.
fn ended(rows: u64, order: &Order) -> Outcome {
    match rows {
        0 => Outcome::refused(
            "reservation_gone",
            format!("{} of {} were reserved and are gone", order.n, order.sku),
        ),
        _ => Outcome::done(),
    }
}

/// The figures of the whole stock, for `tercet participant verify --probe`.
async fn probe(State(pool): State<PgPool>) -> Result<Json<Value>, String> {
    let sums = "SELECT sum(available)::bigint, sum(reserved)::bigint, sum(sold)::bigint FROM stock";
    let row = pool.fetch_one(sums).await.map_err(|fault| fault.to_string())?;
    let figure = |column: usize| row.try_get::<i64, _>(column).map_err(|fault| fault.to_string());
    Ok(Json(json!({ "available": figure(0)?, "reserved": figure(1)?, "sold": figure(2)? })))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let setting = |name: &str| std::env::var(name).ok();
    let signature = setting("CALL_SECRET").map(Signature::of_secret).transpose().context("CALL_SECRET")?;
    let url = setting("DATABASE_URL").ok_or_else(|| anyhow::anyhow!("DATABASE_URL is not set"))?;
    let pool = PgPoolOptions::new().max_connections(20).connect(&url).await?;
    pool.execute(TABLES).await?;
    pool.execute(OPENING).await?;

    let barrier = Barrier::new(pool.clone());
    barrier.create_schema().await?;
    barrier.check_schema(&["stock"]).await?;

    let mut calls = tcc(Stock, barrier.clone());
    if let Some(signature) = signature {
        calls = signed(calls, signature);
    }
    let meters = get(move || async move { barrier.meters().prometheus() });
    let router = Router::new()
        .route("/probe", get(probe).with_state(pool))
        .route("/metrics", meters)
        .route("/healthz", get(|| async { "alive" }))
        .merge(calls);

    let port = setting("PORT").unwrap_or_else(|| "7001".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    writeln!(std::io::stdout(), "ready http={}", listener.local_addr()?)?;
    serve(listener, router).await?;
    Ok(())
}
