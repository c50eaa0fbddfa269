//! Every call that leaves: what it rests on must be durable, and nobody is asked the same thing twice at once.

use std::collections::{BTreeMap, BTreeSet};

use transaction::{Call, Decision};

use super::Auditor;
use crate::violation::{Judged, Must};

/// Calls under way to one participant at once, as the engine is configured here.
pub(crate) const CONCURRENCY: usize = 6;

/// The calls of the running process.
#[derive(Default)]
pub(super) struct Calls {
    under_way: BTreeSet<(String, String, &'static str)>,
    by_participant: BTreeMap<String, usize>,
    pub(super) sent: u64,
}

impl Calls {
    pub(super) fn process_ended(&mut self) {
        self.under_way.clear();
        self.by_participant.clear();
    }
}

fn named(call: &Call) -> (String, String, &'static str) {
    (call.transaction.to_string(), call.branch.to_string(), call.operation)
}

impl Auditor {
    /// A call leaves for a participant.
    pub(crate) fn called(&mut self, call: &Call, participant: &str) -> Judged {
        let what = || format!("{} of {}/{} is called", call.operation, call.transaction, call.branch);
        let Some(book) = self.books.transaction_of(&call.transaction) else {
            return false.must("P2", || format!("{}, before the transaction is durable", what()));
        };
        let decided = book.decided.map(|(_, decision)| decision);
        let needed = match call.operation {
            "try" | "action" | "prepare" | "check" => None,
            "confirm" | "deliver" | "commit" => Some(Decision::Confirm),
            _ => Some(Decision::Cancel),
        };
        (decided == needed)
            .must("P2", || format!("{}, but the decision that is durable is {decided:?}", what()))?;
        book.finished.is_none().must("P8", || format!("{}, but it is final", what()))?;
        self.calls.sent += 1;
        let fresh = self.calls.under_way.insert(named(call));
        fresh.must("P10", || format!("{} while the same call is under way", what()))?;
        let under_way = self.calls.by_participant.entry(participant.to_owned()).or_default();
        *under_way += 1;
        let count = *under_way;
        (count <= CONCURRENCY).must("P27", || format!("{count} calls to {participant} are under way"))
    }

    /// The engine heard of a call.
    pub(crate) fn heard(&mut self, call: &Call, participant: &str) {
        if self.calls.under_way.remove(&named(call))
            && let Some(count) = self.calls.by_participant.get_mut(participant)
        {
            *count -= 1;
        }
    }
}
