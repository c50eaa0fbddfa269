//! What the engine measures, as Prometheus metrics in a registry of its own. Counting decides nothing.

use std::sync::atomic::{AtomicI64, AtomicU64};

use journal::Space;
use ledger::Results;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use transaction::{Refusal, RefusalKind};

/// Upper bounds of latency histograms, in seconds.
#[derive(Debug)]
pub struct Bounds;

impl Bounds {
    /// From 0.1 ms to 30 s.
    pub const SECONDS: [f64; 17] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
        10.0, 30.0,
    ];
    /// From 1 to 16,384 events a frame.
    pub const EVENTS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0];
}

/// Labels: pattern and state.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct StateLabels {
    /// The pattern.
    pub pattern: &'static str,
    /// The state.
    pub state: &'static str,
}

/// Labels: participant.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ParticipantLabels {
    /// `host:port`.
    pub participant: String,
}

/// Labels: participant, operation and reply.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CallLabels {
    /// `host:port`.
    pub participant: String,
    /// The operation's wire name.
    pub operation: &'static str,
    /// `done`, `refused`, `in_progress` or `unknown`.
    pub reply: &'static str,
}

/// Labels: why new work was refused.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ShedLabels {
    /// The refusal's code.
    pub code: &'static str,
}

/// Labels: what became of a member of a ledger request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct MemberLabels {
    /// `posted`, `held` and so on, or the refusal's code.
    pub outcome: &'static str,
}

type ByParticipant<M> = Family<ParticipantLabels, M>;

/// The engine's meters; cheap to share, never reset.
#[derive(Debug)]
pub struct Meters {
    /// Open transactions by pattern and state.
    pub open: Family<StateLabels, Gauge>,
    /// Transactions that became final, by pattern and state.
    pub finished: Family<StateLabels, Counter>,
    /// Open transactions that need attention.
    pub attention: Gauge,
    /// Creation time of the oldest open transaction, seconds since the epoch; 0: none.
    pub oldest: Gauge,
    /// Bytes that transactions in memory hold.
    pub open_bytes: Gauge,
    /// Requests that wait for the partition.
    pub queue: Gauge<i64, AtomicI64>,
    /// Requests held open until their transaction is final.
    pub waiters: Gauge,
    /// Requests refused, by code.
    pub shed: Family<ShedLabels, Counter>,
    /// Members of ledger requests, by what became of them.
    pub members: Family<MemberLabels, Counter>,
    /// Bytes of the ledger's history.
    pub history_bytes: Gauge<u64, AtomicU64>,
    /// Full windows of ids that wait to be written.
    pub id_windows: Gauge,
    /// Events a frame.
    pub frame_events: Histogram,
    /// Seconds to make one frame durable.
    pub sync_seconds: Histogram,
    /// Events kept.
    pub events: Counter,
    /// The latest durable sequence.
    pub durable: Gauge<u64, AtomicU64>,
    /// The latest sequence in the archive.
    pub archived: Gauge<u64, AtomicU64>,
    /// 0 ample, 1 reserve, 2 full.
    pub storage: Gauge,
    /// Calls answered, by participant, operation and reply.
    pub calls: Family<CallLabels, Counter>,
    /// Seconds of a call.
    pub call_seconds: ByParticipant<Histogram>,
    /// Repeated calls.
    pub retries: ByParticipant<Counter>,
    /// Calls put off because the queue was full.
    pub put_off: ByParticipant<Counter>,
    /// Calls waiting for a place.
    pub call_queue: ByParticipant<Gauge>,
    /// Calls under way.
    pub in_flight: ByParticipant<Gauge>,
    /// 0 closed, 1 half open, 2 open.
    pub breaker: ByParticipant<Gauge>,
}

impl Default for Meters {
    fn default() -> Self {
        Meters {
            open: Family::default(),
            finished: Family::default(),
            attention: Gauge::default(),
            oldest: Gauge::default(),
            open_bytes: Gauge::default(),
            queue: Gauge::default(),
            waiters: Gauge::default(),
            shed: Family::default(),
            members: Family::default(),
            history_bytes: Gauge::default(),
            id_windows: Gauge::default(),
            frame_events: Histogram::new(Bounds::EVENTS),
            sync_seconds: Histogram::new(Bounds::SECONDS),
            events: Counter::default(),
            durable: Gauge::default(),
            archived: Gauge::default(),
            storage: Gauge::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(|| Histogram::new(Bounds::SECONDS)),
            retries: Family::default(),
            put_off: Family::default(),
            call_queue: Family::default(),
            in_flight: Family::default(),
            breaker: Family::default(),
        }
    }
}

