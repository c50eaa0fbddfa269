//! A short history, and the power gone in every call that changes one of its disks, in every way: not by chance.
//!
//! Each of them is lived from the beginning to its end and judged like any other history. Then the same with a second
//! cut in the start that follows; and, where the process alone is gone (killed, or by a failed sync), a second cut in the
//! life that follows, for what is only seen must not be taken for durable. Read next: `cuts.rs` (the ways), `script/short.rs`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cuts::{Cut, Cuts, EVERYTHING, NOTHING, Platter, Scope, Struck};
use crate::history::{Verdict, caught};
use crate::plan::Plan;
use crate::process::Setup;
use crate::script::Script;
use crate::sight::Sights;
use crate::transcript::Keep;
use crate::violation::Violation;
use crate::world::Course;

/// Divisible by three: the archive is compared with the journal at the end.
const SEED: u64 = 0;
/// Calls of the life after a kill in which the power goes.
const SOON: u32 = 24;

/// How much is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Of the ways of a first cut, one in so many.
    pub ways: usize,
    /// A second cut follows the first at one call in so many.
    pub calls_again: u32,
    /// Of the ways of a second cut in the start that follows, one in so many.
    pub ways_again: usize,
    /// Of the ways of a second cut in the life that follows a process that was gone alone, one in so many.
    pub ways_alone: usize,
    /// Threads.
    pub jobs: usize,
    /// Ends after so many calls at which a promise was broken.
    pub most_broken: usize,
}

impl Order {
    /// All that there is, but for a cut after a process that was gone alone: what it keeps was there before for the most
    /// part, and one way in ten is looked at, a different one at each call.
    #[must_use]
    pub fn all(jobs: usize) -> Order {
        Order { ways: 1, calls_again: 1, ways_again: 1, ways_alone: 10, jobs, most_broken: 20 }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Calls in which the power went, by disk.
    pub calls: [u64; 3],
    /// What they were, in words.
    pub made: BTreeSet<String>,
    /// Histories with one cut.
    pub once: u64,
    /// Calls after a first cut in which the power went again.
    pub calls_again: u64,
    /// Histories with two.
    pub twice: u64,
    /// What was seen.
    pub sights: Sights,
    /// Every call at which a promise was broken: the first way there, and the promise.
    pub broken: Vec<(String, Violation)>,
    /// How long it took.
    pub took: Duration,
}

/// Lives the short history through with these cuts, and tells it line by line.
#[must_use]
pub fn replay(cuts: &[Cut]) -> Verdict {
    lived(Cuts::of(cuts), Keep::Lines)
}

fn lived(cuts: Cuts, keep: Keep) -> Verdict {
    let plan = Plan::calm(SEED);
    caught(Course { plan: &plan, script: Script::short(), setup: Setup::short(), cuts, keep })
}

/// Goes through all that was ordered.
#[must_use]
pub fn run(order: &Order) -> Report {
    let began = Instant::now();
    let (sum, broken) = (Mutex::new(Report::default()), AtomicUsize::new(0));
    for platter in Platter::ALL {
        let next = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..order.jobs.max(1) {
                scope.spawn(|| {
                    let mut round = Round { order, broken: &broken, report: Report::default() };
                    while round.call(platter, next.fetch_add(1, Ordering::Relaxed)) {}
                    sum.lock().unwrap_or_else(PoisonError::into_inner).add(round.report);
                });
            }
        });
    }
    let mut report = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.broken.sort_by(|one, other| one.0.cmp(&other.0));
    report.took = began.elapsed();
    report
}

/// What one history came to.
struct Lived {
    struck: Vec<Struck>,
    is_whole: bool,
}

struct Round<'a> {
    order: &'a Order,
    /// Calls at which a promise was broken, over all threads.
    broken: &'a AtomicUsize,
    report: Report,
}

impl Round<'_> {
    /// Every way at one call; whether more are to be looked at.
    fn call(&mut self, platter: Platter, after: u32) -> bool {
        if self.broken.load(Ordering::Relaxed) >= self.order.most_broken {
            return false;
        }
        let cut = |way| Cut { platter, after, way, scope: Scope::Life };
        let Lived { struck, is_whole } = self.one(&[cut(NOTHING)]);
        let Some(first) = struck.first() else { return false };
        self.report.calls[platter as usize] += 1;
        self.report.made.insert(first.call.clone());
        let others = chosen(self.order.ways, first.ways, after);
        let is_whole = is_whole && others.into_iter().all(|way| self.one(&[cut(way)]).is_whole);
        if is_whole && after.is_multiple_of(self.order.calls_again) {
            for way in [NOTHING, EVERYTHING] {
                self.again(cut(way), Scope::Start);
            }
            for way in &first.process_alone {
                self.again(cut(*way), Scope::Life);
            }
        }
        true
    }

    /// A second cut at every call after the first.
    fn again(&mut self, first: Cut, scope: Scope) {
        let end = if scope == Scope::Start { u32::MAX } else { SOON };
        for platter in Platter::ALL {
            for after in 0..end {
                let cut = |way| [first, Cut { platter, after, way, scope }];
                let Lived { struck, is_whole } = self.one(&cut(NOTHING));
                let Some(second) = struck.get(1) else { break };
                self.report.calls_again += 1;
                let stride = match scope {
                    Scope::Start => self.order.ways_again,
                    Scope::Life => self.order.ways_alone,
                };
                let others = chosen(stride, second.ways, first.after + after);
                if !(is_whole && others.into_iter().all(|way| self.one(&cut(way)).is_whole)) {
                    return;
                }
            }
        }
    }

    fn one(&mut self, told: &[Cut]) -> Lived {
        let cuts = Cuts::of(told);
        let tray = cuts.struck.clone();
        let verdict = lived(cuts, Keep::Digest);
        let struck = tray.take();
        match struck.len() {
            1 => self.report.once += 1,
            2 => self.report.twice += 1,
            _ => {}
        }
        self.report.sights.add(&verdict.sights);
        let is_whole = verdict.violation.is_none();
        if let Some(violation) = verdict.violation {
            self.broken.fetch_add(1, Ordering::Relaxed);
            let names: Vec<_> = told.iter().map(Cut::to_string).collect();
            self.report.broken.push((names.join(","), violation));
        }
        Lived { struck, is_whole }
    }
}

/// The ways that are looked at beside the first; neighbouring calls look at different ones.
fn chosen(stride: usize, ways: usize, after: u32) -> Vec<usize> {
    let stride = stride.max(1);
    (1..ways).filter(|way| (way + after as usize).is_multiple_of(stride)).collect()
}

impl Report {
    fn add(&mut self, other: Report) {
        for (sum, calls) in self.calls.iter_mut().zip(other.calls) {
            *sum += calls;
        }
        self.made.extend(other.made);
        self.once += other.once;
        self.calls_again += other.calls_again;
        self.twice += other.twice;
        self.sights.add(&other.sights);
        self.broken.extend(other.broken);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (cuts, violation) in &self.broken {
            writeln!(f, "{violation}\n  replay it: cargo run -p sim --release -- --cut {cuts}")?;
        }
        let [journal, history, ids] = self.calls;
        write!(
            f,
            "the power went in {} calls ({journal} of the journal, {history} of the history, {ids} of the ids), in {} \
             ways; again in {} calls after that, in {} ways; {:.1} s; {} calls with a broken promise",
            journal + history + ids,
            self.once,
            self.calls_again,
            self.twice,
            self.took.as_secs_f64(),
            self.broken.len()
        )
    }
}
