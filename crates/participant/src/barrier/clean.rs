//! Removes rows that no call can meet any more: by age, a page of the key at a time, never one that still holds something.
//!
//! Walks the primary key, so the hot path pays for no index on the age. Which rows may go is
//! `transaction::barrier::Record::may_be_forgotten`. Never deletes sooner than any call may come late.

use std::future::Future;
use std::time::Duration;

use transaction::barrier::Record;
use transaction::{Operation, Pattern};

use super::{Barrier, Coordinator, Fault, HorizonFault, Kept, Places};
use crate::call::Branch;
use crate::database::Dialect;

/// How rows are removed.
#[derive(Clone, Copy, Debug)]
pub struct Cleaning {
    horizon: Duration,
    actions: Option<Duration>,
    page: u32,
    pause: Duration,
}

impl Cleaning {
    /// Rows older than `horizon` may go.
    ///
    /// # Errors
    /// When a call may come later than that: refuse to start.
    pub fn new(horizon: Duration, coordinator: Coordinator) -> Result<Cleaning, HorizonFault> {
        let horizon = coordinator.horizon(horizon)?;
        Ok(Cleaning { horizon, actions: None, page: 500, pause: Duration::from_millis(50) })
    }

    /// Removes actions of sagas too, once they are older than `age`, or the horizon if that is longer. Nobody tells a
    /// participant that a saga is through, so its action looks as if it could still be undone; unless this is said it stays
    /// for ever. A compensation that comes later finds nothing to undo: choose an age by which every saga is final, also one
    /// that waits for a person.
    #[must_use]
    pub fn actions_after(self, age: Duration) -> Cleaning {
        Cleaning { actions: Some(age.max(self.horizon)), ..self }
    }

    /// Rows read at a time (at least 3: a branch has up to two), and the pause between two pages.
    #[must_use]
    pub fn gently(self, page: u32, pause: Duration) -> Cleaning {
        Cleaning { page: page.max(3), pause, ..self }
    }
}

/// A row with its age.
#[derive(Clone, Debug)]
pub struct Aged {
    /// Whose.
    pub branch: Branch,
    /// 1 or 2.
    pub phase: i64,
    /// What it says.
    pub kept: Kept,
    /// How long ago it was written, by the database's clock, in milliseconds.
    pub age_ms: i64,
}

/// What a database does for cleaning.
pub trait Clean {
    /// The next `limit` rows behind that branch, in the order of the key.
    fn page(
        &mut self,
        after: &Branch,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Aged>, sqlx::Error>> + Send;

    /// Removes the rows of a branch.
    fn forget(&mut self, branch: &Branch) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

impl<D: Dialect> Barrier<D> {
    /// Walks the whole table once and removes what may go; answers how many branches that were. Call it daily.
    ///
    /// # Errors
    /// The database; what was removed stays removed.
    pub async fn clean(&self, cleaning: &Cleaning) -> Result<u64, Fault> {
        let mut after = Branch { transaction: String::new(), branch: String::new() };
        let mut removed = 0;
        loop {
            let mut connection = self.pool().acquire().await?;
            let mut rows = connection.page(&after, cleaning.page).await?;
            let is_last = rows.len() < cleaning.page as usize;
            // The last branch of a full page may have a row more.
            if let (false, Some(last)) = (is_last, rows.last().map(|row| row.branch.clone())) {
                rows.retain(|row| row.branch != last);
            }
            let Some(end) = rows.last() else { return Ok(removed) };
            after = end.branch.clone();
            for branch in old(&rows, cleaning) {
                connection.forget(branch).await?;
                removed += 1;
            }
            if is_last {
                return Ok(removed);
            }
            drop(connection);
            tokio::time::sleep(cleaning.pause).await;
        }
    }
}

/// The branches of a page, rows of one beside each other, that may be forgotten.
fn old<'r>(rows: &'r [Aged], cleaning: &Cleaning) -> impl Iterator<Item = &'r Branch> {
    let ms = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let (horizon_ms, actions_ms) = (ms(cleaning.horizon), cleaning.actions.map(ms));
    rows.chunk_by(|one, next| one.branch == next.branch).filter_map(move |rows| {
        let mut places = Places::default();
        for row in rows {
            places.put(row.phase, row.kept.clone());
        }
        let youngest = rows.iter().map(|row| row.age_ms).min().unwrap_or(0);
        let (pattern, record) = record(&places);
        let age_ms = u64::try_from(youngest).unwrap_or(0);
        let is_action = (pattern, record) == (Pattern::Saga, Record::Tried);
        let may = record.may_be_forgotten(age_ms, horizon_ms)
            || (is_action && actions_ms.is_some_and(|actions_ms| age_ms > actions_ms));
        may.then(|| rows.first().map(|row| &row.branch)).flatten()
    })
}

/// What rows of whatever pattern say. An initiator's `submit` holds nothing: its message is the coordinator's to deliver.
fn record(places: &Places) -> (Pattern, Record) {
    let submit = Operation::Try.name(Pattern::Message);
    if places.of(submit).is_some() {
        return (Pattern::Message, Record::Confirmed);
    }
    let is_of = |pattern: &Pattern| {
        Operation::of(*pattern).iter().any(|operation| places.of(operation.name(*pattern)).is_some())
    };
    let pattern = Pattern::ALL.into_iter().find(is_of).unwrap_or(Pattern::Message);
    (pattern, places.record(pattern))
}

#[cfg(test)]
mod tests;
