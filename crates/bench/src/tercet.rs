//! The coordinator under measurement: the shipped binary as a process of its own, on a folder of its own.
//!
//! It is only ever spoken to as a user would: flags, the ready line, HTTP, /metrics. Read next: `process.rs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::process::{self, Process};
use crate::scrape::Metrics;

/// How long the archive may take to catch up after a round.
const SETTLE_WITHIN: Duration = Duration::from_secs(120);

/// Which binary is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Which {
    /// Measures another tercet binary than this one
    #[arg(long, value_name = "FILE")]
    tercet: Option<PathBuf>,
}

impl Which {
    /// Starts it on `data`; its log goes beside that folder.
    pub(crate) fn serve(&self, data: &Path) -> anyhow::Result<Tercet> {
        self.serve_with(data, &[])
    }

    /// As [`Which::serve`], with further flags.
    pub(crate) fn serve_with(&self, data: &Path, flags: &[&str]) -> anyhow::Result<Tercet> {
        let program = self.tercet.clone().map_or_else(process::this_program, Ok)?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(data);
        command.args(["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]).args(flags);
        let process = Process::start(command, &data.with_extension("log"))?;
        let (address, grpc) = (address(&process.ready, "http=")?, address(&process.ready, "grpc=")?);
        Ok(Tercet { process, address, grpc })
    }
}

/// A serving coordinator.
#[derive(Debug)]
pub(crate) struct Tercet {
    pub(crate) process: Process,
    /// Where it serves HTTP.
    pub(crate) address: SocketAddr,
    /// Where it serves gRPC.
    pub(crate) grpc: SocketAddr,
}

impl Tercet {
    pub(crate) fn open_transactions(&self) -> anyhow::Result<u64> {
        Metrics::of(self.address)?.sum("tercet_transactions_open")
    }
}

/// The latest durable event.
pub(crate) fn durable(address: SocketAddr) -> anyhow::Result<u64> {
    Metrics::of(address)?.sum("tercet_journal_durable_sequence")
}

/// Journal syncs so far.
pub(crate) fn syncs(address: SocketAddr) -> anyhow::Result<u64> {
    Metrics::of(address)?.sum("tercet_journal_sync_seconds_count")
}

/// Waits until the archive holds what the journal holds, so that work put off is not done in another side's round;
/// answers how long that took, or `None` when it took too long.
pub(crate) fn settle(address: SocketAddr) -> anyhow::Result<Option<Duration>> {
    let begun = Instant::now();
    while begun.elapsed() < SETTLE_WITHIN {
        let metrics = Metrics::of(address)?;
        if metrics.sum("tercet_archive_sequence")? >= metrics.sum("tercet_journal_durable_sequence")? {
            return Ok(Some(begun.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

/// Reads one address of `http=HOST:PORT grpc=HOST:PORT`.
fn address(ready: &str, which: &str) -> anyhow::Result<SocketAddr> {
    let found = ready.split(' ').find_map(|word| word.strip_prefix(which));
    let found = found.with_context(|| format!("no {which} in the ready line: {ready}"))?;
    found.parse().with_context(|| format!("not an address: {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_names_the_addresses() {
        let ready = "http=127.0.0.1:81 grpc=127.0.0.1:82";
        assert_eq!(address(ready, "http=").unwrap().port(), 81);
        assert_eq!(address(ready, "grpc=").unwrap().port(), 82);
        assert!(address("grpc=127.0.0.1:82", "http=").is_err());
    }
}
