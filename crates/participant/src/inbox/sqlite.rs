//! The inbox's rows in SQLite.

use sqlx::SqliteConnection;

use super::{Received, Seen};

const SEE: &str = "INSERT INTO tercet_inbox (consumer, message_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const FORGET: &str = "DELETE FROM tercet_inbox WHERE (consumer, message_id) IN (SELECT consumer, message_id
    FROM tercet_inbox WHERE received_at < CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?1
    ORDER BY received_at LIMIT ?2)";

impl Seen for SqliteConnection {
    async fn see(&mut self, consumer: &str, message_id: &str) -> Result<Received, sqlx::Error> {
        let insert = sqlx::query(SEE).bind(consumer).bind(message_id).execute(self).await;
        Ok(if insert?.rows_affected() == 1 { Received::First } else { Received::Duplicate })
    }

    async fn forget_seen(&mut self, older_than_ms: i64, limit: u32) -> Result<u64, sqlx::Error> {
        let forget = sqlx::query(FORGET).bind(older_than_ms).bind(i64::from(limit));
        Ok(forget.execute(self).await?.rows_affected())
    }
}
