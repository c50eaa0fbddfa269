//! The workloads, one file each; each is a command of `tercet bench` and a section of `docs/performance.md`.
//!
//! Read next: `http_call.rs`.

pub(crate) mod await_branch;
#[cfg(feature = "databases")]
pub(crate) mod barrier;
#[cfg(feature = "databases")]
mod beside;
pub(crate) mod dtm;
pub(crate) mod http_call;
pub(crate) mod journal;
pub(crate) mod ledger;
#[cfg(feature = "databases")]
pub(crate) mod outbox;
pub(crate) mod recovery;
#[cfg(feature = "databases")]
pub(crate) mod sql_branch;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use crate::compare::{self, Side, SideFigures};
use crate::figures::{self, Ratio};
use crate::limit::frames::{self, Size};
use crate::load::{Script, excerpt};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::process::{self, Process};
use crate::wire::{self, Answer};

/// What is wanted.
struct Goals {
    /// Of the raw limit's transactions per second.
    ratio: f64,
    /// Times a peer's transactions per second; unused without a peer.
    peer_ratio: f64,
    /// Of each kind of request; `None`: none is set.
    p99_ms: Option<f64>,
    /// Of transactions per second, or of the entries in them; `None`: none is set.
    per_second: Option<f64>,
}

/// A workload that alternates sides.
struct Run<'a> {
    workload: &'static str,
    machine: Machine,
    connections: usize,
    pace: &'a Pace,
    goals: Goals,
    /// Entries in each transaction, where entries are what counts.
    entries: u64,
}

/// Its figures.
#[derive(Debug, Serialize)]
struct Comparison {
    workload: &'static str,
    machine: Machine,
    connections: usize,
    seconds: u64,
    sides: Vec<SideFigures>,
    /// Of transactions per second, the first side against the second.
    ratio: Ratio,
    /// Of processor time per transaction of all processes together, the second side against the first: what the
    /// ratio would be if nothing but processor time counted. Neighbours on the machine disturb it least.
    cpu_ratio: Ratio,
    /// Of transactions per second, the first side against the third, when there is one.
    peer_ratio: Option<Ratio>,
    goal_p99_ms: Option<f64>,
    goal_per_second: Option<f64>,
    /// Entries in each transaction.
    entries: u64,
    /// What our side wrote, where it was looked at.
    kept: Option<Kept>,
}

/// What our side's journal held after a run, and the journal alone with frames of the same sizes.
#[derive(Debug, Serialize)]
struct Kept {
    events_each: f64,
    bytes_each: f64,
    each_per_sync: f64,
    /// Transactions per second that the journal alone would keep.
    limit_per_second: f64,
    limit_p99_ms: f64,
    /// Ours against the journal alone.
    ratio: f64,
}

impl Run<'_> {
    /// Measures the sides (ours, the raw limit, perhaps a peer) in turn and prints everything; then fails if a
    /// request had failed.
    fn compare(self, sides: &[Side]) -> anyhow::Result<()> {
        let form = Form::of(self.pace);
        self.measure(sides)?.report(form)
    }

    /// Measures the sides in turn.
    fn measure(mut self, sides: &[Side]) -> anyhow::Result<Comparison> {
        let sides = compare::alternate(sides, self.connections, self.pace)?;
        self.machine.look_again()?;
        let Some((ours, others)) = sides.split_first() else { bail!("nothing to compare") };
        let limit = others.first().context("nothing to compare with")?;
        let peer = others.get(1);
        Ok(Comparison {
            workload: self.workload,
            machine: self.machine,
            connections: self.connections,
            seconds: self.pace.seconds,
            ratio: Ratio::of(&ours.rounds, &limit.rounds, self.goals.ratio),
            cpu_ratio: Ratio::of(&limit.rounds_cpu_us, &ours.rounds_cpu_us, self.goals.ratio),
            peer_ratio: peer.map(|peer| Ratio::of(&ours.rounds, &peer.rounds, self.goals.peer_ratio)),
            goal_p99_ms: self.goals.p99_ms,
            goal_per_second: self.goals.per_second,
            entries: self.entries,
            kept: None,
            sides,
        })
    }
}

impl Comparison {
    /// Prints everything; then fails if a request had failed.
    fn report(&self, form: Form) -> anyhow::Result<()> {
        self.print(form)?;
        compare::ensure_no_errors(&self.sides)
    }

