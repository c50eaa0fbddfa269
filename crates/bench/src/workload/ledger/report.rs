//! The figures of `ledger`: medians of the rounds, as tables or JSON.
//!
//! Read next: `mod.rs`, which measures.

use serde::Serialize;

use crate::figures::{self, Spread, Table};
use crate::histogram::Histogram;
use crate::machine::Machine;
use crate::spent::OWN_PREFIX;
use crate::workload::Form;
use crate::workload::ledger::watch::Lag;
use crate::workload::ledger::{Round, Side};

const GOAL_HOT: f64 = 0.9;
const GOAL_BYTES: f64 = 200.0;
const GOAL_LONE_MS: f64 = 0.3;
const GOAL_STALL_MS: f64 = 100.0;
const GOAL_VISIBLE_MS: f64 = 2_000.0;

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) workload: &'static str,
    pub(super) machine: Machine,
    /// In words.
    pub(super) setting: String,
    pub(super) sides: Vec<SideFigures>,
    /// Entries per second, the hot account against uniform, round by round.
    pub(super) hot_ratio: Option<Spread>,
    pub(super) watched: Option<Watched>,
}

/// One side over all rounds. `each` means each entry, or each pair of a hold and its capture.
#[derive(Debug, Serialize)]
pub(super) struct SideFigures {
    pub(super) side: &'static str,
    goal_per_second: Option<f64>,
    per_second: Spread,
    slowest_second: Spread,
    /// The journal alone, with frames of the same sizes.
    limit_per_second: Spread,
    limit_p99_ms: Spread,
    limit_max_ms: Spread,
    /// Ours against the journal alone, round by round.
    limit_ratio: Spread,
    p50_ms: Spread,
    p99_ms: Spread,
    p999_ms: Spread,
    max_ms: Spread,
    /// The longest time without any answer.
    longest_gap_ms: Spread,
    /// Of all threads but the load's, until the archive had caught up.
    cpu_us_each: Spread,
    load_cpu_us_each: Spread,
    /// Share of one core by thread during the round, the busiest first.
    threads: Vec<(String, Spread)>,
    journal_bytes_each: Spread,
    /// Everything written: journal, zeros ahead of it, history, index of ids, archive; of a server its replies too.
    written_bytes_each: Spread,
    each_per_sync: Spread,
    /// Share of the round in which the load waited for its own generator.
    starved: Spread,
    behind_seconds: Spread,
    resident_mib: Spread,
    /// Per second, round by round.
    rounds: Vec<f64>,
}

/// What the watcher saw, in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Watched {
    reads: u64,
    visible_p50_ms: f64,
    visible_max_ms: f64,
    statement_p50_ms: f64,
    statement_max_ms: f64,
}

impl Watched {
    pub(super) fn of(lag: &Lag) -> Watched {
        Watched {
            reads: lag.visible.count(),
            visible_p50_ms: lag.visible.quantile_ms(0.5),
            visible_max_ms: lag.visible.max_ms(),
            statement_p50_ms: lag.asked.quantile_ms(0.5),
            statement_max_ms: lag.asked.max_ms(),
        }
    }
}

/// The first side against the second, round by round, where there are two.
pub(super) fn hot_ratio(sides: &[SideFigures]) -> Option<Spread> {
    let [hot, uniform] = sides else { return None };
    Some(Spread::of(hot.rounds.iter().zip(&uniform.rounds).map(|(hot, uniform)| hot / uniform)))
}

/// A side's figures.
pub(super) fn figures(side: &Side, rounds: &[Round]) -> SideFigures {
    let spread = |figure: &dyn Fn(&Round) -> f64| Spread::of(rounds.iter().map(figure));
    let each = |sum: u64, round: &Round| sum as f64 / round.driven.done.max(1) as f64;
    let quantile = |share: f64| spread(&|round| round.driven.batches.quantile_ms(share));
    let bytes = |round: &Round| round.frames.iter().map(|size| size.bytes as u64).sum();
    SideFigures {
        side: side.name,
        goal_per_second: side.goal,
        per_second: spread(&|round| round.driven.per_second()),
        slowest_second: spread(&|round| round.driven.slowest_second()),
        limit_per_second: spread(&Round::limit_per_second),
        limit_p99_ms: spread(&|round| round.limit.frames.quantile_ms(0.99)),
        limit_max_ms: spread(&|round| round.limit.frames.max_ms()),
        limit_ratio: spread(&|round| round.driven.per_second() / round.limit_per_second()),
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
        p999_ms: quantile(0.999),
        max_ms: spread(&|round| Histogram::max_ms(&round.driven.batches)),
        longest_gap_ms: spread(&|round| round.driven.longest_gap.as_secs_f64() * 1e3),
        cpu_us_each: spread(&|round| each(round.used.cpu_us.saturating_sub(round.used.own_us()), round)),
        load_cpu_us_each: spread(&|round| each(round.used.own_us(), round)),
        threads: threads(rounds),
        journal_bytes_each: spread(&|round| each(bytes(round), round)),
        written_bytes_each: spread(&|round| each(round.used.written, round)),
        each_per_sync: spread(&|round| round.driven.done as f64 / round.frames.len().max(1) as f64),
        starved: spread(&|round| round.driven.starved.as_secs_f64() / round.driven.elapsed.as_secs_f64()),
        behind_seconds: spread(&|round| round.behind.as_secs_f64()),
        resident_mib: spread(&|round| round.resident as f64 / f64::from(1 << 20)),
        rounds: rounds.iter().map(|round| round.driven.per_second()).collect(),
    }
}

