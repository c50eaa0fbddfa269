//! The engine's settings, each with the default that holds when nothing is said.

use std::collections::BTreeMap;

use transaction::Limits;

/// Settings of one engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Limits of one transaction.
    pub limits: Limits,
    /// Requests that may wait for the partition; beyond it `overloaded`.
    pub queue: usize,
    /// Open transactions; beyond it new ones are refused as `overloaded`.
    pub open_max: usize,
    /// Bytes that transactions in memory may hold; beyond it new ones and new branches are refused as `overloaded`.
    pub open_bytes: usize,
    /// Requests held open by `wait_ms`; beyond it they are answered at once.
    pub waiters_max: usize,
    /// Frames sealed but not yet durable.
    pub frames_in_flight: usize,
    /// Bytes of events after which a frame is sealed.
    pub frame_bytes: usize,
    /// What each participant may be asked at once.
    pub participant: ParticipantLimits,
    /// Exceptions by `host:port`.
    pub participants: BTreeMap<String, ParticipantLimits>,
    /// Calls under way to all participants together.
    pub calls_max: usize,
    /// How long finished transactions (and idempotency keys) are kept, in milliseconds; `None`: for ever.
    pub retention_ms: Option<u64>,
    /// Ids of the ledger in memory before they become a run of the index on disk.
    pub ids_in_memory: usize,
    /// Bytes of the ledger's history after which a new sweep of its live state begins.
    pub sweep_bytes: u64,
    /// Seeds the jitter of retries.
    pub seed: u64,
}

/// What one participant may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantLimits {
    /// Calls under way at once.
    pub concurrency: usize,
    /// Calls that wait for a place; what comes beyond is put off, not lost.
    pub queue: usize,
    /// Calls started per second; 0: unlimited.
    pub rate: u32,
    /// Repeats may be at most this share of first attempts, in percent, plus ten a second, while they are not answered.
    pub retry_percent: u32,
    /// Failures in a row that open the breaker.
    pub breaker_failures: u32,
    /// How long an open breaker waits before its first probes, in milliseconds; doubles up to 5 s while probes fail.
    pub breaker_ms: u64,
}

impl Default for ParticipantLimits {
    fn default() -> Self {
        ParticipantLimits {
            concurrency: 128,
            queue: 20_000,
            rate: 0,
            retry_percent: 20,
            breaker_failures: 20,
            breaker_ms: 1_000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            queue: 10_000,
            open_max: 5_000_000,
            open_bytes: 4 * 1024 * 1024 * 1024,
            waiters_max: 5_000,
            frames_in_flight: 1,
            frame_bytes: 4 * 1024 * 1024,
            participant: ParticipantLimits::default(),
            participants: BTreeMap::new(),
            calls_max: 2_048,
            retention_ms: Some(30 * 24 * 60 * 60 * 1000),
            ids_in_memory: 1 << 20,
            sweep_bytes: 64 * 1024 * 1024,
            seed: 0,
        }
    }
}
