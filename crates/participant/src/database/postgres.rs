//! What is PostgreSQL's own: how a local transaction begins, and which errors mean "again".

use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, Postgres, Transaction};

use super::{Commit, Dialect, Isolation, code_of};

/// SQLSTATE: serialization failure, deadlock detected, lock not available
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const AGAIN: [&str; 3] = ["40001", "40P01", "55P03"];

impl Dialect for Postgres {
    const SCHEMA: &'static [&'static str] = &[
        include_str!("../barrier/postgres.sql"),
        include_str!("../outbox/postgres.sql"),
        include_str!("../inbox/postgres.sql"),
    ];

    const COMMIT: Commit = Commit::Tells;

    /// PostgreSQL answers the COMMIT of a local transaction that it has given up with a roll-back and no error. A statement in
    /// front of it fails then, and goes in the same exchange. sqlx does not learn of this COMMIT, so what it rolls back
    /// when `local` is dropped (with the connection's next exchange) is the empty one that is begun behind it.
    async fn commit(mut local: Transaction<'_, Self>) -> Result<(), sqlx::Error> {
        (&mut *local).execute(sqlx::raw_sql("SELECT 1; COMMIT; BEGIN")).await.map(drop)
    }

    async fn begin(
        connection: &mut PoolConnection<Self>,
        isolation: Isolation,
    ) -> Result<Transaction<'_, Self>, sqlx::Error> {
        let statement = match isolation {
            Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Isolation::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        connection.begin_with(statement).await
    }

    fn is_contention(fault: &sqlx::Error) -> bool {
        code_of(fault).is_some_and(|code| AGAIN.contains(&code.as_str()))
    }

    async fn missing_tables(
        connection: &mut Self::Connection,
        tables: &[&str],
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut missing = Vec::new();
        for table in tables {
            let found: Option<i32> = sqlx::query_scalar("SELECT 1 WHERE to_regclass($1) IS NOT NULL")
                .bind(*table)
                .fetch_optional(&mut *connection)
                .await?;
            if found.is_none() {
                missing.push((*table).to_owned());
            }
        }
        Ok(missing)
    }

    async fn execute(connection: &mut Self::Connection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(statement).await.map(drop)
    }
}
