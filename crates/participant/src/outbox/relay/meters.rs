//! What a relay did since its start, and how much there is, as Prometheus text.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::outbox::Backlog;

/// One kind of thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A row was accepted.
    Sent,
    /// An attempt failed.
    Failed,
    /// A row became a dead letter.
    Dead,
    /// The database failed.
    Fault,
}

const NAMES: [(Counted, &str); 4] = [
    (Counted::Sent, "sent"),
    (Counted::Failed, "failed"),
    (Counted::Dead, "dead"),
    (Counted::Fault, "fault"),
];

/// The counters of a relay.
#[derive(Debug, Default)]
pub struct Meters {
    counters: [AtomicU64; NAMES.len()],
}

impl Meters {
    /// Counts so many.
    pub fn count(&self, counted: Counted, many: u64) {
        if let Some(counter) = self.counter(counted) {
            counter.fetch_add(many, Ordering::Relaxed);
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn get(&self, counted: Counted) -> u64 {
        self.counter(counted).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// As Prometheus text: the counter `tercet_outbox_total` by `what`, and gauges of what the table holds.
    #[must_use]
    pub fn prometheus(&self, backlog: &Backlog) -> String {
        let mut text = String::from("# TYPE tercet_outbox_total counter\n");
        for (counted, name) in NAMES {
            let _ = writeln!(text, "tercet_outbox_total{{what=\"{name}\"}} {}", self.get(counted));
        }
        let oldest = backlog.oldest_ms as f64 / 1000.0;
        let _ =
            writeln!(text, "# TYPE tercet_outbox_waiting gauge\ntercet_outbox_waiting {}", backlog.waiting);
        let _ = writeln!(text, "# TYPE tercet_outbox_dead gauge\ntercet_outbox_dead {}", backlog.dead);
        let _ = writeln!(
            text,
            "# TYPE tercet_outbox_oldest_waiting_seconds gauge\ntercet_outbox_oldest_waiting_seconds {oldest}"
        );
        text
    }

    fn counter(&self, counted: Counted) -> Option<&AtomicU64> {
        self.counters.get(NAMES.iter().position(|(it, _)| *it == counted)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let meters = Meters::default();
        meters.count(Counted::Sent, 3);
        meters.count(Counted::Dead, 1);
        let text = meters.prometheus(&Backlog { waiting: 5, oldest_ms: 1_500, dead: 2 });
        for line in [
            "tercet_outbox_total{what=\"sent\"} 3",
            "tercet_outbox_total{what=\"dead\"} 1",
            "tercet_outbox_total{what=\"failed\"} 0",
            "tercet_outbox_waiting 5",
            "tercet_outbox_dead 2",
            "tercet_outbox_oldest_waiting_seconds 1.5",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }
}
