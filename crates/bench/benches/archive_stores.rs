//! Measures embedded stores on the archive's own key mix, so that the archive's store is chosen by figures.
//!
//! Each run is a child process of its own (clean CPU and I/O counts). The child ingests, settles, reads, prints one
//! line and ingests on until the parent kills it; the parent then times the reopening and audits what is left.
//! It must never time its own generation of data as a store's work. `store.rs` says what a store has to do,
//! `workload.rs` what is written, `measure.rs` what is timed, `cut.rs` what a power cut may leave.
//! The answer stands in docs/internals/archive-store.md.

#[path = "archive_stores/cut.rs"]
mod cut;
#[path = "archive_stores/fjall.rs"]
mod fjall_store;
#[path = "archive_stores/lmdb.rs"]
mod lmdb;
#[path = "archive_stores/measure.rs"]
mod measure;
#[path = "archive_stores/redb.rs"]
mod redb_store;
#[path = "archive_stores/report.rs"]
mod report;
#[path = "archive_stores/store.rs"]
mod store;
#[path = "archive_stores/workload.rs"]
mod workload;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use report::{Finding, Reopened};
use store::Kind;
use workload::{Ids, Workload};

/// Compares embedded stores on the archive's key mix.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    child: Option<Child>,
    /// Stores to measure; all when none is named.
    #[arg(long)]
    store: Vec<Kind>,
    /// Transactions per run; 1,000,000 and 3,000,000 when none is given.
    #[arg(long)]
    count: Vec<u64>,
    /// Shape of the transaction ids.
    #[arg(long, default_value = "random")]
    ids: Ids,
    /// How often the whole series is run.
    #[arg(long, default_value_t = 1)]
    repeat: u32,
    /// Power cuts simulated per store.
    #[arg(long, default_value_t = 40)]
    cuts: u64,
    /// Folder for the data.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    folder: PathBuf,
    /// Prints one JSON object per run instead of the table.
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`. Without it (`cargo test --all-targets`) a run is 20,000 transactions.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Child {
    /// One measured run, then ingests until killed.
    #[command(hide = true)]
    Run { store: Kind, ids: Ids, count: u64, folder: PathBuf },
    /// Exits 0 when the folder holds whole batches only, `floor` of them or more.
    #[command(hide = true)]
    Audit { store: Kind, folder: PathBuf, floor: u64 },
}

fn main() -> Result<()> {
    let options = Options::parse();
    match &options.child {
        Some(Child::Run { store, ids, count, folder }) => {
            measure::run(*store, &Workload::new(*ids), (*count, folder))
        }
        Some(Child::Audit { store, folder, floor }) => cut::audit_folder(*store, folder, *floor),
        None => series(&options),
    }
}

/// Every store at every size, `repeat` times over, so that a busy neighbour hits all stores alike.
fn series(options: &Options) -> Result<()> {
    let stores = if options.store.is_empty() { Kind::ALL.to_vec() } else { options.store.clone() };
    let counts = match (options.count.is_empty(), options.bench) {
        (false, _) => options.count.clone(),
        (true, true) => vec![1_000_000, 3_000_000],
        (true, false) => vec![20_000],
    };
    let mut findings = Vec::new();
    for _ in 0..options.repeat {
        for &count in &counts {
            for &kind in &stores {
                let finding = one(kind, count, options)?;
                if options.json {
                    println!("{}", serde_json::to_string(&finding)?);
                } else {
                    eprintln!("{} {count}: {:.0} transactions/s", kind.name(), finding.per_second);
                }
                findings.push(finding);
            }
        }
    }
    if !options.json {
        report::print(&findings);
    }
    for &kind in &stores {
        let outcome = cut::simulate(kind, options.cuts, &options.folder)?;
        if options.json {
            println!("{}", serde_json::to_string(&outcome)?);
        } else {
            println!("{outcome}");
        }
    }
    Ok(())
}

/// Runs one child, kills it while it ingests, and looks at what is left.
fn one(kind: Kind, count: u64, options: &Options) -> Result<Finding> {
    let folder = tempfile::Builder::new().prefix("archive-").tempdir_in(&options.folder)?;
    let data = folder.path();
    let mut child = Command::new(std::env::current_exe()?)
        .args(["run", kind.name(), options.ids.name(), &count.to_string()])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .context("starting a run")?;
    let mut line = String::new();
    let read = BufReader::new(child.stdout.take().context("the run's output")?).read_line(&mut line);
    std::thread::sleep(Duration::from_secs(3));
    child.kill()?;
    child.wait()?;
    read?;
    ensure!(!line.is_empty(), "the run of {} ended without a finding", kind.name());
    let mut finding: Finding = serde_json::from_str(&line)?;
    finding.reopened = Some(reopen(kind, data, &Workload::new(options.ids))?);
    Ok(finding)
}

fn reopen(kind: Kind, data: &Path, workload: &Workload) -> Result<Reopened> {
    let start = Instant::now();
    let store = kind.open(data)?;
    store.get(store::Table::Ids, &workload.id(1), &mut Vec::new())?;
    let seconds = start.elapsed().as_secs_f64();
    let applied = cut::audit(store.as_ref(), workload)?;
    Ok(Reopened { seconds, batches_applied: applied })
}
