//! `barrier`: a local transaction with one business update, with and without the barrier, on each database in turn; then
//! a crowd of mixed operations, in which deadlocks are counted.
//!
//! Both sides take a connection of the same pool, begin, change one row of their own, and commit durably; the sides take
//! turns slice by slice. Read next: `store.rs` (what is run), `crowd.rs`.

mod crowd;
mod redis;
mod store;

use anyhow::{Context, ensure};
use serde::Serialize;
use sqlx::{MySql, Postgres, Sqlite};

use crate::figures::{self, Table};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::workload::Form;
use crate::workload::beside::{self, Figures, alternate, figures};

/// Who works at once.
const CONNECTIONS: u32 = 16;
/// On PostgreSQL, of local transactions per second.
const GOAL_RATIO: f64 = 0.8;
/// On PostgreSQL, of the median.
const GOAL_ADDED_P50_MS: f64 = 0.5;

/// Flags of `barrier`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    /// PostgreSQL, such as `cargo xtask services start` brings; a database is made in it and dropped
    #[arg(long, env = "TEST_POSTGRES_URL", value_name = "URL")]
    postgres: Option<String>,
    /// MySQL or MariaDB
    #[arg(long, env = "TEST_MYSQL_URL", value_name = "URL")]
    mysql: Option<String>,
    /// Redis
    #[arg(long, env = "TEST_REDIS_URL", value_name = "URL")]
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
    stores.push(figures("PostgreSQL", &alternate(&postgres, CONNECTIONS, &args.pace).await?, GOAL_RATIO));
    crowds.push(crowd::run("PostgreSQL", &postgres, args.crowd).await?);
    postgres.close().await?;
    let mysql = store::Books::<MySql>::open(args.mysql.as_ref().context(missing)?).await?;
    stores.push(figures("MariaDB", &alternate(&mysql, CONNECTIONS, &args.pace).await?, 0.0));
    crowds.push(crowd::run("MariaDB", &mysql, args.crowd).await?);
    mysql.close().await?;
    let file = folder.join("books.db");
    let sqlite = store::Books::<Sqlite>::open(&format!("sqlite://{}", file.display())).await?;
    stores.push(figures("SQLite", &alternate(&sqlite, CONNECTIONS, &args.pace).await?, 0.0));
    crowds.push(crowd::run("SQLite", &sqlite, args.crowd).await?);
    sqlite.close().await?;
    let redis = redis::Counters::open(args.redis.as_ref().context(missing)?).await?;
    stores.push(figures("Redis", &alternate(&redis, CONNECTIONS, &args.pace).await?, 0.0));
    redis.close().await?;
    Ok((stores, crowds))
}

impl Report {
    fn print(&self, form: Form) -> anyhow::Result<()> {
        if let Form::Json = form {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        figures::print_head(self.workload, &self.machine);
        println!("{} connections, {} s a round of each side\n", self.connections, self.seconds);
        println!("{}", beside::text(&self.stores, ["with the barrier", "without"]));
        println!("goal on PostgreSQL: added p50 ≤ {GOAL_ADDED_P50_MS} ms\n");
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
