//! What is due when: one ordered set. Setting, moving and dropping a timer costs O(log n), also with millions open.

use std::collections::BTreeSet;

use transaction::Time;

/// What a timer wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A transaction, by number: a deadline, the end of a window, a repeated call.
    Transaction(u64),
    /// A held answer, by its id.
    Waiter(u64),
}

/// The timers of one partition. An entry is named by its time and what it wakes, so it can be dropped exactly.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    set: BTreeSet<(Time, Due)>,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Time, due: Due) {
        self.set.insert((at, due));
    }

    pub(crate) fn drop(&mut self, at: Time, due: Due) {
        self.set.remove(&(at, due));
    }

    /// The earliest time at which something is due.
    pub(crate) fn next_at(&self) -> Option<Time> {
        self.set.first().map(|(at, _)| *at)
    }

    /// Takes the next timer that is due at `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<Due> {
        let first = self.set.first()?;
        if first.0 > now {
            return None;
        }
        self.set.pop_first().map(|(_, due)| due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_in_order_and_forgets_what_was_dropped() {
        let mut timers = Timers::default();
        for n in [5, 1, 3, 2, 4] {
            timers.set(Time(n * 10), Due::Transaction(u64::try_from(n).unwrap()));
        }
        timers.drop(Time(20), Due::Transaction(2));
        assert_eq!(timers.next_at(), Some(Time(10)));
        let woken: Vec<Due> = std::iter::from_fn(|| timers.pop(Time(40))).collect();
        assert_eq!(woken, [1, 3, 4].map(Due::Transaction));
        assert_eq!(timers.next_at(), Some(Time(50)));
    }
}
