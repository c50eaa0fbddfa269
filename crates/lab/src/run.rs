//! Which experiments are run, side by side, and what the laboratory says at the end.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::experiment::{ALL, Experiment, Needs};
use crate::report::{self, Line, Outcome};
use crate::told::Finding;
use crate::world::Setup;

/// The flags.
#[derive(Debug, clap::Parser)]
#[command(name = "lab", about = "Strikes the shipped binary on a real file system and judges what is left")]
pub struct Args {
    /// The binary `tercet` under test
    #[arg(long)]
    tercet: PathBuf,
    /// Where all choices come from; a failure prints it
    #[arg(long)]
    seed: Option<u64>,
    /// Only these experiments
    #[arg(long)]
    only: Vec<String>,
    /// So many times the gate's slice
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// Write the table to this file
    #[arg(long)]
    markdown: Option<PathBuf>,
}

/// Experiments at the same time: they wait for the disk more than they compute.
const SIDE_BY_SIDE: usize = 3;
/// The goal for a restart, as the promise's reference has it.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Runs what was asked for; `FAILURE` when a promise is broken, or something could not be run that must.
///
/// # Errors
/// The flags make no sense.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let known = |name: &String| ALL.iter().any(|one| one.name == name);
    let names: Vec<_> = ALL.iter().map(|one| one.name).collect();
    ensure!(args.only.iter().all(known), "--only takes: {}", names.join(", "));
    let tercet = fs::canonicalize(&args.tercet).context("--tercet names no file")?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(1..1_000_000_000));
    let setup = Setup { tercet, seed, times: args.times.max(1) };
    println!("lab: --seed {seed}");
    let chosen: Vec<&Experiment> = ALL
        .iter()
        .filter(|one| args.only.is_empty() || args.only.iter().any(|name| name == one.name))
        .collect();
    let (lines, failed) = side_by_side(&chosen, &setup);
    if let Some(path) = &args.markdown {
        fs::write(path, report::markdown(&lines, &foot(args, seed)))?;
    }
    if failed.is_empty() {
        println!("lab: nothing that was told was lost");
        return Ok(ExitCode::SUCCESS);
    }
    println!("lab: FAILED: {}; again with --seed {seed}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn side_by_side(chosen: &[&Experiment], setup: &Setup) -> (Vec<Line>, Vec<&'static str>) {
    let waiting = Mutex::new(chosen.iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((index, one)) = next else { return };
                    let result = perform(one, setup);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    let failed = done.iter().filter(|(_, (_, well))| !well).map(|(_, (line, _))| line.name).collect();
    (done.into_iter().map(|(_, (line, _))| line).collect(), failed)
}

/// Runs one; whether all is well.
fn perform(one: &Experiment, setup: &Setup) -> (Line, bool) {
    let began = Instant::now();
    let line = |outcome| Line { name: one.name, promises: one.promises, outcome, took: began.elapsed() };
    if one.needs == Needs::Mounts && !may_mount() {
        let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
        println!("{}: NOT RUN: it mounts a file system, which only root may", one.name);
        return (line(None), !must);
    }
    println!("{}: {}", one.name, one.does);
    let (mut outcome, fault) = match (one.run)(setup) {
        Ok(outcome) => (outcome, None),
        Err((outcome, fault)) => (outcome, Some(fault)),
    };
    if let Some(slow) = outcome.restart(99).filter(|time| *time > READY_WITHIN) {
        outcome.notes.push(format!("slower than the goal of {READY_WITHIN:?}: p99 {slow:?}"));
    }
    let well = outcome.findings.is_empty() && fault.is_none();
    for finding in outcome.findings.iter().take(10) {
        println!("{} --seed {}: {}", one.name, setup.seed, short(finding));
    }
    if let Some(fault) = fault {
        println!("{} --seed {}: could not go on: {fault:#}", one.name, setup.seed);
    }
    let line = line(Some(outcome));
    println!("{}", report::spoken(&line));
    (line, well)
}

/// A finding without its last thousand lines.
fn short(finding: &Finding) -> String {
    finding.to_string().chars().take(4_000).collect()
}

fn may_mount() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where and how it was measured.
fn foot(args: &Args, seed: u64) -> String {
    let said = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).output();
        output.map_or_else(|_| String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let (day, system) = (said("date", &["-u", "+%Y-%m-%d"]), said("uname", &["-sr"]));
    let size = match args.times {
        0 | 1 => "The gate's slice".into(),
        times => format!("{times} times the gate's slice"),
    };
    format!(
        "{size}, seed {seed}, {day}: {model}, {cores} cores, {system}; dev build, three experiments at a time."
    )
}

/// What an experiment that could not go on had gathered by then, and why.
pub(crate) type Broken = (Outcome, anyhow::Error);
