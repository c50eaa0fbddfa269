//! What is asked of a database to know how it stands. The port that `postgres.rs`, `mysql.rs` and `sqlite.rs` fill.

use std::future::Future;
use std::time::Duration;

use crate::database::Dialect;

/// How far a replica is behind its primary, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// All of the primary's log up to this position is there.
    Position(u64),
    /// So far, at most.
    For(Duration),
    /// Never.
    Never,
    /// It follows a primary and can't say.
    Unknown,
    /// It follows nobody: it was promoted, or never was a replica.
    FollowsNobody,
}

/// A database whose health is looked at.
pub trait Probe: Dialect {
    /// How the URLs of this kind of database begin.
    const SCHEMES: &'static [&'static str];

    /// Whether it takes no writes: a standby, or set to read only.
    fn is_read_only(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// How far the primary's log reaches now, where replicas tell their position in it.
    fn position(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Option<u64>, sqlx::Error>> + Send;

    /// How far the replica is behind.
    fn behind(connection: &mut Self::Connection) -> impl Future<Output = Result<Behind, sqlx::Error>> + Send;
}
