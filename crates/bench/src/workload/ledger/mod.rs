//! `ledger`: entries, holds and captures in process, through the engine, the file journal and the archive on disk.
//!
//! Beside each round the journal alone with frames of the same sizes (`limit/frames.rs`). What it does not measure:
//! networks, parsing, many callers. Read next: `drive.rs` (one round), `report.rs` (its figures), `feed.rs` (what is sent).

mod drive;
mod furnish;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod memory;
pub(crate) mod order;
mod report;
mod watch;

use std::path::Path;
use std::thread::Scope;
use std::time::Duration;

use anyhow::{anyhow, ensure};

use crate::feed::{Feed, Shape};
use crate::house::House;
use crate::limit::frames::{self, Replay, Size};
use crate::machine::Machine;
use crate::pace::Pace;
use crate::process;
use crate::spent::{OWN_PREFIX, Spent, Used};
use crate::workload::Form;
use drive::{Driven, Load, Source};
use report::{Report, SideFigures, Watched};
use watch::{Lag, Recent};

const WARM_UP: Duration = Duration::from_secs(1);
/// Members that the engine lets wait; more would be refused.
const WAITING_MAX: usize = 250_000;
/// Members of the batches that open accounts.
const FURNISH: usize = 8_000;

/// Flags of `ledger`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    /// Members of a batch
    #[arg(long, default_value_t = 8_190, value_parser = clap::value_parser!(u16).range(1..=8190))]
    batch: u16,
    /// Batches under way at once [default: 2; of small batches 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    in_flight: Option<u16>,
    /// Accounts that take part
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=20_000_000))]
    accounts: u32,
    /// Holds, each captured by the batch after its own, instead of entries; a pair counts as one
    #[arg(long, conflicts_with_all = ["hot", "lone"])]
    pairs: bool,
    /// Entries to one account that all share, beside uniform ones
    #[arg(long, conflicts_with = "lone")]
    hot: bool,
    /// One entry at a time, the next when it is durable
    #[arg(long)]
    lone: bool,
    /// Reads the statement of an account whose entry was just answered, every 100 ms
    #[arg(long)]
    watch: bool,
    /// Frames under way at once, as the server's setting of this name
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    frames_in_flight: u16,
}

/// One side: a shape under its name, and what is wanted of it.
#[derive(Debug, Clone, Copy)]
struct Side {
    name: &'static str,
    shape: Shape,
    /// Entries, or pairs, per second; `None`: no goal of its own.
    goal: Option<f64>,
}

impl Args {
    fn sides(&self) -> Vec<Side> {
        let goal = if self.accounts > 100_000 { 600_000.0 } else { 1_000_000.0 };
        let goal = (self.batch == 8_190 && !self.lone).then_some(goal);
        let goal = if self.watch { goal.map(|_| 400_000.0) } else { goal };
        let uniform = Side { name: "uniform", shape: Shape::Uniform, goal };
        match (self.pairs, self.hot) {
            (true, _) => {
                vec![Side { name: "hold + capture", shape: Shape::Pairs, goal: goal.map(|_| 300_000.0) }]
            }
            (_, true) => vec![Side { name: "hot account", shape: Shape::Hot, goal: None }, uniform],
            _ => vec![uniform],
        }
    }

    fn load(&self) -> Load {
        let batch = if self.lone { 1 } else { usize::from(self.batch) };
        let default = if batch >= 1_000 { 2 } else { 256 };
        let in_flight = if self.lone { 1 } else { self.in_flight.map_or(default, usize::from) };
        Load { batch, in_flight }
    }
}

/// What was measured of a side in one round.
struct Round {
    driven: Driven,
    /// Up to where everything put off was done.
    used: Used,
    /// Of the round alone, for the threads' shares.
    busy: Used,
    behind: Duration,
    frames: Vec<Size>,
    limit: Replay,
    resident: u64,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let load = args.load();
    ensure!(
        load.batch * load.in_flight <= WAITING_MAX,
        "{} batches of {} are more than the engine lets wait ({WAITING_MAX} members)",
        load.in_flight,
        load.batch
    );
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let (sides, lag) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(format!("{OWN_PREFIX}drive"));
        let measured = thread.spawn_scoped(scope, || measure(args, folder.path()))?;
        measured.join().map_err(|_| anyhow!("the load's thread panicked"))?
    })?;
    machine.look_again()?;
    let report = Report {
        workload: "ledger",
        machine,
        setting: format!(
            "{} accounts, {} batches of {} under way, {} frame(s), {} s a round",
            args.accounts, load.in_flight, load.batch, args.frames_in_flight, args.pace.seconds
        ),
        hot_ratio: report::hot_ratio(&sides),
        sides,
        watched: lag.as_ref().map(Watched::of),
    };
    report.print(Form::of(&args.pace))
}

