//! At the end, when faults are over: everything is final or on the list of those who need a person, and participants,
//! ledger and journal tell the same.

use std::collections::HashMap;

use transaction::barrier::Record;
use transaction::{Decision, Pattern};

use super::transaction_books::BranchBook;
use super::{Auditor, TransactionBook};
use crate::participant::{Participant, Poison, Row};
use crate::plan::Plan;
use crate::violation::{Judged, Must};

/// Participants by `host:port`.
pub(crate) type Participants = HashMap<String, Participant>;

impl Auditor {
    /// Whether nothing is left to happen, but for what needs a person.
    pub(crate) fn is_settled(&self, plan: &Plan) -> bool {
        self.unsettled(plan).is_none()
    }

    fn unsettled(&self, plan: &Plan) -> Option<&TransactionBook> {
        let waits = |book: &&TransactionBook| {
            let poisoned =
                |branch: &BranchBook| Poison::of(plan, book.id(), &branch.spec.id) == Poison::ForEver;
            book.waits_for_nobody(&poisoned)
        };
        self.books.transactions.values().filter(waits).min_by_key(|book| book.begun.sequence)
    }

    /// Every transaction came to its end.
    pub(crate) fn all_settled(&self, plan: &Plan) -> Judged {
        match self.unsettled(plan) {
            None => Ok(()),
            Some(book) => false.must("P16", || {
                format!(
                    "faults are long over, and {} is neither final nor on the list: {:?}, attention {}",
                    book.id(),
                    book.decided,
                    book.needs_attention()
                )
            }),
        }
    }

    /// What participants did fits what was decided.
    pub(crate) fn effects(&self, participants: &Participants) -> Judged {
        for row in participants.values().flat_map(|participant| &participant.rows) {
            let ((transaction, branch), row) = row;
            let name = format!("{transaction}/{branch}");
            let most = row.ran.iter().max().copied().unwrap_or(0);
            (most <= 1).must("P10", || format!("an operation of {name} took effect {most} times"))?;
            let (tries, undone) = (row.ran[0], row.ran[2]);
            (undone <= tries).must("P11", || format!("{name} was undone without having been done"))?;
            let is_two_phase =
                self.books.transaction_of(transaction).is_some_and(TransactionBook::is_two_phase);
            (!is_two_phase || row.ran[1] <= tries)
                .must("P13", || format!("{name} was confirmed without having been tried"))?;
            (row.ran[1] == 0 || row.ran[2] == 0)
                .must("P8", || format!("{name} was both confirmed and cancelled"))?;
            let Some(book) = self.books.transaction_of(transaction) else {
                // An initiator tries a branch only once it was told that it is registered.
                return false.must("P1", || format!("{name} was called, and no such transaction is kept"));
            };
            effect_fits(book, &name, (row.record(), row.ran))?;
        }
        Ok(())
    }

    /// Nothing is held beyond its time.
    pub(crate) fn expired(&self, now: i64) -> Judged {
        match self.books.ledger.overdue(now) {
            None => Ok(()),
            Some(id) => false.must("P16", || format!("hold {id} is open, and its time is long over")),
        }
    }

    /// Every branch that is final was carried out where it belongs.
    pub(crate) fn carried_out(&self, participants: &Participants) -> Judged {
        let ended = |book: &&TransactionBook| book.finished.is_some() && !book.is_stopped;
        for book in self.books.transactions.values().filter(ended) {
            for branch in &book.branches {
                let Some(urls) = branch.urls() else { continue };
                let decision = book.decided.map(|(_, decision)| decision);
                let url = match decision {
                    Some(Decision::Confirm) => &urls.confirm,
                    _ => &urls.cancel,
                };
                let owed = book.spec.pattern != Pattern::Saga || branch.touched.is_some();
                let Some(url) = url.as_ref().filter(|_| owed) else { continue };
                let key = (book.spec.id.clone(), branch.spec.id.clone());
                let host = host_of(url);
                let participant = participants.get(host);
                let row = participant.and_then(|participant| participant.rows.get(&key));
                let is_right = match (decision, row.map(Row::record)) {
                    // Only what was there can be past its horizon.
                    (_, None) => participant.is_some_and(|participant| participant.forgotten.contains(&key)),
                    (Some(Decision::Confirm), Some(record)) => record == Record::Confirmed,
                    (_, Some(record)) => matches!(record, Record::Cancelled | Record::Voided),
                };
                is_right.must("P8", || {
                    format!("{} is {decision:?}, its branch {} is {row:?}", book.id(), branch.spec.id)
                })?;
            }
        }
        Ok(())
    }
}

/// The `host:port` of a URL of this world.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

fn effect_fits(book: &TransactionBook, name: &str, (record, ran): (Record, [u32; 3])) -> Judged {
    let decided = book.decided.map(|(_, decision)| decision);
    let against = match decided {
        Some(Decision::Confirm) => ran[2] > 0,
        Some(Decision::Cancel) => ran[1] > 0,
        None => ran[1] + ran[2] > 0,
    };
    (!against).must("P8", || format!("{name} was changed against the decision {decided:?}: {ran:?}"))?;
    let holds = record == Record::Tried && book.is_two_phase();
    (!holds || book.finished.is_none() || book.is_stopped)
        .must("P16", || format!("{name} still holds something, its transaction is final"))
}
