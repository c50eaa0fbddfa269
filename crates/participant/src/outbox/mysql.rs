//! The outbox's rows in MySQL and MariaDB. `SKIP LOCKED` keeps relays out of each other's way (MySQL 8.0, MariaDB 10.6). What
//! an insert met is read with a lock, since a snapshot of earlier in the local transaction would not show it.

use sqlx::{MySql, MySqlConnection, QueryBuilder, Row as _};

use super::Message;
use super::queue::{Backlog, Change, Head, Letter, OnDead, Queue, Trail, Verb};

const ENQUEUE: &str = "INSERT INTO tercet_outbox (message_id, ordering_key, destination, payload, headers) VALUES (?, ?, ?, ?, ?)";
const FIND: &str = "SELECT message_id, ordering_key, destination, payload, headers FROM tercet_outbox
    WHERE message_id = ? LOCK IN SHARE MODE";
const FREE: &str = "SELECT id, message_id, ordering_key, destination, payload, headers, attempts, 1
    FROM tercet_outbox FORCE INDEX (tercet_outbox_free)
    WHERE state = 'waiting' AND ordering_key IS NULL AND due_at <= current_timestamp(6)
    ORDER BY due_at, id LIMIT ? FOR UPDATE SKIP LOCKED";
/// Of a page of rows, not of all rows of its keys: a key with a million rows costs as much as a page.
const HEADS: &str = "SELECT head.ordering_key, head.id, head.due_at <= current_timestamp(6) AND (? OR NOT EXISTS (
        SELECT 1 FROM tercet_outbox dead WHERE dead.state = 'dead' AND dead.ordering_key = head.ordering_key)), first.many
    FROM (SELECT ordering_key, min(id) AS id, count(*) AS many
        FROM (SELECT ordering_key, id FROM tercet_outbox FORCE INDEX (tercet_outbox_keyed)
            WHERE state = 'waiting' AND ordering_key > ? ORDER BY ordering_key, id LIMIT ?) page
        GROUP BY ordering_key) first
    JOIN tercet_outbox head ON head.id = first.id ORDER BY head.ordering_key";
/// Rows of such a page.
const PAGE: i64 = 512;
const LOCK: &str =
    "SELECT id FROM tercet_outbox WHERE state = 'waiting' AND due_at <= current_timestamp(6) AND id IN (";
const RUN: &str = "SELECT id, message_id, ordering_key, destination, payload, headers, attempts,
        due_at <= current_timestamp(6)
    FROM tercet_outbox FORCE INDEX (tercet_outbox_keyed)
    WHERE state = 'waiting' AND ordering_key = ? ORDER BY id LIMIT ?";
