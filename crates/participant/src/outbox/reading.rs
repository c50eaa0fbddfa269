//! How rows are read: the same columns from each database, whose row types share no trait of use. Macros, nothing else.

/// The columns of [`letter!`], in its order, but for `is_due`, which each database computes.
macro_rules! letter {
    ($row:expr) => {
        Ok($crate::outbox::Letter {
            id: $row.try_get(0)?,
            message_id: $row.try_get(1)?,
            key: $row.try_get(2)?,
            destination: $row.try_get(3)?,
            payload: $row.try_get(4)?,
            headers: $row.try_get(5)?,
            attempts: $row.try_get::<i32, _>(6)?.unsigned_abs(),
            is_due: $row.try_get(7)?,
        })
    };
}

/// The columns of a trail.
macro_rules! trail {
    ($row:expr) => {
        Ok($crate::outbox::Trail {
            id: $row.try_get(0)?,
            message_id: $row.try_get(1)?,
            key: $row.try_get(2)?,
            destination: $row.try_get(3)?,
            state: $crate::outbox::State::read($row.try_get(4)?),
            attempts: $row.try_get::<i32, _>(5)?.unsigned_abs(),
            last_error: $row.try_get(6)?,
            lease_by: $row.try_get(7)?,
            created_ms: $row.try_get(8)?,
            due_ms: $row.try_get(9)?,
            settled_ms: $row.try_get(10)?,
        })
    };
}

/// The columns of a message.
macro_rules! message {
    ($row:expr) => {
        Ok($crate::outbox::Message {
            id: $row.try_get(0)?,
            key: $row.try_get(1)?,
            destination: $row.try_get(2)?,
            payload: $row.try_get(3)?,
            headers: serde_json::from_str($row.try_get(4)?)
                .map_err(|fault| sqlx::Error::Decode(Box::new(fault)))?,
        })
    };
}

/// Waiting rows, dead rows, and the oldest one's age.
macro_rules! backlog {
    ($row:expr) => {{
        let count = |at: usize| $row.try_get::<i64, _>(at).map(i64::unsigned_abs);
        let oldest = $row.try_get::<Option<i64>, _>(2)?.unwrap_or(0).max(0).unsigned_abs();
        Ok($crate::outbox::Backlog { waiting: count(0)?, dead: count(1)?, oldest_ms: oldest })
    }};
}