fn measure(args: &Args, folder: &Path) -> anyhow::Result<(Vec<SideFigures>, Option<Lag>)> {
    let house = House::open(&folder.join("data"), usize::from(args.frames_in_flight))?;
    house.furnish(args.accounts, FURNISH)?;
    house.settle()?;
    eprintln!("{} accounts are open", args.accounts);
    let recent = args.watch.then(Recent::default);
    let measured = std::thread::scope(|scope| {
        let watcher = recent.as_ref().map(|recent| {
            let thread = std::thread::Builder::new().name(format!("{OWN_PREFIX}watch"));
            thread.spawn_scoped(scope, || watch::watch(house.engine(), recent))
        });
        let rounds = rounds((args, folder), &house, scope, recent.as_ref());
        if let Some(recent) = &recent {
            recent.end();
        }
        let lag = watcher
            .transpose()?
            .map(|watcher| watcher.join().map_err(|_| anyhow!("the watcher panicked"))?);
        anyhow::Ok((rounds?, lag.transpose()?))
    });
    let (rounds, lag) = measured?;
    house.stop();
    let sides = args.sides().into_iter().zip(rounds);
    Ok((sides.map(|(side, rounds)| report::figures(&side, &rounds)).collect(), lag))
}

/// All rounds of all sides, in turn.
fn rounds<'scope>(
    (args, folder): (&Args, &Path),
    house: &House,
    scope: &'scope Scope<'scope, '_>,
    recent: Option<&Recent>,
) -> anyhow::Result<Vec<Vec<Round>>> {
    let (load, sides) = (args.load(), args.sides());
    let feeds = (1..).zip(&sides).map(|(lane, side)| Feed::new(side.shape, args.accounts, lane));
    let mut sources =
        feeds.map(|feed| Source::over(scope, feed, load.batch)).collect::<anyhow::Result<Vec<_>>>()?;
    for source in &mut sources {
        drive::drive(house, source, (load, WARM_UP), None)?;
        house.settle()?;
    }
    let mut rounds: Vec<Vec<Round>> = sides.iter().map(|_| Vec::new()).collect();
    for number in 0..args.pace.rounds {
        for ((side, source), rounds) in sides.iter().zip(&mut sources).zip(&mut rounds) {
            let round = round((args, folder), house, source, recent)?;
            let (ours, limit) = (round.driven.per_second(), round.limit_per_second());
            eprintln!(
                "round {} of {}: {} {ours:.0}/s, the journal alone {limit:.0}/s",
                number + 1,
                args.pace.rounds,
                side.name
            );
            rounds.push(round);
        }
    }
    Ok(rounds)
}

/// One round of one side, and of the journal alone after it.
fn round(
    (args, folder): (&Args, &Path),
    house: &House,
    source: &mut Source,
    recent: Option<&Recent>,
) -> anyhow::Result<Round> {
    house.sizes.take();
    let before = Spent::now()?;
    let driven = drive::drive(house, source, (args.load(), args.pace.round()), recent)?;
    let busy = Spent::now()?.since(&before);
    let behind = house.settle()?;
    let used = Spent::now()?.since(&before);
    let frames = house.sizes.take();
    let resident = process::own_resident()?;
    let limit = frames::replay(folder, &frames, args.pace.round())?;
    Ok(Round { driven, used, busy, behind, frames, limit, resident })
}

impl Round {
    /// Events of the journal for each entry, or pair.
    fn events_each(&self) -> f64 {
        let events: u64 = self.frames.iter().map(|size| u64::from(size.count)).sum();
        events as f64 / self.driven.done.max(1) as f64
    }

    /// Entries, or pairs, per second that the journal alone would keep.
    fn limit_per_second(&self) -> f64 {
        self.limit.events_per_second() / self.events_each()
    }
}

#[cfg(test)]
mod tests;
