//! Folds the journal's events once more, from the first one held, as a start without an archive would.
//!
//! It judges what the chain of hashes cannot: that every entry can be read and fits the state it came upon.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::entry::{Entry, EntryRef, Room};
use transaction::{Event, Kept, Transaction};

/// The fold under way.
#[derive(Debug, Default)]
pub(super) struct Replay {
    open: HashMap<u64, Transaction>,
    /// The last event was of this time; journal time never goes back.
    time: i64,
    /// The first event that is still in the journal.
    first: Option<u64>,
    pub(super) counts: Counts,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Transactions begun in what is left of the journal.
    pub(super) begun: u64,
    /// Final ones by pattern and state.
    pub(super) finished: BTreeMap<String, u64>,
    /// Events of transactions begun before the journal's first event: the archive alone has them whole.
    pub(super) headless: u64,
    /// Idempotency keys.
    pub(super) keys: u64,
    /// Replies to calls that came after their transaction was final.
    pub(super) late: u64,
}

impl Replay {
    /// Transactions that are not final.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Folds one entry, or says what is wrong with it.
    pub(super) fn entry(&mut self, sequence: u64, entry: &EntryRef<'_>) -> Result<(), String> {
        self.first.get_or_insert(sequence);
        if entry.room == Room::Ledger {
            return Ok(()); // `books.rs` judges these.
        }
        match entry.decode().map_err(|fault| fault.to_string())? {
            Entry::Event { kept, .. } => self
                .event(sequence, &kept)
                .map_err(|why| format!("event {sequence} of transaction {}: {why}", kept.number)),
            Entry::Ledger(_) | Entry::Topic(_) => Ok(()),
            Entry::Key(_) | Entry::Reply(_) => {
                self.counts.keys += 1;
                Ok(())
            }
        }
    }

    fn event(&mut self, sequence: u64, kept: &Kept) -> Result<(), String> {
        if kept.at.0 < self.time {
            return Err(format!(
                "its time {} is before that of the event before it, {}",
                kept.at.0, self.time
            ));
        }
        self.time = kept.at.0;
        if let Some((spec, trace)) = kept.event.begun() {
            if kept.number != sequence {
                return Err("a transaction's number is the sequence of its first event".to_owned());
            }
            self.counts.begun += 1;
            let begun = Transaction::begun(sequence, kept.at, (spec, trace));
            self.open.insert(sequence, begun);
            return Ok(());
        }
        let Some(transaction) = self.open.get_mut(&kept.number) else {
            return self.unknown(kept);
        };
        // An event that does not fit is a bug or a forgery; the fold stops at it, and here that is an answer.
        catch_unwind(AssertUnwindSafe(|| transaction.apply(sequence, kept.at, &kept.event))).map_err(
            |_| format!("it does not fit the state of the transaction, {}", transaction.state_name()),
        )?;
        if transaction.phase.is_final() {
            let name = format!("{} {}", transaction.spec.pattern.name(), transaction.state_name());
            *self.counts.finished.entry(name).or_default() += 1;
            self.open.remove(&kept.number);
        }
        Ok(())
    }

    /// An event of no open transaction: of one begun before the journal's first event, or a reply after the end.
    fn unknown(&mut self, kept: &Kept) -> Result<(), String> {
        if self.first.is_some_and(|first| kept.number < first) {
            self.counts.headless += 1;
            return Ok(());
        }
        match kept.event {
            Event::Replied { .. } => {
                self.counts.late += 1;
                Ok(())
            }
            _ => Err("the transaction was never begun, or is final already".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::entry;
    use transaction::{Decision, Mode, Order, Pattern, Retry, Spec, Time, Trace};

    use super::*;

    fn begun() -> Event {
        let spec = Spec {
            id: Arc::from("a"),
            pattern: Pattern::Tcc,
            mode: Mode::Interactive,
            order: Order::Parallel,
            deadline_ms: Some(1000),
            cooling_off_ms: 0,
            retry: Retry::default(),
            labels: Vec::new(),
            check: None,
            branches: Vec::new(),
            terms: None,
        };
        Event::Begun { spec: Arc::new(spec), trace: Trace::default() }
    }

    /// Folds events of (sequence, number, time).
    fn replayed(events: &[(u64, u64, i64, Event)]) -> (Replay, Result<(), String>) {
        let mut replay = Replay::default();
        let mut found = Ok(());
        for (sequence, number, at, event) in events {
            let mut payload = Vec::new();
            entry::push_event(&mut payload, *number, Time(*at), event);
            entry::read(&payload, *sequence, |sequence, entry| {
                found = replay.entry(sequence, &entry);
                Ok(())
            })
            .unwrap();
            if found.is_err() {
                break;
            }
        }
        (replay, found)
    }

    fn confirm() -> Event {
        Event::Decided { decision: Decision::Confirm, reason: None }
    }

    #[test]
    fn a_whole_history_is_counted() {
        let (replay, found) = replayed(&[
            (1, 1, 10, begun()),
            (2, 2, 10, begun()),
            (3, 1, 11, confirm()),
            (4, 1, 11, Event::Finished),
        ]);
        assert_eq!((found, replay.open(), replay.counts.begun), (Ok(()), 1, 2));
        assert_eq!(replay.counts.finished, BTreeMap::from([("tcc confirmed".to_owned(), 1)]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let cases = [
            (vec![(1, 1, 10, begun()), (2, 1, 9, confirm())], "its time 9 is before"),
            (vec![(2, 1, 10, begun())], "number is the sequence"),
            (vec![(1, 1, 10, begun()), (2, 2, 10, confirm())], "never begun"),
            (
                vec![(1, 1, 10, begun()), (2, 1, 10, confirm()), (3, 1, 10, confirm())],
                "does not fit the state",
            ),
            (
                vec![(1, 1, 10, begun()), (2, 1, 10, Event::Finished)],
                "does not fit the state of the transaction, trying",
            ),
        ];
        for (events, wanted) in cases {
            let found = replayed(&events).1.unwrap_err();
            assert!(found.contains(wanted), "{found}");
        }
        std::panic::set_hook(hook);
    }

    #[test]
    fn events_of_transactions_older_than_the_journal_are_counted_apart() {
        let (replay, found) = replayed(&[(7, 3, 10, confirm()), (8, 8, 10, begun())]);
        assert_eq!((found, replay.counts.headless, replay.counts.begun), (Ok(()), 1, 1));
    }
}
