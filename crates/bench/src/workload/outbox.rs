//! `outbox`: rows of an outbox relayed to a server, beside the same messages posted without an outbox, and beside the
//! same statements without sending.
//!
//! The deliveries that follow run meanwhile, on both sides that send. What it does not measure: the business's own local
//! transactions (rows are enqueued beforehand), networks, several relays. Read next: `participant/src/outbox/relay/mod.rs`.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use participant::database::{Dialect, Isolation};
use participant::outbox::relay::{Order, Relay, Server, Settings, Target};
use participant::outbox::{Message, OnDead, Outbox, Queue};
use serde::Serialize;
use sqlx::pool::PoolOptions;
use sqlx::{MySql, Postgres, Sqlite};
use tokio::runtime::Runtime;

use crate::figures::{self, Ratio, Spread, Table};
use crate::load::{self, Plan, Script, Step, Until, excerpt};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::tercet::{self, Which};
use crate::wire::{self, Answer};
use crate::workload::side_process;

/// Calls under way, on each side that sends.
const PARALLEL: usize = 64;
/// Rows taken at once, on each side that takes.
const BATCH: u32 = 256;
/// Rows enqueued by one local transaction.
const PAGE: usize = 1000;
const PAYLOAD: &str = r#"{"sku":"A-1001","quantity":2}"#;

/// Flags of `outbox`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// The database: postgres://…, mysql://…, sqlite://FILE; its outbox must be empty [default: SQLite, in a fresh file]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Rows of each round
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rows: u64,
    /// Ordering keys that the rows have in turn, each accepted before the next; 0: none
    #[arg(long, default_value_t = 0)]
    keys: u64,
}

/// Rows per second, a figure for each round.
#[derive(Debug, Default, Serialize)]
struct Figures {
    /// Relayed to the server.
    relayed: Vec<f64>,
    /// Posted to the server, without an outbox.
    posted: Vec<f64>,
    /// Taken and marked, without sending.
    marked: Vec<f64>,
}

/// Whom to send to, and what each message is.
struct Stage<'a> {
    server: SocketAddr,
    destination: String,
    args: &'a Args,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let participant = side_process(folder.path(), &["participant"])?;
    let tercet = args.which.serve(&folder.path().join("data"))?;
    let destination = format!("http://{}/deliver", participant.ready);
    let stage = Stage { server: tercet.address, destination, args };
    let file = format!("sqlite://{}?mode=rwc", folder.path().join("outbox.db").display());
    let url = args.database.as_ref().unwrap_or(&file);
    let runtime = Runtime::new()?;
    let (kind, figures) = match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => ("postgres", stage.measure::<Postgres>(url, &runtime)?),
        Some("mysql" | "mariadb") => ("mysql", stage.measure::<MySql>(url, &runtime)?),
        Some("sqlite") => ("sqlite", stage.measure::<Sqlite>(url, &runtime)?),
        _ => bail!("the database is not postgres://…, mysql://… or sqlite://FILE"),
    };
    machine.look_again()?;
    print(args, (kind, &machine), &figures)
}

fn print(args: &Args, (kind, machine): (&str, &Machine), figures: &Figures) -> anyhow::Result<()> {
    if args.pace.json {
        let told = serde_json::json!({
            "workload": "outbox", "machine": machine, "database": kind, "rows": args.rows, "keys": args.keys,
            "rows_per_second": figures,
        });
        println!("{told}");
        return Ok(());
    }
    figures::print_head("outbox", machine);
    println!("{kind}, {} rows a round, {} keys, {PARALLEL} calls at once\n", args.rows, args.keys);
    let mut table = Table::new(&["side", "rows/s"]);
    let sides = [
        ("relayed", &figures.relayed),
        ("posted, no outbox", &figures.posted),
        ("taken and marked, not sent", &figures.marked),
    ];
    for (name, rounds) in sides {
        table.row(&[name.to_owned(), Spread::of(rounds.iter().copied()).text()]);
    }
    println!("{}", table.text());
    println!("relayed against posted: {}", Ratio::of(&figures.relayed, &figures.posted, 0.0).text());
    Ok(())
}