impl Meters {
    /// Drops what is counted under a participant's name, so that names that are gone take no room.
    pub(crate) fn forget(&self, participant: &str) {
        let labels = ParticipantLabels { participant: participant.to_owned() };
        for gauge in [&self.call_queue, &self.in_flight, &self.breaker] {
            gauge.remove(&labels);
        }
        self.call_seconds.remove(&labels);
        self.retries.remove(&labels);
        self.put_off.remove(&labels);
        for operation in ["try", "confirm", "cancel", "action", "compensate", "deliver", "check", ""] {
            for reply in ["done", "refused", "in_progress", "unknown"] {
                self.calls.remove(&CallLabels { participant: participant.to_owned(), operation, reply });
            }
        }
    }

    /// Counts a request refused because of load or space, and makes the refusal.
    pub(crate) fn shed(&self, kind: &'static RefusalKind, detail: &str) -> Refusal {
        self.shed.get_or_create(&ShedLabels { code: kind.code }).inc();
        kind.because(detail)
    }

    /// Counts what became of the members of a ledger request.
    pub(crate) fn members(&self, results: &Results) {
        let mut counted: Vec<(&'static str, u64)> = Vec::new();
        for result in results {
            let outcome =
                result.as_ref().map_or_else(|refusal| refusal.kind.code, |outcome| outcome.done.name());
            match counted.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, count)) => *count += 1,
                None => counted.push((outcome, 1)),
            }
        }
        for (outcome, count) in counted {
            self.members.get_or_create(&MemberLabels { outcome }).inc_by(count);
        }
    }

    /// Shows how much room there is on the disk.
    pub(crate) fn show_space(&self, space: Space) {
        self.storage.set(match space {
            Space::Ample => 0,
            Space::Reserve => 1,
            Space::Full => 2,
        });
    }

    /// Names every meter in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("transactions_open", "Open transactions", self.open.clone());
        registry.register("transactions_finished", "Transactions that became final", self.finished.clone());
        registry.register(
            "transactions_attention",
            "Open transactions that need attention",
            self.attention.clone(),
        );
        registry.register(
            "transactions_oldest_timestamp_seconds",
            "When the oldest open transaction was begun; 0: none",
            self.oldest.clone(),
        );
        registry.register(
            "transactions_memory_bytes",
            "Bytes that transactions in memory hold",
            self.open_bytes.clone(),
        );
        registry.register("partition_queue", "Requests that wait for the partition", self.queue.clone());
        registry.register(
            "partition_waiters",
            "Requests held open until their transaction is final",
            self.waiters.clone(),
        );
        registry.register("requests_shed", "Requests refused because of load or space", self.shed.clone());
        registry.register("ledger_members", "Members of ledger requests, by outcome", self.members.clone());
        registry.register(
            "ledger_history_bytes",
            "Bytes of the ledger's history",
            self.history_bytes.clone(),
        );
        registry.register(
            "ledger_id_windows",
            "Windows of ids that wait to be written",
            self.id_windows.clone(),
        );
        registry.register("journal_frame_events", "Events in a frame", self.frame_events.clone());
        registry.register("journal_sync_seconds", "Time to make a frame durable", self.sync_seconds.clone());
        registry.register("journal_events", "Events kept", self.events.clone());
        registry.register("journal_durable_sequence", "Latest durable sequence", self.durable.clone());
        registry.register("archive_sequence", "Latest sequence in the archive", self.archived.clone());
        registry.register(
            "journal_storage",
            "Room on disk: 0 ample, 1 reserve, 2 full",
            self.storage.clone(),
        );
        registry.register("calls", "Branch calls answered", self.calls.clone());
        registry.register("call_seconds", "Time of a branch call", self.call_seconds.clone());
        registry.register("call_retries", "Branch calls that repeat another", self.retries.clone());
        registry.register(
            "calls_put_off",
            "Branch calls put off because the queue was full",
            self.put_off.clone(),
        );
        registry.register("call_queue", "Branch calls that wait for a place", self.call_queue.clone());
        registry.register("calls_in_flight", "Branch calls under way", self.in_flight.clone());
        registry.register("breaker_state", "Breaker: 0 closed, 1 half open, 2 open", self.breaker.clone());
    }
}
