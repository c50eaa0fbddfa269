//! Two sides that do the same work on one store, one with what is measured and one without, in slices by turns.
//!
//! For what runs in the bench's own process; sides that are processes of their own are `compare.rs`.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::figures::{Ratio, Spread, Table};
use crate::histogram::Histogram;
use crate::pace::Pace;

/// A round is cut into slices in turn, so that a neighbour's burst hits both sides alike.
const SLICES: u32 = 4;

/// Both sides' figures on one store.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) store: &'static str,
    pub(super) with: Side,
    pub(super) without: Side,
    /// Of transactions per second, with against without.
    pub(super) ratio: Ratio,
    pub(super) added_p50_ms: Spread,
}

#[derive(Debug, Serialize)]
pub(super) struct Side {
    pub(super) per_second: Spread,
    pub(super) p50_ms: Spread,
    pub(super) p99_ms: Spread,
}

/// One side's transactions in one round.
#[derive(Debug)]
pub(super) struct Round {
    took: Histogram,
    elapsed: Duration,
}

/// Both sides of each round: with, and without.
pub(super) type Rounds = Vec<(Round, Round)>;

/// Which side works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// What is measured: with the barrier, or through the coordinator.
    Barrier,
    /// The same statements alone.
    Nothing,
}

/// Two sides that do the same.
pub(super) trait Bench: Sync {
    /// Runs one worker of a side until the slice is over.
    fn work(
        &self,
        guard: Guard,
        worker: u32,
        until: Instant,
    ) -> impl Future<Output = anyhow::Result<Histogram>> + Send;
}

/// Measures both in turn, a slice of each at a time, with so many workers.
pub(super) async fn alternate(bench: &impl Bench, workers: u32, pace: &Pace) -> anyhow::Result<Rounds> {
    for guard in [Guard::Barrier, Guard::Nothing] {
        slice(bench, (guard, workers), Duration::from_millis(500)).await?;
    }
    let mut rounds = Vec::new();
    for number in 0..pace.rounds {
        let mut both = (Round::new(), Round::new());
        for _ in 0..SLICES {
            both.0.add(&slice(bench, (Guard::Barrier, workers), pace.round() / SLICES).await?);
            both.1.add(&slice(bench, (Guard::Nothing, workers), pace.round() / SLICES).await?);
        }
        eprintln!("round {} of {}", number + 1, pace.rounds);
        rounds.push(both);
    }
    Ok(rounds)
}

async fn slice(
    bench: &impl Bench,
    (guard, workers): (Guard, u32),
    length: Duration,
) -> anyhow::Result<Round> {
    let begun = Instant::now();
    let workers = (0..workers).map(|worker| bench.work(guard, worker, begun + length));
    let mut round = Round::new();
    for took in futures::future::try_join_all(workers).await? {
        round.took.merge(&took);
    }
    round.elapsed = begun.elapsed();
    Ok(round)
}

impl Round {
    fn new() -> Self {
        Round { took: Histogram::new(), elapsed: Duration::ZERO }
    }

    fn add(&mut self, slice: &Round) {
        self.took.merge(&slice.took);
        self.elapsed += slice.elapsed;
    }

    fn per_second(&self) -> f64 {
        self.took.count() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Of these rounds.
pub(super) fn figures(store: &'static str, rounds: &Rounds, goal: f64) -> Figures {
    let side = |pick: fn(&(Round, Round)) -> &Round| Side {
        per_second: Spread::of(rounds.iter().map(|round| pick(round).per_second())),
        p50_ms: Spread::of(rounds.iter().map(|round| pick(round).took.quantile_ms(0.5))),
        p99_ms: Spread::of(rounds.iter().map(|round| pick(round).took.quantile_ms(0.99))),
    };
    let rates = |pick: fn(&(Round, Round)) -> &Round| -> Vec<f64> {
        rounds.iter().map(|round| pick(round).per_second()).collect()
    };
    let added =
        rounds.iter().map(|(with, without)| with.took.quantile_ms(0.5) - without.took.quantile_ms(0.5));
    Figures {
        store,
        with: side(|round| &round.0),
        without: side(|round| &round.1),
        ratio: Ratio::of(&rates(|round| &round.0), &rates(|round| &round.1), goal),
        added_p50_ms: Spread::of(added),
    }
}

/// As tables, with the names of both sides.
pub(super) fn text(stores: &[Figures], [with, without]: [&str; 2]) -> String {
    let mut table = Table::new(&["store", "side", "transactions/s", "p50 ms", "p99 ms"]);
    let mut ratios = Table::new(&["store", &format!("{with} / {without}"), "added p50 ms"]);
    for store in stores {
        for (name, side) in [(with, &store.with), (without, &store.without)] {
            let [rate, p50, p99] = [&side.per_second, &side.p50_ms, &side.p99_ms].map(Spread::text);
            table.row(&[store.store, name, &rate, &p50, &p99]);
        }
        ratios.row(&[store.store, &store.ratio.text(), &store.added_p50_ms.text()]);
    }
    format!("{}\n{}", table.text(), ratios.text())
}
