//! The outbox's rows in SQLite. There is one writer at a time, so a relay's local transaction has the rows to itself. A list
//! of row ids is bound as one JSON text.

use sqlx::{Row as _, SqliteConnection};

use super::Message;
use super::queue::{Backlog, Change, Head, Letter, OnDead, Queue, Trail, Verb};

/// Puts the database's clock, in milliseconds, between the parts of a statement.
macro_rules! at_now {
    ($first:literal $(, $rest:literal)*) => {
        concat!($first $(, "CAST(unixepoch('subsec') * 1000 AS INTEGER)", $rest)*)
    };
}

const ENQUEUE: &str = "INSERT INTO tercet_outbox (message_id, ordering_key, destination, payload, headers)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (message_id) DO NOTHING";
const FIND: &str =
    "SELECT message_id, ordering_key, destination, payload, headers FROM tercet_outbox WHERE message_id = ?1";
const FREE: &str = at_now!(
    "SELECT id, message_id, ordering_key, destination, payload, headers, attempts, 1
    FROM tercet_outbox WHERE state = 'waiting' AND ordering_key IS NULL AND due_at <= ",
    " ORDER BY due_at, id LIMIT ?1"
);
/// Hops from key to key in the index, so a key with a million rows costs as much as one with a single row.
const HEADS: &str = at_now!(
    "WITH RECURSIVE keys (key) AS (
        SELECT min(ordering_key) FROM tercet_outbox WHERE state = 'waiting' AND ordering_key > ?1
        UNION ALL
        SELECT (SELECT min(next.ordering_key) FROM tercet_outbox next
            WHERE next.state = 'waiting' AND next.ordering_key > keys.key)
        FROM keys WHERE keys.key IS NOT NULL LIMIT ?2
    )
    SELECT keys.key, head.id, head.due_at <= ",
    " AND (?3 OR NOT EXISTS (SELECT 1 FROM tercet_outbox dead WHERE dead.state = 'dead' AND dead.ordering_key = keys.key))
    FROM keys JOIN tercet_outbox head ON head.id = (SELECT first.id FROM tercet_outbox first
        WHERE first.state = 'waiting' AND first.ordering_key = keys.key ORDER BY first.id LIMIT 1)"
);
const LOCK: &str = at_now!(
    "SELECT id FROM tercet_outbox
    WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'waiting' AND due_at <= ",
    ""
);
const RUN: &str = at_now!(
    "SELECT id, message_id, ordering_key, destination, payload, headers, attempts, due_at <= ",
    " FROM tercet_outbox WHERE state = 'waiting' AND ordering_key = ?1 ORDER BY id LIMIT ?2"
);
const LEASE: &str = at_now!(
    "UPDATE tercet_outbox SET lease_by = ?2, due_at = ",
    " + ?3 WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'waiting'"
);
const SENT: &str = at_now!(
    "UPDATE tercet_outbox SET state = 'sent', attempts = attempts + 1, lease_by = NULL, settled_at = ",
    " WHERE id IN (SELECT value FROM json_each(?1)) AND state IN ('waiting', 'dead')"
);
const RELEASE: &str = at_now!(
    "UPDATE tercet_outbox SET lease_by = NULL, due_at = ",
    " WHERE id IN (SELECT value FROM json_each(?1)) AND lease_by = ?2 AND state = 'waiting'"
);
const CHANGE: &str = at_now!(
    "UPDATE tercet_outbox SET state = ?3, attempts = attempts + ?4, last_error = coalesce(?5, last_error),
        lease_by = NULL, due_at = ",
    " + ?6 WHERE id = ?1 AND lease_by = ?2 AND state = 'waiting'"
);
const REPLAY: &str = at_now!(
    "UPDATE tercet_outbox SET state = 'waiting', attempts = 0, last_error = ?2, due_at = ",
    " WHERE message_id = ?1 AND state = 'dead'"
);
const DROP: &str = at_now!(
    "UPDATE tercet_outbox SET state = 'dropped', last_error = ?2, settled_at = ",
    " WHERE message_id = ?1 AND state = 'dead'"
);
const BACKLOG: &str = at_now!(
    "SELECT count(*), (SELECT count(*) FROM tercet_outbox WHERE state = 'dead'), ",
    " - min(created_at) FROM tercet_outbox WHERE state = 'waiting'"
);
const PURGE: &str = at_now!(
    "DELETE FROM tercet_outbox WHERE id IN (SELECT id FROM tercet_outbox WHERE settled_at < ",
    " - ?1 ORDER BY settled_at LIMIT ?2)"
);

