//! The outbox: a message is a row, written in the local transaction of the business change it tells of, so both come true
//! or neither. A relay sends the rows that were committed.
//!
//! ```no_run
//! # async fn pay(outbox: participant::outbox::Outbox<sqlx::Postgres>) -> Result<(), Box<dyn std::error::Error>> {
//! # use participant::outbox::Message;
//! let mut local = outbox.pool().begin().await?;
//! // … the business change, in `local` …
//! let paid = Message::new("paid-1", "http://mail.internal/paid", &serde_json::json!({"order": 1}))?;
//! outbox.enqueue(&mut local, &paid.key("user:42")).await?;
//! local.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! It sends nothing itself, and no message is removed before it was sent or a person dropped it.
//! Read next: `message.rs`, `queue.rs` (the table, as a port), then `relay/mod.rs`.

#[macro_use]
mod reading;

mod message;
mod queue;
#[cfg(feature = "relay")]
pub mod relay;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Duration;

use sqlx::Pool;

pub use message::{DEPTH_MAX, DESTINATION_MAX, HEADERS_MAX, Message, PAYLOAD_MAX};
pub use queue::{Backlog, Change, Head, Letter, OnDead, Queue, State, Trail, Verb};

use crate::barrier;
use crate::database::Dialect;

/// The longest error that is kept with a row, in bytes.
pub const ERROR_MAX: usize = 1024;

/// Rows removed by one statement.
const PURGE_PAGE: u32 = 500;
/// Between two pages: others want to write too.
const PURGE_PAUSE: Duration = Duration::from_millis(20);

/// The outbox in one database: the one that holds the business data. Cheap to clone.
#[derive(Debug)]
pub struct Outbox<D: Dialect> {
    pool: Pool<D>,
}

// Not derived: that would want the database to be `Clone`.
impl<D: Dialect> Clone for Outbox<D> {
    fn clone(&self) -> Outbox<D> {
        Outbox { pool: self.pool.clone() }
    }
}

/// What enqueuing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// The row is written.
    First,
    /// The same message was enqueued before.
    Duplicate,
}

/// Why a message is not enqueued. Roll the local transaction back.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueFault {
    /// It can't be sent as it is.
    #[error("the message {id} can't be sent: {flaw}")]
    Flawed {
        /// Its id.
        id: String,
        /// What is wrong.
        flaw: &'static str,
    },
    /// Another message has its id.
    #[error("a message {id} with other content was enqueued before; ids are not to be used again")]
    Mismatch {
        /// Its id.
        id: String,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<EnqueueFault> for barrier::Fault {
    fn from(fault: EnqueueFault) -> barrier::Fault {
        match fault {
            EnqueueFault::Database(fault) => barrier::Fault::Database(fault),
            fault => barrier::Fault::of(fault),
        }
    }
}

impl<D: Dialect> Outbox<D> {
    /// In the database of this pool.
    #[must_use]
    pub fn new(pool: Pool<D>) -> Outbox<D> {
        Outbox { pool }
    }

    /// The pool it takes connections from.
    #[must_use]
    pub fn pool(&self) -> &Pool<D> {
        &self.pool
    }

    /// Makes the tables of this crate, where they are missing.
    ///
    /// # Errors
    /// The database.
    pub async fn create_schema(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        for file in D::SCHEMA {
            D::execute(&mut connection, file).await?;
        }
        Ok(())
    }

    /// Writes the message's row in the caller's open local transaction (`&mut local`, whatever stands for it).
    ///
    /// # Errors
    /// When it can't be sent, or its id is another message's; the database.
    pub async fn enqueue(
        &self,
        local: &mut D::Connection,
        message: &Message,
    ) -> Result<Enqueued, EnqueueFault> {
        let id = || message.id.clone();
        if let Some(flaw) = message.flaw() {
            return Err(EnqueueFault::Flawed { id: id(), flaw });
        }
        if local.enqueue(message).await? {
            return Ok(Enqueued::First);
        }
        match local.find(&message.id).await? {
            Some(before) if before == *message => Ok(Enqueued::Duplicate),
            Some(_) | None => Err(EnqueueFault::Mismatch { id: id() }),
        }
    }

    /// Dead letters behind that row (0: from the beginning), oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn dead(&self, after: i64, limit: u32) -> Result<Vec<Trail>, sqlx::Error> {
        self.pool.acquire().await?.dead(after, limit).await
    }

    /// Has a dead letter sent again, or never; the row keeps a note of who decided it. `false`: it is no dead letter.
    ///
    /// # Errors
    /// The database.
    pub async fn settle(&self, dead: &Trail, verb: Verb, who: &str) -> Result<bool, sqlx::Error> {
        let did = match verb {
            Verb::Replay => "replayed",
            Verb::Drop => "dropped",
        };
        let before = dead.last_error.as_deref().unwrap_or("no error");
        let note = format!("{did} by {who} after {} attempts; before: {before}", dead.attempts);
        self.pool.acquire().await?.settle(&dead.message_id, verb, brief(&note)).await
    }

    /// What is known about a message; `None`: it was never enqueued here, or purged since.
    ///
    /// # Errors
    /// The database.
    pub async fn trail(&self, message_id: &str) -> Result<Option<Trail>, sqlx::Error> {
        self.pool.acquire().await?.trail(message_id).await
    }

    /// How much there is.
    ///
    /// # Errors
    /// The database.
    pub async fn backlog(&self) -> Result<Backlog, sqlx::Error> {
        self.pool.acquire().await?.backlog().await
    }

    /// Removes what was sent or dropped longer than `age` ago, a page at a time; answers how many. Until then a message's
    /// trail can be read, and its id is known here.
    ///
    /// # Errors
    /// The database; what was removed stays removed.
    pub async fn purge(&self, age: Duration) -> Result<u64, sqlx::Error> {
        let mut removed = 0;
        loop {
            let page = self.pool.acquire().await?.purge(millis(age), PURGE_PAGE).await?;
            removed += page;
            if page < u64::from(PURGE_PAGE) {
                return Ok(removed);
            }
            tokio::time::sleep(PURGE_PAUSE).await;
        }
    }
}

/// As much of a text as is kept with a row.
fn brief(text: &str) -> &str {
    &text[..text.floor_char_boundary(ERROR_MAX)]
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_cut_between_characters() {
        assert_eq!(brief("short"), "short");
        let long = "é".repeat(ERROR_MAX);
        assert_eq!(brief(&long).len(), ERROR_MAX);
        assert_eq!(brief(&format!("x{long}")).len(), ERROR_MAX - 1);
    }
}
