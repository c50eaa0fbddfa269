//! What the journal says of a resource's counters: the truth that Redis is filled from and compared with.
//!
//! A walk over the engine's list folds every transaction with a branch of the resource. Finished transactions are removed
//! one day, so those before the oldest open one are folded into a small file, `kept.rs`; every transaction is counted in
//! exactly one of the two, by when it was begun, which never changes. Pure but for the asking.

use std::collections::BTreeMap;

use engine::{Engine, Filter, Question};
use participant::call::{Branch, Content};
use serde::{Deserialize, Serialize};
use transaction::{BranchState, Kind, Operation, Pattern, Refusal, Time, Transaction};

use super::asked::Parameters;
use super::kept::Kept;

/// What all branches of one counter together have done, and may have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    /// Delivered.
    pub(super) loaded: i64,
    /// Confirmed, or taken by a saga.
    pub(super) sold: i64,
    /// Tried and neither confirmed nor given back.
    #[serde(default)]
    pub(super) reserved: i64,
    /// Of branches whose operation under way Redis may have carried out or not.
    #[serde(default)]
    pub(super) unsettled: i64,
}

impl Sums {
    /// What is left.
    pub(super) fn available(&self) -> i64 {
        self.loaded - self.reserved - self.sold
    }

    fn add(&mut self, other: &Sums) {
        self.loaded += other.loaded;
        self.sold += other.sold;
        self.reserved += other.reserved;
        self.unsettled += other.unsettled;
    }
}

/// A branch that holds something and is not through: its record must be where the barrier looks.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) branch: Branch,
    /// `try` or `action`.
    pub(super) operation: &'static str,
    pub(super) content: Content,
    pub(super) count: u64,
}

/// The books as they stand.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) counters: BTreeMap<String, Sums>,
    pub(super) held: Vec<Held>,
    /// What may be kept in the file from now on.
    pub(super) kept: Kept,
}

/// Transactions of a page.
const PAGE: usize = 1_000;

/// Reads the books. Everything that was heard before is in them.
pub(super) async fn read(engine: &Engine, url: &str, kept: &Kept) -> Result<Books, Refusal> {
    // Answered once all that was decided before is durable, which a list waits for.
    let nothing = Question::Accounts("".into(), "".into(), 1);
    crate::http::ask(|respond| engine.ask(nothing, respond)).await?;
    let mut walk = Walk::new(kept);
    let mut cursor = None;
    loop {
        let filter =
            Filter { created_after: Some(Time(kept.through)), limit: PAGE, cursor, ..Filter::default() };
        let page = crate::http::ask(|respond| engine.list(filter, respond)).await?;
        page.items.iter().for_each(|transaction| walk.take(transaction, url));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(walk.end());
        }
    }
}

struct Walk {
    books: Books,
    /// The newest of all was begun then: whatever is not seen was not begun before.
    newest: Option<Time>,
    oldest_open: Option<Time>,
    settled: Vec<(Time, String, Sums)>,
}

impl Walk {
    fn new(kept: &Kept) -> Walk {
        let books = Books { counters: kept.counters.clone(), held: Vec::new(), kept: kept.clone() };
        Walk { books, newest: None, oldest_open: None, settled: Vec::new() }
    }

    fn take(&mut self, transaction: &Transaction, url: &str) {
        let created_at = transaction.created_at;
        self.newest.get_or_insert(created_at);
        for branch in &transaction.branches {
            let Kind::Call(call) = &branch.spec.kind else { continue };
            let urls = [&call.urls.attempt, &call.urls.confirm];
            if !urls.iter().any(|known| known.as_deref() == Some(url)) {
                continue;
            }
            if !transaction.phase.is_final() {
                self.oldest_open = Some(self.oldest_open.map_or(created_at, |oldest| oldest.min(created_at)));
            }
            let body = call.body.as_deref().unwrap_or("{}");
            let Ok(Parameters { counter, count }) = Parameters::read(body) else { continue };
            let (pattern, whole) = (transaction.spec.pattern, i64::try_from(count).unwrap_or(i64::MAX));
            let sums = sums(pattern, branch.state, whole);
            if transaction.phase.is_final() {
                self.settled.push((created_at, counter.clone(), sums));
            } else if branch.state == BranchState::Tried || (pattern == Pattern::Tcc && sums.reserved > 0) {
                let branch = Branch {
                    transaction: transaction.spec.id.to_string(),
                    branch: branch.spec.id.to_string(),
                };
                let operation = Operation::Try.name(pattern);
                self.books.held.push(Held {
                    branch,
                    operation,
                    content: Content::of(body.as_bytes()),
                    count,
                });
            }
            self.books.counters.entry(counter).or_default().add(&sums);
        }
    }

    /// What was begun before the oldest that is open is settled for good.
    fn end(mut self) -> Books {
        let through = self.oldest_open.into_iter().chain(self.newest).min();
        let Some(through) = through.filter(|through| through.0 > self.books.kept.through) else {
            return self.books;
        };
        for (created_at, counter, sums) in self.settled {
            if created_at < through {
                self.books.kept.counters.entry(counter).or_default().add(&sums);
            }
        }
        self.books.kept.through = through.0;
        self.books
    }
}

/// What a branch in this state has done to its counter.
fn sums(pattern: Pattern, state: BranchState, count: i64) -> Sums {
    let none = Sums::default();
    let open = Sums { unsettled: count, ..none };
    match (pattern, state) {
        (_, BranchState::Registered | BranchState::Refused | BranchState::Cancelled) => none,
        (_, BranchState::Trying | BranchState::Cancelling) => open,
        (Pattern::Tcc, BranchState::Tried) => Sums { reserved: count, ..none },
        (Pattern::Tcc, BranchState::Confirming) => Sums { reserved: count, ..open },
        (Pattern::Message, BranchState::Tried | BranchState::Confirming) => open,
        (Pattern::Message, BranchState::Confirmed) => Sums { loaded: count, ..none },
        // Nothing of these can name a counter.
        (
            Pattern::Xa | Pattern::Workflow,
            BranchState::Tried | BranchState::Confirming | BranchState::Confirmed,
        ) => none,
        (Pattern::Tcc, BranchState::Confirmed)
        | (Pattern::Saga, BranchState::Tried | BranchState::Confirming | BranchState::Confirmed) => {
            Sums { sold: count, ..none }
        }
    }
}

#[cfg(test)]
mod tests;