    /// Looks at the journal of our side, whose process has ended: what was written after event `after` for `begun`
    /// transactions, those of the warm-up among them.
    fn look_at(&mut self, (folder, after): (&Path, u64), begun: u64, pace: &Pace) -> anyhow::Result<()> {
        let sizes = frames::sizes_in(&folder.join("data").join("journal"), after)?;
        let replay = frames::replay(folder, &sizes, pace.round())?;
        let sum = |figure: fn(&Size) -> u64| sizes.iter().map(figure).sum::<u64>() as f64;
        let begun = begun.max(1) as f64;
        let events_each = sum(|size| u64::from(size.count)) / begun;
        let limit_per_second = replay.events_per_second() / events_each;
        let ours = self.sides.first().map_or(0.0, |side| side.transactions_per_second.median);
        self.kept = Some(Kept {
            events_each,
            bytes_each: sum(|size| size.bytes as u64) / begun,
            each_per_sync: begun / sizes.len().max(1) as f64,
            limit_per_second,
            limit_p99_ms: replay.frames.quantile_ms(0.99),
            ratio: ours / limit_per_second,
        });
        Ok(())
    }

    fn print(&self, form: Form) -> anyhow::Result<()> {
        if let Form::Json = form {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        figures::print_head(self.workload, &self.machine);
        println!("{} connections, {} s a round\n", self.connections, self.seconds);
        compare::print(&self.sides);
        println!("transactions/s against the raw limit: {}", self.ratio.text());
        println!("processor time, the raw limit's against ours: {}", self.cpu_ratio.text());
        if let Some(ratio) = &self.peer_ratio {
            println!("transactions/s against the peer: {}", ratio.text());
        }
        if let Some(goal) = self.goal_p99_ms {
            println!("goal for p99: ≤ {goal} ms");
        }
        self.print_entries();
        Ok(())
    }

    fn print_entries(&self) {
        if self.entries > 1 {
            let ours = self.sides.first().map_or(0.0, |side| side.transactions_per_second.median);
            println!("{} entries in each: {:.0} entries/s", self.entries, ours * self.entries as f64);
        }
        if let Some(goal) = self.goal_per_second {
            println!("goal for {}/s: ≥ {goal}", if self.entries > 1 { "entries" } else { "transactions" });
        }
        if let Some(kept) = &self.kept {
            println!(
                "in the journal: {:.2} events and {:.0} bytes each, {:.1} each per sync; the journal alone with frames of \
                 these sizes {:.0}/s, p99 {:.2} ms: {:.3} of it",
                kept.events_each,
                kept.bytes_each,
                kept.each_per_sync,
                kept.limit_per_second,
                kept.limit_p99_ms,
                kept.ratio
            );
        }
    }
}

/// How figures are printed.
#[derive(Debug, Clone, Copy)]
enum Form {
    Json,
    Tables,
}

impl Form {
    fn of(pace: &Pace) -> Self {
        if pace.json { Form::Json } else { Form::Tables }
    }
}

/// Starts this program again as one of the other processes of a measurement; its log goes into `folder`.
fn side_process(folder: &Path, arguments: &[&str]) -> anyhow::Result<Process> {
    let mut command = std::process::Command::new(process::this_program()?);
    command.arg("bench").args(arguments);
    let log: PathBuf = folder.join(format!("{}.log", arguments.first().unwrap_or(&"side")));
    Process::start(command, &log)
}

/// As long as the ids of a round, and none of them.
const SAMPLE_ID: &str = "s0-0-100000";

/// Runs a script's steps once against one address and answers the bodies: samples for the other side to repeat.
fn sample(address: std::net::SocketAddr, script: &dyn Script) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut bodies = Vec::new();
    for (index, step) in script.steps().iter().enumerate() {
        let mut request = Vec::new();
        script.write(index, SAMPLE_ID, &mut request);
        let (status, body) = wire::once(address, &request)?;
        let judged = script.judge(index, &Answer { status, body: &body });
        judged
            .map_err(|why| anyhow::anyhow!("{}: {why}", step.name))
            .context("the first transaction failed")?;
        bodies.push(body);
    }
    Ok(bodies)
}

/// Wants a status, and a state where one is named.
fn judge(answer: &Answer<'_>, status: u16, state: Option<&str>) -> Result<(), String> {
    let judged =
        answer.status == status && state.is_none_or(|state| crate::load::state(answer.body) == state);
    if judged { Ok(()) } else { Err(excerpt(answer)) }
}

/// Writes a file and answers its path as text, for a command line.
fn file(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    let path = path.into_os_string().into_string();
    let Ok(path) = path else { bail!("the folder's name is not UTF-8") };
    ensure!(!path.is_empty(), "the folder has no name");
    Ok(path)
}
