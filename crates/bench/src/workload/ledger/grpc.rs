//! `ledger-grpc`: entries over gRPC against a server: one stream of large batches, then many callers with one entry each.
//!
//! The callers are those of the `participant` room, on one thread. Beside each side, after the server has ended, the
//! journal alone with frames of the same sizes. Read next: `drive.rs` (the same without a network), `report.rs`.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use participant::client::{Amount, Apply, Batch, Client, Entry, Outcomes};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use crate::feed::{Feed, Shape};
use crate::limit::frames;
use crate::machine::Machine;
use crate::pace::Pace;
use crate::spent::{OWN_PREFIX, Spent, Used};
use crate::tercet::{self, Tercet, Which};
use crate::workload::Form;
use crate::workload::ledger::drive::Driven;
use crate::workload::ledger::report::{self, Report, SideFigures};
use crate::workload::ledger::{Round, Side, WARM_UP, furnish};

/// Batches made ahead.
const AHEAD: usize = 4;

/// Flags of `ledger-grpc`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    which: Which,
    /// Members of a batch of the stream
    #[arg(long, default_value_t = 8_190, value_parser = clap::value_parser!(u16).range(1..=8190))]
    batch: u16,
    /// Batches of the stream under way at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    in_flight: u16,
    /// Callers with one entry each
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    callers: u16,
    /// Accounts that take part
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    accounts: u32,
}

const SIDES: [Side; 2] = [
    Side { name: "one stream", shape: Shape::Uniform, goal: Some(400_000.0) },
    Side { name: "one entry each", shape: Shape::Uniform, goal: Some(30_000.0) },
];

/// Callers that are connected.
enum Callers {
    /// One, with batches made ahead by a thread.
    One(Apply, mpsc::Receiver<Batch>, usize),
    /// Many, each with the postings of a lane of its own.
    Many(Vec<(Apply, Feed)>),
}

/// A round before its journal was read.
struct Raw {
    driven: Driven,
    used: Used,
    busy: Used,
    behind: Duration,
    resident: u64,
    /// The durable events before and after.
    events: (u64, u64),
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let sides = measure(args, folder.path())?;
    machine.look_again()?;
    let report = Report {
        workload: "ledger-grpc",
        machine,
        setting: format!(
            "{} accounts; one stream with {} batches of {} under way; {} callers with one entry each; {} s a round",
            args.accounts, args.in_flight, args.batch, args.callers, args.pace.seconds
        ),
        hot_ratio: None,
        sides,
        watched: None,
    };
    report.print(Form::of(&args.pace))
}

fn measure(args: &Args, folder: &Path) -> anyhow::Result<Vec<SideFigures>> {
    let server = args.which.serve(&folder.join("data"))?;
    furnish::users(server.address, args.accounts)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut all = [stream(args, &runtime, server.grpc)?, callers(args, &runtime, server.grpc)?];
    for callers in &mut all {
        raw(&runtime, &server, callers, WARM_UP)?;
    }
    let mut raws = [Vec::new(), Vec::new()];
    for number in 0..args.pace.rounds {
        for ((side, callers), raws) in SIDES.iter().zip(&mut all).zip(&mut raws) {
            let raw = raw(&runtime, &server, callers, args.pace.round())?;
            let rate = raw.driven.per_second();
            eprintln!("round {} of {}: {} {rate:.0}/s", number + 1, args.pace.rounds, side.name);
            raws.push(raw);
        }
    }
    drop(all);
    server.process.kill()?;
    let mut sides = Vec::new();
    for (side, raws) in SIDES.iter().zip(raws) {
        let rounds: anyhow::Result<Vec<Round>> =
            raws.into_iter().map(|raw| raw.beside((folder, &args.pace))).collect();
        sides.push(report::figures(side, &rounds?));
    }
    Ok(sides)
}

/// Connects the one caller and starts what feeds it.
fn stream(args: &Args, runtime: &Runtime, server: SocketAddr) -> anyhow::Result<Callers> {
    let apply = connect(runtime, server)?;
    let (made, batches) = mpsc::channel(AHEAD);
    let (mut feed, members) = (Feed::new(Shape::Uniform, args.accounts, 1), usize::from(args.batch));
    let thread = std::thread::Builder::new().name(format!("{OWN_PREFIX}feed"));
    // It ends when nobody takes any more.
    thread.spawn(move || while made.blocking_send(batch(&mut feed, members)).is_ok() {})?;
    Ok(Callers::One(apply, batches, usize::from(args.in_flight)))
}

