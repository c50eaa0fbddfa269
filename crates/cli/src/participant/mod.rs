//! `tercet participant verify`: drives a participant through the conformance kit and says what broke.
//!
//! What is checked and what a failure means is said in `kit`; this reads the command line and prints. It must never call
//! an address that it was not given. Read next: `spec.rs`, `print.rs`.

mod print;
mod spec;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use kit::{Options, Report, Unjudged};

use self::spec::Given;
use crate::exit::{Exit, words};

/// Arguments of `tercet participant`.
#[derive(Debug, Subcommand)]
pub(crate) enum Args {
    /// Drive a participant as the coordinator would, and say whether it holds to the rules of the barrier
    ///
    /// It may be written in any language. It needs enough to give for some hundred ordinary calls, and nobody else may
    /// use it meanwhile.
    #[command(
        after_help = "Exit code: 0 all hold, 1 a check failed, 2 none failed, but bad usage or nobody answers. Each check and each failure: \
                      docs/guides/verify-participant.md"
    )]
    Verify(Box<Verify>),
}

/// Arguments of `tercet participant verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    given: Given,
    /// How often calls meet at the same instant
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    races: u16,
    /// How many times an operation comes at once
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    duplicates: u16,
    /// The bound of one call
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=60_000))]
    timeout_ms: u32,
    /// Make this check only, beside the ordinary run; may be given several times
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write JUnit XML to this file too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Runs `tercet participant`.
pub(crate) fn run(args: &Args) -> ExitCode {
    let Args::Verify(verify) = args;
    match judged(verify) {
        Ok(exit) => exit.into(),
        Err(fault) => {
            eprintln!("tercet: {}", words(&fault));
            Exit::NotStarted.into()
        }
    }
}

/// Judges every participant; one that nobody answers for does not keep the others from being judged.
fn judged(verify: &Verify) -> anyhow::Result<Exit> {
    let targets = verify.given.targets()?;
    let options = Options {
        only: verify.only.clone(),
        races: verify.races.into(),
        duplicates: verify.duplicates.into(),
        timeout: Duration::from_millis(verify.timeout_ms.into()),
    };
    crate::files::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut judgement = Judgement::default();
    for target in &targets {
        eprintln!("{}: each form needs enough for {} ordinary calls", target.name, options.units());
        match runtime.block_on(kit::verify(target, &options)) {
            Ok(report) => judgement.reports.push(report),
            Err(obstacle) => {
                eprintln!("tercet: {}: {obstacle}", target.name);
                let (name, why) = (target.name.clone(), obstacle.to_string());
                judgement.obstacles.push(Unjudged { name, why });
            }
        }
    }
    print::all(&judgement, if verify.json { print::Form::Json } else { print::Form::Table })?;
    if let Some(path) = &verify.junit {
        std::fs::write(path, kit::junit(&judgement.reports, &judgement.obstacles))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(judgement.exit())
}

/// What was found of all participants.
#[derive(Debug, Default)]
struct Judgement {
    reports: Vec<Report>,
    /// Who could not be judged.
    obstacles: Vec<Unjudged>,
}

impl Judgement {
    /// Whether everybody was judged and every check holds.
    fn holds(&self) -> bool {
        self.exit() == Exit::Done
    }

    /// A check that failed outweighs a participant that could not be judged.
    fn exit(&self) -> Exit {
        if !self.reports.iter().all(Report::holds) {
            Exit::Refused
        } else if self.obstacles.is_empty() {
            Exit::Done
        } else {
            Exit::NotStarted
        }
    }
}

#[cfg(test)]
mod tests;
