//! One round against a ledger in this process: so many batches under way, the next one when one is answered.
//!
//! What fails ends the measurement: a figure with refusals in it would stand for nothing. Read next: `feed.rs` (what is
//! sent), `watch.rs` (who reads meanwhile).

use std::sync::mpsc::{self, Receiver};
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use engine::Changed;
use transaction::Refusal;

use crate::feed::{Feed, Made, Posting};
use crate::histogram::Histogram;
use crate::house::{House, PATIENCE, ensure_done};
use crate::spent::OWN_PREFIX;
use crate::workload::ledger::watch::Recent;

/// Batches made ahead.
const AHEAD: usize = 4;
/// Smaller ones are made when they are sent: handing them over would cost more than making them.
const WORTH_A_THREAD: usize = 64;

/// How much is asked at once, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Members of a batch.
    pub(crate) batch: usize,
    /// Batches under way.
    pub(crate) in_flight: usize,
}

/// Where batches come from.
pub(crate) enum Source {
    /// Made by a thread of its own, some ahead.
    Ahead(Receiver<Made>),
    /// Made when one is wanted.
    Here(Box<Feed>, usize),
}

impl Source {
    /// Over `feed`, in batches of `members`; the thread ends when the source is dropped.
    pub(crate) fn over<'scope>(
        scope: &'scope Scope<'scope, '_>,
        mut feed: Feed,
        members: usize,
    ) -> anyhow::Result<Source> {
        if members < WORTH_A_THREAD {
            return Ok(Source::Here(Box::new(feed), members));
        }
        let (made, taken) = mpsc::sync_channel(AHEAD);
        let thread = std::thread::Builder::new().name(format!("{OWN_PREFIX}feed"));
        thread.spawn_scoped(scope, move || while made.send(feed.batch(members)).is_ok() {})?;
        Ok(Source::Ahead(taken))
    }

    fn next(&mut self) -> anyhow::Result<Made> {
        match self {
            Source::Ahead(made) => made.recv().context("the generator ended"),
            Source::Here(feed, members) => Ok(feed.batch(*members)),
        }
    }
}

/// What came of a round.
#[derive(Debug)]
pub(crate) struct Driven {
    /// Entries, or pairs.
    pub(crate) done: u64,
    /// Each batch, from being handed over to its answer.
    pub(crate) batches: Histogram,
    pub(crate) elapsed: Duration,
    /// The longest time in which no answer came.
    pub(crate) longest_gap: Duration,
    /// Done in each whole second.
    pub(crate) by_second: Vec<u64>,
    /// How long the load waited for its own generator.
    pub(crate) starved: Duration,
}

impl Driven {
    pub(crate) fn new() -> Driven {
        Driven {
            done: 0,
            batches: Histogram::new(),
            elapsed: Duration::ZERO,
            longest_gap: Duration::ZERO,
            by_second: Vec::new(),
            starved: Duration::ZERO,
        }
    }

    /// A batch that was sent and answered then: so much is done. The round began at `begun`, the last answer was at `last`.
    pub(crate) fn answered(
        &mut self,
        (sent, at): (Instant, Instant),
        done: u64,
        (begun, last): (Instant, &mut Instant),
    ) {
        self.batches.record(at - sent);
        self.done += done;
        let second = (at - begun).as_secs() as usize;
        if self.by_second.len() <= second {
            self.by_second.resize(second + 1, 0);
        }
        self.by_second[second] += done;
        self.longest_gap = self.longest_gap.max(at.saturating_duration_since(*last));
        *last = at;
        self.elapsed = at - begun;
    }

    /// Another caller of the same round: its longest gap is its own.
    pub(crate) fn merge(&mut self, other: &Driven) {
        self.batches.merge(&other.batches);
        self.done += other.done;
        self.elapsed = self.elapsed.max(other.elapsed);
        self.longest_gap = self.longest_gap.max(other.longest_gap);
        self.by_second.resize(self.by_second.len().max(other.by_second.len()), 0);
        for (mine, theirs) in self.by_second.iter_mut().zip(&other.by_second) {
            *mine += theirs;
        }
        self.starved += other.starved;
    }

    /// Entries, or pairs, per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.done as f64 / self.elapsed.as_secs_f64()
    }

    /// The least of the whole seconds; the mean when there was none.
    pub(crate) fn slowest_second(&self) -> f64 {
        let whole = self.by_second.len().min(self.elapsed.as_secs() as usize);
        self.by_second[..whole].iter().min().map_or(self.per_second(), |least| *least as f64)
    }
}

/// An answer on its way to the load's thread.
struct Answered {
    begun: Instant,
    at: Instant,
    done: u64,
    last: Option<Posting>,
    answer: Result<Changed, Refusal>,
}

/// Runs one round.
pub(crate) fn drive(
    house: &House,
    source: &mut Source,
    (load, round): (Load, Duration),
    recent: Option<&Recent>,
) -> anyhow::Result<Driven> {
    let (told, answers) = mpsc::channel::<Answered>();
    let begun = Instant::now();
    let (mut seen, mut under_way, mut last) = (Driven::new(), 0, begun);
    loop {
        while under_way < load.in_flight && begun.elapsed() < round {
            send(house, source, &told).map(|waited| seen.starved += waited)?;
            under_way += 1;
        }
        if under_way == 0 {
            return Ok(seen);
        }
        let answered =
            answers.recv_timeout(PATIENCE).map_err(|_| anyhow!("an answer did not come in time"))?;
        under_way -= 1;
        ensure_done(&answered.answer)?;
        seen.answered((answered.begun, answered.at), answered.done, (begun, &mut last));
        if let (Some(recent), Some(posting)) = (recent, answered.last) {
            recent.told(posting, answered.at);
        }
    }
}

/// Hands over one batch; answers how long it waited for the generator.
fn send(house: &House, source: &mut Source, told: &mpsc::Sender<Answered>) -> anyhow::Result<Duration> {
    let wanted = Instant::now();
    let Made { batch, done, last } = source.next()?;
    let (begun, told) = (Instant::now(), told.clone());
    house.change(batch, move |answer| {
        // Nobody listens any more after a failure.
        let _ = told.send(Answered { begun, at: Instant::now(), done, last, answer });
    });
    Ok(begun - wanted)
}
