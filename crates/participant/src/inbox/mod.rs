//! The inbox: a consumer's row for each message it took in, written in the local transaction of what it did about it, so
//! that a message that comes again changes nothing.
//!
//! ```no_run
//! # use participant::inbox::{Inbox, Received};
//! # async fn on_paid(inbox: Inbox<sqlx::Postgres>, message: &str) -> Result<(), sqlx::Error> {
//! let mut local = inbox.pool().begin().await?;
//! if inbox.first(&mut local, "mailer", message).await? == Received::First {
//!     // … the business change, in `local` …
//! }
//! local.commit().await
//! # }
//! ```
//!
//! For consumers of any source. One that Tercet calls may as well stand behind the barrier. Rows are purged by age: keep
//! them longer than any message may come again.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::future::Future;
use std::time::Duration;

use sqlx::Pool;

use crate::database::Dialect;

/// Rows removed by one statement.
const PAGE: u32 = 500;
/// Between two pages: others want to write too.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a message came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is new: do what it asks, in the same local transaction.
    First,
    /// It was taken in before: do nothing.
    Duplicate,
}

/// The rows, in an open local transaction.
pub trait Seen: Send {
    /// Writes the row unless it is there, after waiting for a local transaction that is about to write it.
    fn see(
        &mut self,
        consumer: &str,
        message_id: &str,
    ) -> impl Future<Output = Result<Received, sqlx::Error>> + Send;

    /// Removes up to `limit` rows older than that; answers how many.
    fn forget_seen(
        &mut self,
        older_than_ms: i64,
        limit: u32,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;
}

/// The inbox in one database: the one that holds the business data. Cheap to clone.
#[derive(Debug)]
pub struct Inbox<D: Dialect> {
    pool: Pool<D>,
}

// Not derived: that would want the database to be `Clone`.
impl<D: Dialect> Clone for Inbox<D> {
    fn clone(&self) -> Inbox<D> {
        Inbox { pool: self.pool.clone() }
    }
}

impl<D: Dialect> Inbox<D> {
    /// In the database of this pool.
    #[must_use]
    pub fn new(pool: Pool<D>) -> Inbox<D> {
        Inbox { pool }
    }

    /// The pool it takes connections from.
    #[must_use]
    pub fn pool(&self) -> &Pool<D> {
        &self.pool
    }

    /// Writes, in the caller's open local transaction, that `consumer` takes this message in; both ids of up to 128 ASCII
    /// characters.
    ///
    /// # Errors
    /// The database.
    pub async fn first(
        &self,
        local: &mut D::Connection,
        consumer: &str,
        message_id: &str,
    ) -> Result<Received, sqlx::Error> {
        local.see(consumer, message_id).await
    }

    /// Removes rows older than `age`, a page at a time; answers how many.
    ///
    /// # Errors
    /// The database; what was removed stays removed.
    pub async fn purge(&self, age: Duration) -> Result<u64, sqlx::Error> {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX / 1_000_000);
        let mut removed = 0;
        loop {
            let page = self.pool.acquire().await?.forget_seen(age, PAGE).await?;
            removed += page;
            if page < u64::from(PAGE) {
                return Ok(removed);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
