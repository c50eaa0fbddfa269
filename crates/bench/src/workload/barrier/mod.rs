//! `barrier`: a local transaction with one business update, with and without the barrier, on each database in turn; then
//! a crowd of mixed operations, in which deadlocks are counted.
//!
//! Both sides take a connection of the same pool, begin, change one row of their own, and commit durably; the sides take
//! turns slice by slice. Read next: `store.rs` (what is run), `crowd.rs`.

mod crowd;
mod redis;
mod store;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Serialize;
use sqlx::{MySql, Postgres, Sqlite};

use crate::figures::{self, Ratio, Spread, Table};
use crate::histogram::Histogram;
use crate::machine::Machine;
use crate::pace::Pace;
use crate::workload::Form;

/// Who works at once.
const CONNECTIONS: u32 = 16;
/// On PostgreSQL, of local transactions per second.
const GOAL_RATIO: f64 = 0.8;
/// On PostgreSQL, of the median.
const GOAL_ADDED_P50_MS: f64 = 0.5;
/// A round is cut into slices in turn, so that a neighbour's burst hits both sides alike.
const SLICES: u32 = 4;

/// Flags of `barrier`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    /// PostgreSQL, such as `cargo xtask services start` brings; a database is made in it and dropped
    #[arg(long, env = "TERCET_TEST_POSTGRES", value_name = "URL")]
    postgres: Option<String>,
    /// MySQL or MariaDB
    #[arg(long, env = "TERCET_TEST_MYSQL", value_name = "URL")]
    mysql: Option<String>,
    /// Redis
    #[arg(long, env = "TERCET_TEST_REDIS", value_name = "URL")]
    redis: Option<String>,
    /// Operations of the crowd on each database; 0: no crowd
    #[arg(long, default_value_t = 100_000)]
    crowd: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    workload: &'static str,
    machine: Machine,
    connections: u32,
    seconds: u64,
    stores: Vec<Figures>,
    crowds: Vec<crowd::Figures>,
}

/// One database's.
#[derive(Debug, Serialize)]
struct Figures {
    store: &'static str,
    with: Side,
    without: Side,
    /// Of local transactions per second, with the barrier against without.
    ratio: Ratio,
    added_p50_ms: Spread,
}

#[derive(Debug, Serialize)]
struct Side {
    per_second: Spread,
    p50_ms: Spread,
    p99_ms: Spread,
}

/// One side's local transactions in one round.
#[derive(Debug)]
struct Round {
    took: Histogram,
    elapsed: Duration,
}

/// Both sides of one round: with the barrier, and without.
type Rounds = Vec<(Round, Round)>;

/// Whether the barrier is in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guard {
    Barrier,
    Nothing,
}

/// What is measured of a database.
trait Bench: Sync {
    /// Runs one worker's local transactions until the slice is over; `first` begins ids that nobody else uses.
    fn work(
        &self,
        guard: Guard,
        worker: u32,
        until: Instant,
    ) -> impl Future<Output = anyhow::Result<Histogram>> + Send;
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (stores, crowds) = runtime.block_on(measure(args, folder.path()))?;
    machine.look_again()?;
    let seconds = args.pace.seconds;
    let report = Report { workload: "barrier", machine, connections: CONNECTIONS, seconds, stores, crowds };
    report.print(Form::of(&args.pace))?;
    let failed: u64 = report.crowds.iter().map(|crowd| crowd.faults).sum();
    ensure!(failed == 0, "{failed} operations of the crowd failed");
    Ok(())
}

async fn measure(
    args: &Args,
    folder: &std::path::Path,
) -> anyhow::Result<(Vec<Figures>, Vec<crowd::Figures>)> {
    let (mut stores, mut crowds) = (Vec::new(), Vec::new());
    let missing = "no URL of it; `cargo xtask services start` brings one, or name another";
    let postgres = store::Books::<Postgres>::open(args.postgres.as_ref().context(missing)?).await?;
    stores.push(figures("PostgreSQL", &alternate(&postgres, &args.pace).await?, GOAL_RATIO));
    crowds.push(crowd::run("PostgreSQL", &postgres, args.crowd).await?);
    postgres.close().await?;
    let mysql = store::Books::<MySql>::open(args.mysql.as_ref().context(missing)?).await?;
    stores.push(figures("MariaDB", &alternate(&mysql, &args.pace).await?, 0.0));
    crowds.push(crowd::run("MariaDB", &mysql, args.crowd).await?);
    mysql.close().await?;
    let file = folder.join("books.db");
    let sqlite = store::Books::<Sqlite>::open(&format!("sqlite://{}", file.display())).await?;
    stores.push(figures("SQLite", &alternate(&sqlite, &args.pace).await?, 0.0));
    crowds.push(crowd::run("SQLite", &sqlite, args.crowd).await?);
    sqlite.close().await?;
    let redis = redis::Counters::open(args.redis.as_ref().context(missing)?).await?;
    stores.push(figures("Redis", &alternate(&redis, &args.pace).await?, 0.0));
    redis.close().await?;
    Ok((stores, crowds))
}

