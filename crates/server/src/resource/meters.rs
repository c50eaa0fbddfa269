//! What is measured of resources: replies by operation, and whether what a resource stands on can be used.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use transaction::Reply;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReplyLabels {
    resource: String,
    operation: &'static str,
    reply: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SourceLabels {
    source: String,
}

/// The meters of all resources.
#[derive(Debug, Default)]
pub(super) struct ResourceMeters {
    replies: Family<ReplyLabels, Counter>,
    ready: Family<SourceLabels, Gauge>,
    drift: Family<SourceLabels, Gauge>,
}

impl ResourceMeters {
    /// Names them in `registry`.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("resource_replies", "Replies of resources to branch calls", self.replies.clone());
        registry.register("source_ready", "1: the source answers and has its tables", self.ready.clone());
        registry.register("redis_drift", "Units by which Redis and the journal differ", self.drift.clone());
    }

    /// By how many units Redis and the journal differ.
    pub(super) fn show_drift(&self, source: &str, drift: u64) {
        let drift = i64::try_from(drift).unwrap_or(i64::MAX);
        self.drift.get_or_create(&SourceLabels { source: source.to_owned() }).set(drift);
    }

    pub(super) fn replied(&self, (resource, operation): (&str, &'static str), reply: &Reply) {
        let reply = match reply {
            Reply::Done { .. } => "done",
            Reply::Refused { .. } => "refused",
            Reply::InProgress => "in_progress",
            Reply::Unknown { .. } => "unknown",
        };
        self.replies.get_or_create(&ReplyLabels { resource: resource.to_owned(), operation, reply }).inc();
    }

    pub(super) fn show_ready(&self, source: &str, is_ready: i64) {
        self.ready.get_or_create(&SourceLabels { source: source.to_owned() }).set(is_ready);
    }
}
