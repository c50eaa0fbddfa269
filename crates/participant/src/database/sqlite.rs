//! What is SQLite's own: how a local transaction begins, and which errors mean "again".

use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, Sqlite, Transaction};

use super::{Dialect, Isolation, code_of};

/// `SQLITE_BUSY`, `SQLITE_LOCKED` (<https://www.sqlite.org/rescode.html>).
const AGAIN: [u32; 2] = [5, 6];

impl Dialect for Sqlite {
    const SCHEMA: &'static [&'static str] = &[
        include_str!("../barrier/sqlite.sql"),
        include_str!("../outbox/sqlite.sql"),
        include_str!("../inbox/sqlite.sql"),
    ];

    /// Whatever the isolation, it is serializable: there is one writer. `IMMEDIATE` makes it wait for its turn at the
    /// beginning instead of failing in the middle.
    async fn begin(
        connection: &mut PoolConnection<Self>,
        _: Isolation,
    ) -> Result<Transaction<'_, Self>, sqlx::Error> {
        connection.begin_with("BEGIN IMMEDIATE").await
    }

    fn is_contention(fault: &sqlx::Error) -> bool {
        // The primary result code is the low byte of the extended one.
        let code = code_of(fault).and_then(|code| code.parse::<u32>().ok());
        code.is_some_and(|code| AGAIN.contains(&(code & 0xff)))
    }

    async fn missing_tables(
        connection: &mut Self::Connection,
        tables: &[&str],
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut missing = Vec::new();
        for table in tables {
            let found: Option<i32> =
                sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
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
