//! The inbox's rows in MySQL and MariaDB.

use sqlx::MySqlConnection;

use super::{Received, Seen};

const SEE: &str = "INSERT INTO tercet_inbox (consumer, message_id) VALUES (?, ?)";
const FORGET: &str =
    "DELETE FROM tercet_inbox WHERE received_at < current_timestamp(6) - INTERVAL ? MICROSECOND
    ORDER BY received_at LIMIT ?";

impl Seen for MySqlConnection {
    async fn see(&mut self, consumer: &str, message_id: &str) -> Result<Received, sqlx::Error> {
        let insert = sqlx::query(SEE).bind(consumer).bind(message_id).execute(self).await;
        match insert {
            Ok(_) => Ok(Received::First),
            // Fails the statement only.
            Err(sqlx::Error::Database(fault)) if fault.is_unique_violation() => Ok(Received::Duplicate),
            Err(fault) => Err(fault),
        }
    }

    async fn forget_seen(&mut self, older_than_ms: i64, limit: u32) -> Result<u64, sqlx::Error> {
        let forget = sqlx::query(FORGET).bind(older_than_ms * 1000).bind(i64::from(limit));
        Ok(forget.execute(self).await?.rows_affected())
    }
}