fn callers(args: &Args, runtime: &Runtime, server: SocketAddr) -> anyhow::Result<Callers> {
    let each = (0..args.callers).map(|number| {
        let lane = 2 + (number % 250) as u8;
        // Beyond 250 callers lanes are shared: a lane's second feed starts far behind its first.
        let feed = Feed::new(Shape::Uniform, args.accounts, lane).skipping(u64::from(number / 250) << 40);
        Ok((connect(runtime, server)?, feed))
    });
    Ok(Callers::Many(each.collect::<anyhow::Result<_>>()?))
}

/// A connection of its own, and a stream over it.
fn connect(runtime: &Runtime, server: SocketAddr) -> anyhow::Result<Apply> {
    runtime.block_on(async {
        let client = Client::connect(&format!("grpc://{server}")).await?;
        Ok(client.apply()?)
    })
}

fn batch(feed: &mut Feed, members: usize) -> Batch {
    let mut batch = Batch::with_capacity(members);
    for _ in 0..members {
        let posting = feed.posting();
        batch.entry(&Entry {
            id: posting.id.as_str(),
            from: posting.from.as_str(),
            to: posting.to(),
            amount: Amount::Units(i128::from(posting.units)),
            ..Entry::default()
        });
    }
    batch
}

/// One round of one side.
fn raw(runtime: &Runtime, server: &Tercet, callers: &mut Callers, round: Duration) -> anyhow::Result<Raw> {
    let pid = server.process.id();
    let first = tercet::durable(server.address)?;
    let (theirs, own) = (Spent::of(pid)?, Spent::now()?);
    let used = || anyhow::Ok(Spent::of(pid)?.since(&theirs).with_load(&Spent::now()?.since(&own)));
    let driven = match callers {
        Callers::One(apply, batches, in_flight) => {
            runtime.block_on(one((apply, batches), *in_flight, round))?
        }
        Callers::Many(callers) => LocalSet::new().block_on(runtime, many(callers, round))?,
    };
    let busy = used()?;
    let behind = tercet::settle(server.address)?.context("the archive did not catch up in time")?;
    let (used, resident) = (used()?, server.process.resident()?);
    let events = (first, tercet::durable(server.address)?);
    Ok(Raw { driven, used, busy, behind, resident, events })
}

impl Raw {
    /// With the journal alone beside it.
    fn beside(self, (folder, pace): (&Path, &Pace)) -> anyhow::Result<Round> {
        let mut frames = frames::sizes_in(&folder.join("data").join("journal"), self.events.0)?;
        frames.retain(|size| size.sequence <= self.events.1);
        let limit = frames::replay(folder, &frames, pace.round())?;
        let Raw { driven, used, busy, behind, resident, .. } = self;
        Ok(Round { driven, used, busy, behind, frames, limit, resident })
    }
}

/// One stream: so many batches under way, answered in order.
async fn one(
    (apply, batches): (&mut Apply, &mut mpsc::Receiver<Batch>),
    in_flight: usize,
    round: Duration,
) -> anyhow::Result<Driven> {
    let mut under_way = VecDeque::with_capacity(in_flight);
    let begun = Instant::now();
    let (mut seen, mut last) = (Driven::new(), begun);
    loop {
        while under_way.len() < in_flight && begun.elapsed() < round {
            let wanted = Instant::now();
            let batch = batches.recv().await.context("the generator ended")?;
            let (sent, members) = (Instant::now(), batch.len() as u64);
            seen.starved += sent - wanted;
            under_way.push_back((sent, members, apply.send(batch).await?));
        }
        let Some((sent, members, answer)) = under_way.pop_front() else { return Ok(seen) };
        ensure_done(&answer.await?)?;
        seen.answered((sent, Instant::now()), members, (begun, &mut last));
    }
}

/// Many callers: each sends its next entry when the last one was answered.
async fn many(callers: &mut Vec<(Apply, Feed)>, round: Duration) -> anyhow::Result<Driven> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (apply, mut feed) in callers.drain(..) {
        tasks.spawn_local(async move {
            let (mut seen, mut last) = (Driven::new(), begun);
            while begun.elapsed() < round {
                let sent = Instant::now();
                let answer = apply.send(batch(&mut feed, 1)).await?;
                ensure_done(&answer.await?)?;
                seen.answered((sent, Instant::now()), 1, (begun, &mut last));
            }
            anyhow::Ok((seen, apply, feed))
        });
    }
    let mut whole = Driven::new();
    while let Some(ended) = tasks.join_next().await {
        let (seen, apply, feed) = ended.map_err(|_| anyhow!("a caller panicked"))??;
        whole.merge(&seen);
        callers.push((apply, feed));
    }
    ensure!(whole.done > 0, "nothing was answered");
    Ok(whole)
}

fn ensure_done(outcomes: &Outcomes) -> anyhow::Result<()> {
    let Some(refused) = outcomes.refused().first() else { return Ok(()) };
    bail!("member {} of a batch was refused: {}: {}", refused.index, refused.code, refused.detail)
}
