//! What the journal says, by the auditor's own fold: transactions, the ledger, and which sequence made what.

use std::collections::HashMap;

use engine::entry::Room;

use super::entries;
use super::ledger_books::LedgerBooks;
use super::transaction_books::{Chapter, TransactionBook};
use crate::log::Appended;
use crate::sight::Sights;
use crate::violation::{Judged, Must, Violation};

/// The books so far.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) transactions: HashMap<u64, TransactionBook>,
    pub(crate) numbers: HashMap<String, u64>,
    pub(crate) ledger: LedgerBooks,
    /// Transactions that came to their end.
    pub(crate) finished: u64,
    time: i64,
}

impl Books {
    /// Takes in one durable frame.
    pub(super) fn frame(&mut self, frame: &Appended, sights: &mut Sights) -> Judged {
        let mut touched = Vec::new();
        entries(frame, |sequence, entry| match entry.room {
            Room::Transaction => {
                touched.push(self.transaction(sequence, entry.bytes, sights)?);
                Ok(())
            }
            Room::Ledger => self.ledger.event(sequence, entry.bytes, sights),
            Room::Key | Room::Reply | Room::Topic => Ok(()),
        })?;
        touched
            .iter()
            .filter_map(|number| self.transactions.get(number))
            .try_for_each(TransactionBook::all_attended)
    }

    /// Takes in an event of a transaction; answers its number.
    fn transaction(&mut self, sequence: u64, bytes: &[u8], sights: &mut Sights) -> Result<u64, Violation> {
        let kept = transaction::Kept::decode(bytes)
            .map_err(|error| Violation::new("P3", format!("event {sequence}: {error}")))?;
        (kept.at.0 >= self.time)
            .must("P19", || format!("event {sequence} is earlier than the one before"))?;
        self.time = kept.at.0;
        if let Some((spec, _)) = kept.event.begun() {
            (kept.number == sequence)
                .must("P20", || format!("transaction {} begins as number {}", spec.id, kept.number))?;
            let known = self.numbers.insert(spec.id.to_string(), sequence);
            known.is_none().must("P20", || format!("transaction {} was begun twice", spec.id))?;
            self.transactions.insert(sequence, TransactionBook::begun(spec, (sequence, kept.at)));
            return Ok(sequence);
        }
        let unknown = || Violation::new("P3", format!("event {sequence} is of no transaction"));
        let book = self.transactions.get_mut(&kept.number).ok_or_else(unknown)?;
        let chapter = Chapter { sequence, at: kept.at };
        book.event(chapter, &kept.event, sights)?;
        match kept.event {
            transaction::Event::Finished => {
                self.finished += 1;
                book.finishes(&self.ledger, sights)?;
            }
            transaction::Event::Stopped { .. } => {
                self.finished += 1;
                book.stops(&self.ledger)?;
            }
            _ => {}
        }
        Ok(kept.number)
    }

    /// The transaction with this id.
    pub(crate) fn transaction_of(&self, id: &str) -> Option<&TransactionBook> {
        self.transactions.get(self.numbers.get(id)?)
    }
}
