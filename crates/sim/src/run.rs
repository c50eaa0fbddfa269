//! Many seeds: over so many threads, until one breaks a promise, a range is through, or the time is over.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::history::{Figures, History, history};
use crate::sight::Sights;
use crate::violation::Violation;

/// One in so many seeds is lived through twice, and must give the same bytes.
const TWICE: u64 = 100;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which seeds.
    pub seeds: Range<u64>,
    /// Threads.
    pub jobs: usize,
    /// Stops after so long, where that is given.
    pub most: Option<Duration>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How much was lived through.
    pub figures: Figures,
    /// Seeds that were lived through twice with the same bytes.
    pub repeated: u64,
    /// What was seen.
    pub sights: Sights,
    /// The lowest seed that broke a promise, of those that were run.
    pub broken: Option<(u64, Violation)>,
    /// How long it took.
    pub took: Duration,
}

/// Runs seeds until one breaks a promise.
#[must_use]
pub fn run(order: &Order) -> Report {
    let next = AtomicU64::new(order.seeds.start);
    let stops = AtomicBool::new(false);
    let sum = Mutex::new(Report::default());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..order.jobs.max(1) {
            scope.spawn(|| {
                let mut own = Report::default();
                while !stops.load(Ordering::Acquire) {
                    let seed = next.fetch_add(1, Ordering::AcqRel);
                    if seed >= order.seeds.end || order.most.is_some_and(|most| began.elapsed() >= most) {
                        break;
                    }
                    if !one(seed, &mut own) {
                        stops.store(true, Ordering::Release);
                    }
                }
                sum.lock().unwrap_or_else(PoisonError::into_inner).add(own);
            });
        }
    });
    let mut report = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.took = began.elapsed();
    report
}

/// Lives one seed through; whether it broke nothing.
fn one(seed: u64, report: &mut Report) -> bool {
    let verdict = history(&History::of(seed));
    report.figures.add(verdict.figures);
    report.sights.add(&verdict.sights);
    let mut violation = verdict.violation;
    if violation.is_none() && seed.is_multiple_of(TWICE) {
        if history(&History::of(seed)).digest == verdict.digest {
            report.repeated += 1;
        } else {
            violation = Some(Violation::new("determinism", "the same seed gave another history"));
        }
    }
    match violation {
        None => true,
        Some(violation) => {
            report.broken = Some((seed, violation));
            false
        }
    }
}

impl Figures {
    fn add(&mut self, other: Figures) {
        self.histories += other.histories;
        self.transactions += other.transactions;
        self.events += other.events;
    }
}

impl Report {
    fn add(&mut self, other: Report) {
        self.figures.add(other.figures);
        self.repeated += other.repeated;
        self.sights.add(&other.sights);
        self.broken = match (self.broken.take(), other.broken) {
            (Some(one), Some(other)) => Some(if one.0 <= other.0 { one } else { other }),
            (one, other) => one.or(other),
        };
    }
}
