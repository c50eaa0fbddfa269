//! What each source has to deal with: its pool, what failed, how long things took. Counted since the process began, through
//! every reload, for as long as a source has its name.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::plan::Role;

/// Upper ends of the histograms' buckets, in microseconds; behind them is one without end.
const BOUNDS_US: [u64; 10] =
    [500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000];

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// No connection was free in time.
    Pool,
    /// A connection: not made, or broken.
    Connection,
    /// A statement.
    Statement,
    /// A local transaction was given up because of others.
    Contention,
}

const FAILED: [(Failed, &str); 4] = [
    (Failed::Pool, "pool"),
    (Failed::Connection, "connection"),
    (Failed::Statement, "statement"),
    (Failed::Contention, "contention"),
];

/// How long something took.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// The counters of one source.
#[derive(Debug, Default)]
pub(super) struct SourceMeters {
    failed: [AtomicU64; FAILED.len()],
    waiting: AtomicU64,
    draining: AtomicU64,
    outs: AtomicU64,
    /// How long connections were waited for.
    pub(super) acquiring: Histogram,
    /// How long they were used: a local transaction, or a reader.
    pub(super) working: Histogram,
}

/// How a source does at one instant.
#[derive(Clone, Debug)]
pub struct SourceSnapshot {
    /// Its name.
    pub source: String,
    /// What it may be used for.
    pub role: Role,
    /// Why it is out; `None`: it is in.
    pub out: Option<String>,
    /// How far behind it is, at most; `None`: not known.
    pub lag: Option<Duration>,
    /// Connections that are used.
    pub in_use: u64,
    /// Connections that are not.
    pub idle: u64,
    /// The most there may be.
    pub max: u64,
    /// Who waits for a connection.
    pub waiting: u64,
    /// Pools of earlier plans that are not closed yet.
    pub draining: u64,
    /// How often it was taken out.
    pub outs: u64,
    /// What failed, by kind.
    pub failed: Vec<(Failed, u64)>,
    /// How long connections were waited for: the buckets' upper ends in seconds with how many were not above them, the sum
    /// in seconds, and how many there were.
    pub acquiring: Spread,
    /// How long they were used.
    pub working: Spread,
}

/// What a histogram holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Upper ends in seconds, and how many were not above them.
    pub buckets: Vec<(f64, u64)>,
    /// All together, in seconds.
    pub sum: f64,
    /// How many.
    pub count: u64,
}