/// A trail's columns, from a part of the table.
macro_rules! trail_where {
    ($rest:literal) => {
        concat!(
            "SELECT id, message_id, ordering_key, destination, state, attempts, last_error, lease_by, created_at, due_at,
                settled_at
            FROM tercet_outbox WHERE ",
            $rest
        )
    };
}
const DEAD: &str = trail_where!("state = 'dead' AND id > ?1 ORDER BY id LIMIT ?2");
const TRAIL: &str = trail_where!("message_id = ?1");

fn list(ids: &[i64]) -> String {
    serde_json::json!(ids).to_string()
}

impl Queue for SqliteConnection {
    async fn enqueue(&mut self, message: &Message) -> Result<bool, sqlx::Error> {
        let insert = sqlx::query(ENQUEUE).bind(&message.id).bind(&message.key).bind(&message.destination);
        let done = insert.bind(&message.payload).bind(message.headers_json()).execute(self).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn find(&mut self, message_id: &str) -> Result<Option<Message>, sqlx::Error> {
        let found = sqlx::query(FIND).bind(message_id).fetch_optional(self).await?;
        found.map(|row| message!(row)).transpose()
    }

    async fn free(&mut self, limit: u32) -> Result<Vec<Letter>, sqlx::Error> {
        let rows = sqlx::query(FREE).bind(i64::from(limit)).fetch_all(self).await?;
        rows.iter().map(|row| letter!(row)).collect()
    }

    async fn heads(&mut self, after: &str, limit: u32, on_dead: OnDead) -> Result<Vec<Head>, sqlx::Error> {
        let query = sqlx::query(HEADS).bind(after).bind(i64::from(limit)).bind(on_dead == OnDead::Skip);
        let rows = query.fetch_all(self).await?;
        let head = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Head { key: row.try_get(0)?, id: row.try_get(1)?, is_free: row.try_get(2)? })
        };
        rows.iter().map(head).collect()
    }

    async fn lock(&mut self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        sqlx::query_scalar(LOCK).bind(list(ids)).fetch_all(self).await
    }

    async fn runs(&mut self, keys: &[String], limit: u32) -> Result<Vec<Letter>, sqlx::Error> {
        let mut runs = Vec::new();
        for key in keys {
            let rows = sqlx::query(RUN).bind(key).bind(i64::from(limit)).fetch_all(&mut *self).await?;
            let run: Result<Vec<_>, sqlx::Error> = rows.iter().map(|row| letter!(row)).collect();
            runs.extend(run?);
        }
        Ok(runs)
    }

    async fn lease(&mut self, ids: &[i64], by: &str, ms: i64) -> Result<(), sqlx::Error> {
        sqlx::query(LEASE).bind(list(ids)).bind(by).bind(ms).execute(self).await.map(drop)
    }

    async fn sent(&mut self, ids: &[i64]) -> Result<(), sqlx::Error> {
        sqlx::query(SENT).bind(list(ids)).execute(self).await.map(drop)
    }

    async fn release(&mut self, ids: &[i64], by: &str) -> Result<(), sqlx::Error> {
        sqlx::query(RELEASE).bind(list(ids)).bind(by).execute(self).await.map(drop)
    }

    async fn change(&mut self, id: i64, by: &str, change: &Change) -> Result<(), sqlx::Error> {
        let update = sqlx::query(CHANGE).bind(id).bind(by).bind(change.state.name());
        let update = update.bind(change.attempts.cast_signed()).bind(&change.error);
        update.bind(change.wait_ms).execute(self).await.map(drop)
    }

    async fn dead(&mut self, after: i64, limit: u32) -> Result<Vec<Trail>, sqlx::Error> {
        let rows = sqlx::query(DEAD).bind(after).bind(i64::from(limit)).fetch_all(self).await?;
        rows.iter().map(|row| trail!(row)).collect()
    }

    async fn settle(&mut self, message_id: &str, verb: Verb, note: &str) -> Result<bool, sqlx::Error> {
        let statement = match verb {
            Verb::Replay => REPLAY,
            Verb::Drop => DROP,
        };
        let done = sqlx::query(statement).bind(message_id).bind(note).execute(self).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn trail(&mut self, message_id: &str) -> Result<Option<Trail>, sqlx::Error> {
        let found = sqlx::query(TRAIL).bind(message_id).fetch_optional(self).await?;
        found.map(|row| trail!(row)).transpose()
    }

    async fn backlog(&mut self) -> Result<Backlog, sqlx::Error> {
        let row = sqlx::query(BACKLOG).fetch_one(self).await?;
        backlog!(row)
    }

    async fn purge(&mut self, older_than_ms: i64, limit: u32) -> Result<u64, sqlx::Error> {
        let purge = sqlx::query(PURGE).bind(older_than_ms).bind(i64::from(limit));
        Ok(purge.execute(self).await?.rows_affected())
    }
}