const LEASE: [&str; 3] = [
    "UPDATE tercet_outbox SET lease_by = ",
    ", due_at = current_timestamp(6) + INTERVAL ",
    " MICROSECOND WHERE state = 'waiting' AND id IN (",
];
const SENT: &str = "UPDATE tercet_outbox
    SET state = 'sent', attempts = attempts + 1, lease_by = NULL, settled_at = current_timestamp(6)
    WHERE state IN ('waiting', 'dead') AND id IN (";
const RELEASE: &str = "UPDATE tercet_outbox SET lease_by = NULL, due_at = current_timestamp(6)
    WHERE state = 'waiting' AND lease_by = ";
const CHANGE: &str =
    "UPDATE tercet_outbox SET state = ?, attempts = attempts + ?, last_error = coalesce(?, last_error),
        lease_by = NULL, due_at = current_timestamp(6) + INTERVAL ? MICROSECOND
    WHERE id = ? AND lease_by = ? AND state = 'waiting'";
const REPLAY: &str =
    "UPDATE tercet_outbox SET state = 'waiting', attempts = 0, last_error = ?, due_at = current_timestamp(6)
    WHERE message_id = ? AND state = 'dead'";
const DROP: &str =
    "UPDATE tercet_outbox SET state = 'dropped', last_error = ?, settled_at = current_timestamp(6)
    WHERE message_id = ? AND state = 'dead'";
const BACKLOG: &str = "SELECT count(*), (SELECT count(*) FROM tercet_outbox WHERE state = 'dead'),
        timestampdiff(MICROSECOND, min(created_at), current_timestamp(6)) DIV 1000
    FROM tercet_outbox WHERE state = 'waiting'";
const PURGE: &str =
    "DELETE FROM tercet_outbox WHERE settled_at < current_timestamp(6) - INTERVAL ? MICROSECOND
    ORDER BY settled_at LIMIT ?";

/// A trail's columns, from a part of the table.
macro_rules! trail_where {
    ($rest:literal) => {
        concat!(
            "SELECT id, message_id, ordering_key, destination, state, attempts, last_error, lease_by,
                CAST(unix_timestamp(created_at) * 1000 AS SIGNED), CAST(unix_timestamp(due_at) * 1000 AS SIGNED),
                CAST(unix_timestamp(settled_at) * 1000 AS SIGNED)
            FROM tercet_outbox WHERE ",
            $rest
        )
    };
}
const DEAD: &str = trail_where!("state = 'dead' AND id > ? ORDER BY id LIMIT ?");
const TRAIL: &str = trail_where!("message_id = ?");

/// Binds the row ids and ends the list. The last one is repeated up to a power of two, so that there are few statements, which
/// stay prepared: to have one closed stalls the connection.
fn among(builder: &mut QueryBuilder<MySql>, ids: &[i64]) {
    let mut list = builder.separated(", ");
    let filling = ids.last().into_iter().cycle();
    for id in ids.iter().chain(filling).take(ids.len().next_power_of_two()) {
        list.push_bind(*id);
    }
    list.push_unseparated(")");
}

impl Queue for MySqlConnection {
    async fn enqueue(&mut self, message: &Message) -> Result<bool, sqlx::Error> {
        let insert = sqlx::query(ENQUEUE).bind(&message.id).bind(&message.key).bind(&message.destination);
        match insert.bind(&message.payload).bind(message.headers_json()).execute(self).await {
            Ok(_) => Ok(true),
            // Fails the statement only.
            Err(sqlx::Error::Database(fault)) if fault.is_unique_violation() => Ok(false),
            Err(fault) => Err(fault),
        }
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
        let mut heads: Vec<Head> = Vec::new();
        loop {
            let after = heads.last().map_or(after, |head| &head.key);
            let query = sqlx::query(HEADS).bind(on_dead == OnDead::Skip).bind(after).bind(PAGE);
            let mut rows = 0;
            for row in query.fetch_all(&mut *self).await? {
                heads.push(Head { key: row.try_get(0)?, id: row.try_get(1)?, is_free: row.try_get(2)? });
                rows += row.try_get::<i64, _>(3)?;
            }
            if rows < PAGE || heads.len() >= limit as usize {
                heads.truncate(limit as usize);
                return Ok(heads);
            }
        }
    }

    async fn lock(&mut self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        let mut select = QueryBuilder::new(LOCK);
        among(&mut select, ids);
        select.push(" FOR UPDATE SKIP LOCKED");
        select.build_query_scalar().fetch_all(self).await
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
        let [set, until, rows] = LEASE;
        let mut update = QueryBuilder::new(set);
        update.push_bind(by).push(until).push_bind(ms * 1000).push(rows);
        among(&mut update, ids);
        update.build().execute(self).await.map(drop)
    }

    async fn sent(&mut self, ids: &[i64]) -> Result<(), sqlx::Error> {
        let mut update = QueryBuilder::new(SENT);
        among(&mut update, ids);
        update.build().execute(self).await.map(drop)
    }

    async fn release(&mut self, ids: &[i64], by: &str) -> Result<(), sqlx::Error> {
        let mut update = QueryBuilder::new(RELEASE);
        update.push_bind(by).push(" AND id IN (");
        among(&mut update, ids);
        update.build().execute(self).await.map(drop)
    }

    async fn change(&mut self, id: i64, by: &str, change: &Change) -> Result<(), sqlx::Error> {
        let update = sqlx::query(CHANGE).bind(change.state.name()).bind(change.attempts.cast_signed());
        let update = update.bind(&change.error).bind(change.wait_ms * 1000).bind(id);
        update.bind(by).execute(self).await.map(drop)
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
        let done = sqlx::query(statement).bind(note).bind(message_id).execute(self).await?;
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
        let purge = sqlx::query(PURGE).bind(older_than_ms * 1000).bind(i64::from(limit));
        Ok(purge.execute(self).await?.rows_affected())
    }
}
