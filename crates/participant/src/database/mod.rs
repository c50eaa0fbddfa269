//! The databases that a participant may keep its books in, mirrored file by file.
//!
//! A [`Dialect`] says what differs between them: how a local transaction begins, which errors mean "try it again". It
//! holds no rule. Read next: one of `postgres.rs`, `mysql.rs`, `sqlite.rs`; then `../barrier/mod.rs`.

mod local;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sqlx::pool::PoolConnection;

pub use local::Local;
pub(crate) use local::inside;
#[cfg(feature = "sources")]
pub(crate) use local::is_inside;

use crate::barrier::{Clean, Rows};
use crate::inbox::Seen;
use crate::outbox::Queue;

/// How far local transactions are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it. Enough for the barrier, and the fastest.
    #[default]
    ReadCommitted,
    /// Each local transaction sees one state of the data; more of them are repeated.
    RepeatableRead,
    /// As if one ran after the other; still more are repeated. What SQLite always does.
    Serializable,
}

/// What [`Dialect::commit`] says of a local transaction that the database gave up before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It fails.
    Tells,
    /// Nothing: whoever must know has to look for a row of the local transaction first.
    Silent,
}

/// A database that a participant's books may be in.
pub trait Dialect: sqlx::Database<Connection: Rows<Fault = sqlx::Error> + Clean + Queue + Seen> {
    /// The tables of the barrier, the outbox and the inbox, one SQL file each, for [`Dialect::execute`].
    const SCHEMA: &'static [&'static str];

    /// Whether a commit finds out that there is nothing left to commit.
    const COMMIT: Commit = Commit::Silent;

    /// Commits.
    fn commit(local: sqlx::Transaction<'_, Self>) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        local.commit()
    }

    /// Begins a local transaction.
    fn begin(
        connection: &mut PoolConnection<Self>,
        isolation: Isolation,
    ) -> impl Future<Output = Result<sqlx::Transaction<'_, Self>, sqlx::Error>> + Send;

    /// Whether the local transaction was given up because of others (a deadlock, a serialization failure, a lock waited
    /// for too long): nothing was changed, and it may be run again.
    fn is_contention(fault: &sqlx::Error) -> bool;

    /// Which of `tables` are not in the database that the connection speaks to, or are not part of its local transactions.
    fn missing_tables(
        connection: &mut Self::Connection,
        tables: &[&str],
    ) -> impl Future<Output = Result<Vec<String>, sqlx::Error>> + Send;

    /// Runs a statement, or a file of them, that takes nothing and whose answer is of no interest.
    fn execute(
        connection: &mut Self::Connection,
        statement: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// A connection that is waited for.
pub(crate) type Acquiring<'a, D> =
    Pin<Box<dyn Future<Output = Result<PoolConnection<D>, sqlx::Error>> + Send + 'a>>;

/// Whose the connections are, where they are counted and watched. It lasts as long as the work that it is for.
pub(crate) trait Origin<D: Dialect>: Debug + Send + Sync {
    /// A connection; how long it was waited for is noted.
    fn acquire(&self) -> Acquiring<'_, D>;

    /// A local transaction ended after so long, with this fault of the database if with one.
    fn ended(&self, took: Duration, fault: Option<&sqlx::Error>);
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
/// The code that a database gave an error, if it gave one.
fn code_of(fault: &sqlx::Error) -> Option<String> {
    fault.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}