/// The shares of the threads of the first round, over all rounds.
fn threads(rounds: &[Round]) -> Vec<(String, Spread)> {
    let share = |round: &Round, name: &str| {
        let us = round.busy.by_thread.iter().find(|(thread, _)| thread == name).map_or(0, |(_, us)| *us);
        us as f64 / 1e6 / round.driven.elapsed.as_secs_f64()
    };
    let names = rounds.first().into_iter().flat_map(|round| &round.busy.by_thread);
    names.map(|(name, _)| (name.clone(), Spread::of(rounds.iter().map(|round| share(round, name))))).collect()
}

impl Report {
    pub(super) fn print(&self, form: Form) -> anyhow::Result<()> {
        if let Form::Json = form {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        figures::print_head(self.workload, &self.machine);
        println!("{}\n", self.setting);
        self.print_rates();
        self.print_costs();
        if let Some(ratio) = &self.hot_ratio {
            println!("the hot account against uniform: {}; goal ≥ {GOAL_HOT}", ratio.text());
        }
        if let Some(seen) = &self.watched {
            println!(
                "{} entries read back: visible {:.1} ms after the answer at the median, {:.1} ms at most (goal ≤ {GOAL_VISIBLE_MS}); \
                 a statement took {:.1} ms, {:.1} ms at most",
                seen.reads,
                seen.visible_p50_ms,
                seen.visible_max_ms,
                seen.statement_p50_ms,
                seen.statement_max_ms
            );
        }
        println!(
            "goals: ≤ {GOAL_BYTES} bytes of journal each, a lone one ≤ {GOAL_LONE_MS} ms at the median, \
             no {GOAL_STALL_MS} ms without an answer"
        );
        Ok(())
    }

    fn print_rates(&self) {
        let mut rates = Table::new(&[
            "side",
            "per second",
            "goal",
            "slowest second",
            "journal alone",
            "ratio",
            "each per sync",
        ]);
        let mut times = Table::new(&[
            "side",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "longest gap ms",
            "journal alone p99 ms",
            "journal alone max ms",
        ]);
        for side in &self.sides {
            rates.row(&[
                side.side.to_owned(),
                side.per_second.text(),
                side.goal_per_second.map_or_else(String::new, |goal| format!("{goal:.0}")),
                side.slowest_second.text(),
                side.limit_per_second.text(),
                side.limit_ratio.text(),
                side.each_per_sync.text(),
            ]);
            times.row(&[
                side.side.to_owned(),
                side.p50_ms.text(),
                side.p99_ms.text(),
                side.p999_ms.text(),
                side.max_ms.text(),
                side.longest_gap_ms.text(),
                side.limit_p99_ms.text(),
                side.limit_max_ms.text(),
            ]);
        }
        println!("{}\n{}", rates.text(), times.text());
    }

    fn print_costs(&self) {
        let mut costs = Table::new(&[
            "side",
            "CPU µs each",
            "load's CPU µs each",
            "journal bytes each",
            "written bytes each",
            "waited for the load",
            "behind s",
            "resident MiB",
        ]);
        let mut threads = Table::new(&["side", "thread", "share of a core"]);
        for side in &self.sides {
            costs.row(&[
                side.side.to_owned(),
                side.cpu_us_each.text(),
                side.load_cpu_us_each.text(),
                side.journal_bytes_each.text(),
                side.written_bytes_each.text(),
                side.starved.text(),
                side.behind_seconds.text(),
                side.resident_mib.text(),
            ]);
            for (name, share) in &side.threads {
                let whose = if name.starts_with(OWN_PREFIX) { "the load's: " } else { "" };
                threads.row(&[side.side.to_owned(), format!("{whose}{name}"), share.text()]);
            }
        }
        println!("{}\n{}", costs.text(), threads.text());
    }
}
