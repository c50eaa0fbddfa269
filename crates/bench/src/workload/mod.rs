//! The workloads, one file each; each is a command of `tercet bench` and a section of `docs/performance.md`.
//!
//! Read next: `http_call.rs`.

pub(crate) mod await_branch;
pub(crate) mod http_call;
pub(crate) mod journal;
pub(crate) mod recovery;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use crate::compare::{self, Side, SideFigures};
use crate::figures::{self, Ratio};
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
    /// Of each kind of request.
    p99_ms: f64,
}

/// A workload that alternates sides.
struct Run<'a> {
    workload: &'static str,
    machine: Machine,
    connections: usize,
    pace: &'a Pace,
    goals: Goals,
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
    goal_p99_ms: f64,
}

impl Run<'_> {
    /// Measures the sides (ours, the raw limit, perhaps a peer) in turn and prints everything; then fails if a
    /// request had failed.
    fn compare(mut self, sides: &[Side]) -> anyhow::Result<()> {
        let sides = compare::alternate(sides, self.connections, self.pace)?;
        self.machine.look_again()?;
        let Some((ours, others)) = sides.split_first() else { bail!("nothing to compare") };
        let limit = others.first().context("nothing to compare with")?;
        let peer = others.get(1);
        let comparison = Comparison {
            workload: self.workload,
            machine: self.machine,
            connections: self.connections,
            seconds: self.pace.seconds,
            ratio: Ratio::of(&ours.rounds, &limit.rounds, self.goals.ratio),
            cpu_ratio: Ratio::of(&limit.rounds_cpu_us, &ours.rounds_cpu_us, self.goals.ratio),
            peer_ratio: peer.map(|peer| Ratio::of(&ours.rounds, &peer.rounds, self.goals.peer_ratio)),
            goal_p99_ms: self.goals.p99_ms,
            sides,
        };
        comparison.print(Form::of(self.pace))?;
        compare::ensure_no_errors(&comparison.sides)
    }
}

impl Comparison {
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
        println!("goal for p99: ≤ {} ms", self.goal_p99_ms);
        Ok(())
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
