//! What the barrier had to deal with, counted since the start of the process.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use transaction::barrier::Hazard;

use super::Entry;

/// One kind of thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A business change was made and committed.
    Run,
    /// A business change was refused by the business.
    Refused,
    /// There was nothing to undo.
    Void,
    /// An operation came again and got its first answer.
    Duplicate,
    /// An operation came again with another body.
    Mismatch,
    /// The barrier refused.
    Hazard(Hazard),
    /// A local transaction was run again because of others.
    Contention,
    /// A fault: the caller was told neither done nor refused.
    Fault,
}

const PLAIN: [(Counted, &str); 7] = [
    (Counted::Run, "run"),
    (Counted::Refused, "refused"),
    (Counted::Void, "void"),
    (Counted::Duplicate, "duplicate"),
    (Counted::Mismatch, "content_mismatch"),
    (Counted::Contention, "contention"),
    (Counted::Fault, "fault"),
];

/// The counters of a barrier.
#[derive(Debug, Default)]
pub struct Meters {
    plain: [AtomicU64; PLAIN.len()],
    hazards: [AtomicU64; Hazard::ALL.len()],
}

impl Meters {
    /// Counts one.
    pub fn count(&self, counted: Counted) {
        if let Some(counter) = self.counter(counted) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn get(&self, counted: Counted) -> u64 {
        self.counter(counted).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// As Prometheus text: one counter, `tercet_barrier_total`, by `what`.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut text = String::from("# TYPE tercet_barrier_total counter\n");
        let plain = PLAIN.iter().map(|(counted, name)| (*counted, *name));
        let hazards = Hazard::ALL.iter().map(|hazard| (Counted::Hazard(*hazard), hazard.name()));
        for (counted, name) in plain.chain(hazards) {
            let _ = writeln!(text, "tercet_barrier_total{{what=\"{name}\"}} {}", self.get(counted));
        }
        text
    }

    fn counter(&self, counted: Counted) -> Option<&AtomicU64> {
        match counted {
            Counted::Hazard(hazard) => {
                let at = Hazard::ALL.iter().position(|it| *it == hazard)?;
                self.hazards.get(at)
            }
            plain => self.plain.get(PLAIN.iter().position(|(it, _)| *it == plain)?),
        }
    }
}

impl Counted {
    /// What an entry counts as; `None` where that is known later.
    #[must_use]
    pub fn entry(entry: &Entry) -> Option<Counted> {
        match entry {
            Entry::Run => None,
            Entry::Void(_) => Some(Counted::Void),
            Entry::Repeat(_) => Some(Counted::Duplicate),
            Entry::Mismatch(_) => Some(Counted::Mismatch),
            Entry::Refuse(hazard) => Some(Counted::Hazard(*hazard)),
            Entry::Contended => Some(Counted::Contention),
        }
    }
}