async fn alternate(bench: &impl Bench, pace: &Pace) -> anyhow::Result<Rounds> {
    for guard in [Guard::Barrier, Guard::Nothing] {
        slice(bench, guard, Duration::from_millis(500)).await?;
    }
    let mut rounds = Vec::new();
    for number in 0..pace.rounds {
        let mut both = (Round::new(), Round::new());
        for _ in 0..SLICES {
            both.0.add(&slice(bench, Guard::Barrier, pace.round() / SLICES).await?);
            both.1.add(&slice(bench, Guard::Nothing, pace.round() / SLICES).await?);
        }
        eprintln!("round {} of {}", number + 1, pace.rounds);
        rounds.push(both);
    }
    Ok(rounds)
}

async fn slice(bench: &impl Bench, guard: Guard, length: Duration) -> anyhow::Result<Round> {
    let begun = Instant::now();
    let workers = (0..CONNECTIONS).map(|worker| bench.work(guard, worker, begun + length));
    let mut round = Round::new();
    for took in futures::future::try_join_all(workers).await? {
        round.took.merge(&took);
    }
    round.elapsed = begun.elapsed();
    Ok(round)
}

impl Round {
    fn new() -> Self {
        Round { took: Histogram::new(), elapsed: Duration::ZERO }
    }

    fn add(&mut self, slice: &Round) {
        self.took.merge(&slice.took);
        self.elapsed += slice.elapsed;
    }

    fn per_second(&self) -> f64 {
        self.took.count() as f64 / self.elapsed.as_secs_f64()
    }
}

fn figures(store: &'static str, rounds: &Rounds, goal: f64) -> Figures {
    let side = |pick: fn(&(Round, Round)) -> &Round| Side {
        per_second: Spread::of(rounds.iter().map(|round| pick(round).per_second())),
        p50_ms: Spread::of(rounds.iter().map(|round| pick(round).took.quantile_ms(0.5))),
        p99_ms: Spread::of(rounds.iter().map(|round| pick(round).took.quantile_ms(0.99))),
    };
    let rates = |pick: fn(&(Round, Round)) -> &Round| -> Vec<f64> {
        rounds.iter().map(|round| pick(round).per_second()).collect()
    };
    let added =
        rounds.iter().map(|(with, without)| with.took.quantile_ms(0.5) - without.took.quantile_ms(0.5));
    Figures {
        store,
        with: side(|round| &round.0),
        without: side(|round| &round.1),
        ratio: Ratio::of(&rates(|round| &round.0), &rates(|round| &round.1), goal),
        added_p50_ms: Spread::of(added),
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
        let mut table = Table::new(&["store", "side", "transactions/s", "p50 ms", "p99 ms"]);
        let mut ratios = Table::new(&["store", "with / without", "added p50 ms"]);
        for store in &self.stores {
            for (name, side) in [("with the barrier", &store.with), ("without", &store.without)] {
                let figures = [side.per_second.text(), side.p50_ms.text(), side.p99_ms.text()];
                let [rate, p50, p99] = &figures;
                table.row(&[store.store, name, rate, p50, p99]);
            }
            ratios.row(&[store.store, &store.ratio.text(), &store.added_p50_ms.text()]);
        }
        println!(
            "{}\n{}goal on PostgreSQL: added p50 ≤ {GOAL_ADDED_P50_MS} ms\n",
            table.text(),
            ratios.text()
        );
        let mut crowds =
            Table::new(&["store", "mixed operations", "per second", "deadlocks", "run again", "faults"]);
        for crowd in &self.crowds {
            let cells = [crowd.operations, crowd.per_second, crowd.deadlocks, crowd.again, crowd.faults];
            let cells = cells.map(|cell| cell.to_string());
            let row: Vec<&str> =
                std::iter::once(crowd.store).chain(cells.iter().map(String::as_str)).collect();
            crowds.row(&row);
        }
        println!("{}", crowds.text());
        Ok(())
    }
}
