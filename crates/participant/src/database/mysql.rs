//! What is MySQL's own: how a local transaction begins, and which errors mean "again".

use sqlx::mysql::MySqlDatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, MySql, Transaction};

use super::{Dialect, Isolation};

/// Deadlock found, lock wait timeout, and MariaDB's "record has changed since last read"
/// (<https://mariadb.com/kb/en/mariadb-error-code-reference/>).
const AGAIN: [u16; 3] = [1213, 1205, 1020];

impl Dialect for MySql {
    const SCHEMA: &'static [&'static str] = &[
        include_str!("../barrier/mysql.sql"),
        include_str!("../outbox/mysql.sql"),
        include_str!("../inbox/mysql.sql"),
    ];

    async fn begin(
        connection: &mut PoolConnection<Self>,
        isolation: Isolation,
    ) -> Result<Transaction<'_, Self>, sqlx::Error> {
        let level = match isolation {
            Isolation::ReadCommitted => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
            Isolation::RepeatableRead => "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            Isolation::Serializable => "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        };
        // For the next transaction only. A text query: it needs no preparing.
        (&mut **connection).execute(sqlx::raw_sql(level)).await?;
        connection.begin().await
    }

    fn is_contention(fault: &sqlx::Error) -> bool {
        let number = fault
            .as_database_error()
            .and_then(|fault| fault.try_downcast_ref::<MySqlDatabaseError>())
            .map(MySqlDatabaseError::number);
        number.is_some_and(|number| AGAIN.contains(&number))
    }

    async fn missing_tables(
        connection: &mut Self::Connection,
        tables: &[&str],
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut missing = Vec::new();
        for table in tables {
            // A view has no engine of its own.
            let found: Option<Option<String>> = sqlx::query_scalar(
                "SELECT (SELECT e.engine FROM information_schema.engines e
                         WHERE e.engine = t.engine AND e.transactions <> 'YES')
                 FROM information_schema.tables t WHERE t.table_schema = DATABASE() AND t.table_name = ?",
            )
            .bind(*table)
            .fetch_optional(&mut *connection)
            .await?;
            match found {
                Some(None) => {}
                Some(Some(engine)) => {
                    missing.push(format!("{table} (engine {engine}: it rolls nothing back)"));
                }
                None => missing.push((*table).to_owned()),
            }
        }
        Ok(missing)
    }

    async fn execute(connection: &mut Self::Connection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(statement).await.map(drop)
    }
}
