//! What one run found, and the table of all runs.
//!
//! Figures are printed as measured, one row per run: a reader takes ratios within one series. Next: `cut.rs`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Nanoseconds: the median, the 99th percentile and the longest.
#[derive(Default, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl Spread {
    pub(crate) fn of(mut took: Vec<Duration>) -> Spread {
        took.sort_unstable();
        let at = |part: usize| took.get((took.len().saturating_sub(1)) * part / 100).map_or(0, nanos);
        Spread { p50: at(50), p99: at(99), max: at(100) }
    }

    fn micros(self) -> String {
        format!("{:.1} / {:.1}", self.p50 as f64 / 1e3, self.p99 as f64 / 1e3)
    }
}

fn nanos(took: &Duration) -> u64 {
    took.as_nanos() as u64
}

/// The reopening after a kill: seconds until the first read answered, batches found whole.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Reopened {
    pub(crate) seconds: f64,
    pub(crate) batches_applied: u64,
}

/// What one run found. Per transaction: CPU in µs, bytes on disk, bytes written.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) store: String,
    pub(crate) count: u64,
    pub(crate) per_second: f64,
    pub(crate) cpu_us: f64,
    pub(crate) longest_stall_ms: f64,
    /// The process's own memory just after the ingest, mapped files apart.
    pub(crate) memory_mib: f64,
    pub(crate) disk_bytes: f64,
    pub(crate) written_bytes: f64,
    /// Lookup of an id that is not there, nothing else going on.
    pub(crate) absent: Spread,
    /// The same while another thread ingests.
    pub(crate) absent_busy: Spread,
    /// Lookup of an id that is there.
    pub(crate) present: Spread,
    /// All chunks of one transaction.
    pub(crate) chunks: Spread,
    /// The newest 100 summaries.
    pub(crate) scan: Spread,
    pub(crate) reopened: Option<Reopened>,
}

const HEAD: &str = "| store | transactions | per second | CPU µs each | longest stall ms | memory MiB | disk B each | written B each \
| absent id µs p50 / p99 | the same while ingesting; longest ms | present id µs | chunks µs | scan of 100 µs \
| reopen after kill s |";

/// Prints the findings as a Markdown table.
pub(crate) fn print(findings: &[Finding]) {
    println!("{HEAD}\n|{}", " --- |".repeat(HEAD.matches('|').count() - 1));
    for finding in findings {
        println!(
            "| {} | {} | {:.0} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {}; {:.1} | {} | {} | {} | {:.3} |",
            finding.store,
            finding.count,
            finding.per_second,
            finding.cpu_us,
            finding.longest_stall_ms,
            finding.memory_mib,
            finding.disk_bytes,
            finding.written_bytes,
            finding.absent.micros(),
            finding.absent_busy.micros(),
            finding.absent_busy.max as f64 / 1e6,
            finding.present.micros(),
            finding.chunks.micros(),
            finding.scan.micros(),
            finding.reopened.map_or(f64::NAN, |reopened| reopened.seconds),
        );
    }
}
