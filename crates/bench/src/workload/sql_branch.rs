//! `sql-branch`: managed TCC with two `sql` branches on PostgreSQL, beside the same four local transactions (two tries,
//! two confirms) with no coordinator and no barrier.
//!
//! The coordinator is the shipped binary as a process of its own, durable as always; the plain side runs its statements
//! from here over as many connections. Read next: `beside.rs`.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

use crate::figures;
use crate::histogram::Histogram;
use crate::load::state;
use crate::machine::Machine;
use crate::pace::Pace;
use crate::tercet::{Tercet, Which};
use crate::wire::{self, Connection as Wire};
use crate::workload::Form;
use crate::workload::beside::{self, Bench, Figures, Guard};

const GOAL_PER_SECOND: f64 = 2_000.0;
/// Rows of each table: enough that clients seldom meet on one.
const ROWS: u64 = 10_000;

/// Flags of `sql-branch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// PostgreSQL, such as `cargo xtask services start` brings; a database is made in it and dropped
    #[arg(long, env = "TEST_POSTGRES_URL", value_name = "URL")]
    postgres: String,
    /// Initiators at once, and connections of the plain side
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
}

#[derive(Debug, Serialize)]
struct Report {
    workload: &'static str,
    machine: Machine,
    connections: u32,
    seconds: u64,
    store: Figures,
    goal_per_second: f64,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let store = runtime.block_on(measure(args, folder.path()))?;
    machine.look_again()?;
    let (connections, seconds) = (args.connections, args.pace.seconds);
    let report = Report {
        workload: "sql-branch",
        machine,
        connections,
        seconds,
        store,
        goal_per_second: GOAL_PER_SECOND,
    };
    report.print(Form::of(&args.pace))
}

async fn measure(args: &Args, folder: &Path) -> anyhow::Result<Figures> {
    let name = format!("bench_sql_{}", std::process::id());
    let mut server = PgConnection::connect(&args.postgres).await?;
    server.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"))).await?;
    server.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    let (front, _) = args.postgres.rsplit_once('/').context("the URL names a database")?;
    let url = format!("{front}/{name}");
    let pool = PgPoolOptions::new().max_connections(args.connections).connect(&url).await?;
    for table in TABLES {
        pool.execute(AssertSqlSafe(format!(
            "CREATE TABLE {table} (id bigint PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0),
             reserved bigint NOT NULL CHECK (reserved >= 0), sold bigint NOT NULL)"
        )))
        .await?;
        pool.execute(AssertSqlSafe(format!(
            "INSERT INTO {table} SELECT id, 1000000000, 0, 0 FROM generate_series(0, {}) AS id",
            ROWS - 1
        )))
        .await?;
    }
    let declared = folder.join("resources.json");
    std::fs::write(&declared, resources(&url, args.connections).to_string())?;
    let tercet = args.which.serve_with(
        &folder.join("data"),
        &["--resources-file", declared.to_str().context("the folder's name is not UTF-8")?],
    )?;
    let sides = Sides { tercet, pool, next: AtomicU64::new(0) };
    let rounds = beside::alternate(&sides, args.connections, &args.pace).await?;
    sides.settle().await?;
    sides.pool.close().await;
    drop(sides.tercet);
    server.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await?;
    Ok(beside::figures("PostgreSQL", &rounds, 0.0))
}

const TABLES: [&str; 2] = ["stock", "points"];

const TRY: &str = "SET available = available - 1, reserved = reserved + 1 WHERE available >= 1 AND id = ";
const CONFIRM: &str = "SET reserved = reserved - 1, sold = sold + 1 WHERE id = ";
const CANCEL: &str = "SET reserved = reserved - 1, available = available + 1 WHERE id = ";

fn resources(url: &str, connections: u32) -> serde_json::Value {
    let statement = |table: &str, change: &str| format!("UPDATE {table} {change}:id");
    let resource = |table: &str| {
        json!({
            "source": "main", "parameters": { "id": "integer" },
            "try": { "sql": statement(table, TRY), "rows": 1, "refusal": "sold_out" },
            "confirm": { "sql": statement(table, CONFIRM), "rows": 1 },
            "cancel": { "sql": statement(table, CANCEL), "rows": 1 },
        })
    };
    json!({
        "sources": { "main": { "url": url, "create_schema": true, "max_connections": connections } },
        "resources": { "stock": resource("stock"), "points": resource("points") },
    })
}

struct Sides {
    tercet: Tercet,
    pool: PgPool,
    next: AtomicU64,
}

impl Bench for Sides {
    async fn work(&self, guard: Guard, _: u32, until: Instant) -> anyhow::Result<Histogram> {
        let mut took = Histogram::new();
        let mut wire = Wire::connect(self.tercet.address).await?;
        let mut last = Instant::now();
        while last < until {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let row = number.wrapping_mul(7_919) % ROWS;
            match guard {
                Guard::Barrier => through_tercet(&mut wire, number, row).await?,
                Guard::Nothing => self.plain(i64::try_from(row)?).await?,
            }
            let now = Instant::now();
            took.record(now - last);
            last = now;
        }
        Ok(took)
    }
}

async fn through_tercet(wire: &mut Wire, number: u64, row: u64) -> anyhow::Result<()> {
    let branch =
        |name: &str| json!({ "id": name, "kind": "sql", "resource": name, "parameters": { "id": row } });
    let body = json!({ "id": format!("bench-{number:012}"), "pattern": "tcc", "wait_ms": 30_000, "branches": TABLES.map(branch) });
    let mut request = Vec::new();
    wire::post(&mut request, "/v1/transactions", body.to_string().as_bytes());
    let answer = wire.exchange(&request).await?;
    let is_confirmed = answer.status == 200 && state(answer.body) == "confirmed";
    ensure!(is_confirmed, "{} {}", answer.status, String::from_utf8_lossy(answer.body));
    Ok(())
}

impl Sides {
    /// Two tries at once, then two confirms at once, each in a local transaction of its own.
    async fn plain(&self, row: i64) -> anyhow::Result<()> {
        tokio::try_join!(self.local("UPDATE stock", TRY, row), self.local("UPDATE points", TRY, row))?;
        tokio::try_join!(
            self.local("UPDATE stock", CONFIRM, row),
            self.local("UPDATE points", CONFIRM, row)
        )?;
        Ok(())
    }

    async fn local(&self, table: &str, change: &str, row: i64) -> anyhow::Result<()> {
        let mut local = self.pool.begin().await?;
        let statement = format!("{table} {change}$1");
        let done = sqlx::query(AssertSqlSafe(statement)).bind(row).execute(&mut *local).await?;
        ensure!(done.rows_affected() == 1, "a row is missing");
        Ok(local.commit().await?)
    }

    /// Nothing is held in the end, or the figures are those of a broken run.
    async fn settle(&self) -> anyhow::Result<()> {
        for table in TABLES {
            let held: i64 =
                sqlx::query_scalar(AssertSqlSafe(format!("SELECT sum(reserved)::bigint FROM {table}")))
                    .fetch_one(&self.pool)
                    .await?;
            ensure!(held == 0, "{table} still holds {held}");
        }
        Ok(())
    }
}

impl Report {
    fn print(&self, form: Form) -> anyhow::Result<()> {
        if let Form::Json = form {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        figures::print_head(self.workload, &self.machine);
        println!("{} connections, {} s a round of each side\n", self.connections, self.seconds);
        println!("{}", beside::text(std::slice::from_ref(&self.store), ["tercet", "no coordinator"]));
        println!("goal for transactions/s: ≥ {}", self.goal_per_second);
        Ok(())
    }
}
