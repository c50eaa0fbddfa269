//! `cargo run -p sim --release -- --seed N | --seeds FROM..TO [--jobs J] | --minutes M | --every-cut | --cut WHERE`
//!
//! Exit codes: 0 nothing broken and everything met, 1 a promise broken, 3 something was never met.

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use sim::run::{Order, Report, run};
use sim::{Cut, History, Sight, Violation, every_cut, replay, shortest};

/// Runs of fewer histories may miss something.
const ENOUGH: u64 = 10_000;

#[derive(Parser)]
#[command(about = "The real engine in a world that fails on purpose, seed by seed", max_term_width = 120)]
struct Words {
    /// Replay one seed and tell it line by line
    #[arg(long)]
    seed: Option<u64>,
    /// Run the seeds of a range, such as 0..10000
    #[arg(long, value_parser = range, default_value = "0..10000")]
    seeds: Range<u64>,
    /// Run for so many minutes, from the first seed of the range on
    #[arg(long)]
    minutes: Option<u64>,
    /// Cut the power in every call of the disks of a short history, in every way
    #[arg(long)]
    every_cut: bool,
    /// Replay the short history with these cuts, such as journal:17:5,ids:0:1:start
    #[arg(long, value_delimiter = ',')]
    cut: Vec<Cut>,
    /// Threads
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Write what was seen there, as a table
    #[arg(long)]
    markdown: Option<PathBuf>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let parts = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match parts {
        Some((from, to)) if from < to => Ok(from..to),
        _ => Err(format!("{text} is no range of seeds: say FROM..TO, such as 0..10000")),
    }
}

fn main() -> ExitCode {
    let words = Words::parse();
    // A panic of the code under test is caught and told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(seed) = words.seed {
        return one(seed);
    }
    if !words.cut.is_empty() {
        return one_cut(&words.cut);
    }
    if words.every_cut {
        return every_cut(&every_cut::Order::all(words.jobs));
    }
    let seeds = match words.minutes {
        Some(_) => words.seeds.start..u64::MAX,
        None => words.seeds,
    };
    let most = words.minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let report = run(&Order { seeds, jobs: words.jobs, most });
    tell(&report);
    if let Some((seed, violation)) = &report.broken {
        return broken(*seed, violation);
    }
    if let Some(path) = &words.markdown
        && let Err(error) = std::fs::write(path, markdown(&report, words.jobs))
    {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if report.figures.histories >= ENOUGH && report.sights.missing().next().is_some() {
        return ExitCode::from(3);
    }
    ExitCode::SUCCESS
}

/// Replays one seed.
fn one(seed: u64) -> ExitCode {
    let verdict = replay(&History::of(seed));
    verdict.lines.iter().for_each(|line| println!("{line}"));
    println!("seed {seed}: {} events, digest {:016x}", verdict.figures.events, verdict.digest);
    match verdict.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => broken(seed, &violation),
    }
}

/// Replays the short history with these cuts.
fn one_cut(cuts: &[Cut]) -> ExitCode {
    let verdict = every_cut::replay(cuts);
    verdict.lines.iter().for_each(|line| println!("{line}"));
    match verdict.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            println!("\n{violation}");
            ExitCode::FAILURE
        }
    }
}

/// Cuts the short history everywhere.
fn every_cut(order: &every_cut::Order) -> ExitCode {
    let report = every_cut::run(order);
    println!("{report}");
    if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn broken(seed: u64, violation: &Violation) -> ExitCode {
    println!("\nseed {seed}: {violation}");
    if let Some(short) = shortest(&History::of(seed)) {
        let kinds: Vec<_> = short.history.plan.kinds().collect();
        println!("the shortest history of {} that were tried, with {kinds:?}:\n", short.tried);
        short.lines.iter().for_each(|line| println!("{line}"));
        println!("\n{}", short.violation);
    }
    println!("replay it: cargo run -p sim --release -- --seed {seed}");
    ExitCode::FAILURE
}

/// All of it in one line.
fn in_short(report: &Report) -> String {
    let figures = report.figures;
    let seconds = report.took.as_secs_f64();
    let each = |sum: u64| sum as f64 / figures.histories.max(1) as f64;
    format!(
        "{} histories in {seconds:.1} s ({:.0} a second), each of {:.1} transactions and {:.0} events; {} lived twice, alike",
        figures.histories,
        figures.histories as f64 / seconds,
        each(figures.transactions),
        each(figures.events),
        report.repeated
    )
}

fn markdown(report: &Report, jobs: usize) -> String {
    let rows =
        Sight::ALL.iter().map(|sight| format!("| {} | {} |\n", sight.words(), report.sights.count(*sight)));
    format!(
        "{}, on {jobs} threads; no promise broken.\n\n| what was seen | times |\n|---|--:|\n{}",
        in_short(report),
        rows.collect::<String>()
    )
}

fn tell(report: &Report) {
    println!("{:>12}  what was seen", "times");
    for sight in Sight::ALL {
        println!("{:>12}  {}", report.sights.count(*sight), sight.words());
    }
    println!("{}", in_short(report));
    for sight in report.sights.missing() {
        println!("never seen: {}", sight.words());
    }
}