impl Stage<'_> {
    fn measure<D: Dialect>(&self, url: &str, runtime: &Runtime) -> anyhow::Result<Figures> {
        let pool = runtime
            .block_on(PoolOptions::<D>::new().max_connections(4).connect(url))
            .context("the database")?;
        let outbox = Outbox::new(pool);
        runtime.block_on(outbox.create_schema())?;
        ensure!(runtime.block_on(outbox.backlog())?.waiting == 0, "the outbox of that database is not empty");
        let mut figures = Figures::default();
        for round in 0..self.args.pace.rounds {
            let id = format!("o{}-{round}", std::process::id());
            figures.relayed.push(runtime.block_on(self.relay(&outbox, &format!("{id}r")))?);
            tercet::settle(self.server)?;
            figures.posted.push(self.post(&format!("{id}p"))?);
            tercet::settle(self.server)?;
            figures.marked.push(runtime.block_on(self.mark(&outbox, &format!("{id}m")))?);
        }
        runtime.block_on(outbox.purge(Duration::ZERO))?;
        Ok(figures)
    }

    fn rate(&self, begun: Instant) -> f64 {
        self.args.rows as f64 / begun.elapsed().as_secs_f64()
    }

    async fn enqueue<D: Dialect>(&self, outbox: &Outbox<D>, prefix: &str) -> anyhow::Result<()> {
        let payload: serde_json::Value = serde_json::from_str(PAYLOAD)?;
        let numbers: Vec<u64> = (0..self.args.rows).collect();
        for page in numbers.chunks(PAGE) {
            let mut connection = outbox.pool().acquire().await?;
            let mut local = D::begin(&mut connection, Isolation::ReadCommitted).await?;
            for number in page {
                let message =
                    Message::new(format!("{prefix}-{number}"), self.destination.as_str(), &payload)?;
                let message = match number.checked_rem(self.args.keys) {
                    Some(key) => message.key(format!("user:{key}")),
                    None => message,
                };
                outbox.enqueue(&mut local, &message).await?;
            }
            local.commit().await?;
        }
        Ok(())
    }

    async fn relay<D: Dialect>(&self, outbox: &Outbox<D>, prefix: &str) -> anyhow::Result<f64> {
        self.enqueue(outbox, prefix).await?;
        let server = Server { url: format!("http://{}", self.server), token: None };
        let settings = Settings {
            order: Order::Accepted,
            batch: BATCH,
            parallel: PARALLEL,
            ..Settings::new(Target::Server(server))
        };
        let begun = Instant::now();
        Relay::new(outbox.clone(), settings)?.drain(std::future::pending()).await?;
        let rate = self.rate(begun);
        let backlog = outbox.backlog().await?;
        ensure!((backlog.waiting, backlog.dead) == (0, 0), "not all was accepted: {backlog:?}");
        Ok(rate)
    }

    fn post(&self, prefix: &str) -> anyhow::Result<f64> {
        let plan = Plan {
            peers: vec![self.server],
            connections: PARALLEL,
            until: Until::Begun(self.args.rows),
            prefix: prefix.to_owned(),
        };
        let script: Arc<dyn Script> = Arc::new(Posted { destination: self.destination.clone() });
        let begun = Instant::now();
        let tally = load::run(&plan, &script)?;
        let rate = self.rate(begun);
        ensure!(tally.errors == 0, "{} posts failed: {:?}", tally.errors, tally.first_error);
        Ok(rate)
    }

    /// What a relay says to the database, one batch after another.
    async fn mark<D: Dialect>(&self, outbox: &Outbox<D>, prefix: &str) -> anyhow::Result<f64> {
        self.enqueue(outbox, prefix).await?;
        let begun = Instant::now();
        loop {
            let mut connection = outbox.pool().acquire().await?;
            let mut local = D::begin(&mut connection, Isolation::ReadCommitted).await?;
            let rows: &mut D::Connection = &mut local;
            let letters = if self.args.keys == 0 {
                rows.free(BATCH).await?
            } else {
                let heads = rows.heads("", BATCH, OnDead::Block).await?;
                let (ids, keys): (Vec<_>, Vec<_>) = heads.into_iter().map(|head| (head.id, head.key)).unzip();
                let each = BATCH / u32::try_from(ids.len().max(1))?;
                rows.lock(&ids).await?;
                rows.runs(&keys, each.max(1)).await?
            };
            let ids: Vec<_> = letters.iter().map(|letter| letter.id).collect();
            if ids.is_empty() {
                return Ok(self.rate(begun));
            }
            rows.lease(&ids, "bench", 30_000).await?;
            local.commit().await?;
            let mut local = D::begin(&mut connection, Isolation::ReadCommitted).await?;
            local.sent(&ids).await?;
            local.commit().await?;
        }
    }
}

/// The request that a relay makes of a row.
struct Posted {
    destination: String,
}

impl Script for Posted {
    fn steps(&self) -> &'static [Step] {
        &[Step { name: "message", peer: 0 }]
    }

    fn write(&self, _step: usize, id: &str, into: &mut Vec<u8>) {
        let mut json = Vec::with_capacity(256);
        let _ = write!(
            json,
            r#"{{"id":"{id}","pattern":"message","wait_ms":0,"branches":[{{"id":"deliver","kind":"call","deliver":"{}","body":{PAYLOAD},"headers":{{}}}}]}}"#,
            self.destination
        );
        wire::post(into, "/v1/transactions", &json);
    }

    fn judge(&self, _step: usize, answer: &Answer<'_>) -> Result<(), String> {
        if matches!(answer.status, 200 | 202) { Ok(()) } else { Err(excerpt(answer)) }
    }
}