impl Histogram {
    /// Adds one.
    pub(super) fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// What it holds now.
    #[must_use]
    pub(super) fn spread(&self) -> Spread {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BOUNDS_US.len());
        for (at, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            buckets.extend(BOUNDS_US.get(at).map(|bound| (seconds(*bound), count)));
        }
        Spread { buckets, sum: seconds(self.sum_us.load(Ordering::Relaxed)), count }
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// Someone waits, until this is dropped.
pub(super) struct Waiting<'m>(&'m SourceMeters);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SourceMeters {
    /// Counts one that failed.
    pub(super) fn fail(&self, failed: Failed) {
        if let Some(counter) =
            FAILED.iter().position(|(it, _)| *it == failed).and_then(|at| self.failed.get(at))
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    pub(super) fn went_out(&self) {
        self.outs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn drain_begins(&self) {
        self.draining.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn drain_ends(&self) {
        self.draining.fetch_sub(1, Ordering::Relaxed);
    }

    /// Fills in what is counted here.
    pub(super) fn fill(&self, snapshot: &mut SourceSnapshot) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        snapshot.waiting = load(&self.waiting);
        snapshot.draining = load(&self.draining);
        snapshot.outs = load(&self.outs);
        snapshot.failed =
            FAILED.iter().zip(&self.failed).map(|((it, _), count)| (*it, load(count))).collect();
        snapshot.acquiring = self.acquiring.spread();
        snapshot.working = self.working.spread();
    }
}

impl Spread {
    pub(super) fn none() -> Spread {
        Spread { buckets: Vec::new(), sum: 0.0, count: 0 }
    }
}

/// A gauge or counter: its name, its kind, and its value, where there is one.
type Figure = (&'static str, &'static str, fn(&SourceSnapshot) -> Option<f64>);

const FIGURES: [Figure; 9] = [
    ("tercet_source_up", "gauge", |it| Some(f64::from(u8::from(it.out.is_none())))),
    ("tercet_source_lag_seconds", "gauge", |it| it.lag.map(|lag| lag.as_secs_f64())),
    ("tercet_source_connections_in_use", "gauge", |it| Some(it.in_use as f64)),
    ("tercet_source_connections_idle", "gauge", |it| Some(it.idle as f64)),
    ("tercet_source_connections_max", "gauge", |it| Some(it.max as f64)),
    ("tercet_source_waiting", "gauge", |it| Some(it.waiting as f64)),
    ("tercet_source_draining_pools", "gauge", |it| Some(it.draining as f64)),
    ("tercet_source_outs_total", "counter", |it| Some(it.outs as f64)),
    ("tercet_source_acquired_total", "counter", |it| Some(it.acquiring.count as f64)),
];

/// As Prometheus text, by `source`.
pub(super) fn prometheus(snapshots: &[SourceSnapshot]) -> String {
    let mut text = String::new();
    for (name, kind, value) in FIGURES {
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for it in snapshots {
            let Some(value) = value(it) else { continue };
            let _ = writeln!(text, "{name}{{source=\"{}\",role=\"{}\"}} {value}", it.source, it.role.name());
        }
    }
    let _ = writeln!(text, "# TYPE tercet_source_errors_total counter");
    for it in snapshots {
        for (failed, count) in &it.failed {
            let what = FAILED.iter().find(|(known, _)| known == failed).map_or("", |(_, name)| name);
            let source = &it.source;
            let _ =
                writeln!(text, "tercet_source_errors_total{{source=\"{source}\",what=\"{what}\"}} {count}");
        }
    }
    histogram(&mut text, "tercet_source_acquire_seconds", snapshots, |it| &it.acquiring);
    histogram(&mut text, "tercet_source_work_seconds", snapshots, |it| &it.working);
    text
}

fn histogram(
    text: &mut String,
    name: &str,
    snapshots: &[SourceSnapshot],
    of: fn(&SourceSnapshot) -> &Spread,
) {
    let _ = writeln!(text, "# TYPE {name} histogram");
    for it in snapshots {
        let (source, Spread { buckets, sum, count }) = (&it.source, of(it));
        for (bound, below) in buckets {
            let _ = writeln!(text, "{name}_bucket{{source=\"{source}\",le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(text, "{name}_bucket{{source=\"{source}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "{name}_sum{{source=\"{source}\"}} {sum}");
        let _ = writeln!(text, "{name}_count{{source=\"{source}\"}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let meters = SourceMeters::default();
        meters.fail(Failed::Statement);
        meters.acquiring.observe(Duration::from_micros(500));
        meters.acquiring.observe(Duration::from_secs(60));
        let waiting = meters.wait();
        let mut snapshot = SourceSnapshot {
            source: "a".to_owned(),
            role: Role::Primary,
            out: None,
            lag: None,
            in_use: 2,
            idle: 1,
            max: 10,
            waiting: 0,
            draining: 0,
            outs: 0,
            failed: Vec::new(),
            acquiring: Spread::none(),
            working: Spread::none(),
        };
        meters.fill(&mut snapshot);
        drop(waiting);
        assert_eq!(meters.waiting.load(Ordering::Relaxed), 0);
        let text = prometheus(&[snapshot]);
        for line in [
            "tercet_source_up{source=\"a\",role=\"primary\"} 1",
            "tercet_source_connections_in_use{source=\"a\",role=\"primary\"} 2",
            "tercet_source_waiting{source=\"a\",role=\"primary\"} 1",
            "tercet_source_errors_total{source=\"a\",what=\"statement\"} 1",
            "tercet_source_errors_total{source=\"a\",what=\"pool\"} 0",
            "tercet_source_acquire_seconds_bucket{source=\"a\",le=\"0.0005\"} 1",
            "tercet_source_acquire_seconds_bucket{source=\"a\",le=\"5\"} 1",
            "tercet_source_acquire_seconds_bucket{source=\"a\",le=\"+Inf\"} 2",
            "tercet_source_acquire_seconds_sum{source=\"a\"} 60.0005",
            "tercet_source_work_seconds_count{source=\"a\"} 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        assert!(!text.contains("tercet_source_lag_seconds{"), "{text}");
    }
}
