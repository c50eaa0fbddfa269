//! How a PostgreSQL stands. A replica's lag is told by the log's positions, so no clock but ours counts: what the primary
//! had written when it was last looked at, and the replica has replayed, was committed before that look.

use sqlx::Postgres;

use super::{Behind, Probe};

/// A page of the log begins with a header of 24 bytes, or 40 in the first of a segment. A primary that has written all but
/// nothing into a page names the place behind the header, a replica that has all of it the place before.
const PAGE: i64 = 8_192;
const HEADERS: [i64; 2] = [24, 40];

impl Probe for Postgres {
    const SCHEMES: &'static [&'static str] = &["postgres", "postgresql"];

    async fn is_read_only(connection: &mut Self::Connection) -> Result<bool, sqlx::Error> {
        let standby = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'";
        sqlx::query_scalar(standby).fetch_one(connection).await
    }

    async fn position(connection: &mut Self::Connection) -> Result<Option<u64>, sqlx::Error> {
        // Of what is inserted, not of what is written: with asynchronous commit the first is what others already see.
        let inserted = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        let position: i64 = sqlx::query_scalar(inserted).fetch_one(connection).await?;
        Ok(u64::try_from(before_header(position)).ok())
    }

    async fn behind(connection: &mut Self::Connection) -> Result<Behind, sqlx::Error> {
        let replayed =
            "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END,
            pg_is_in_recovery()";
        let (position, follows): (Option<i64>, bool) = sqlx::query_as(replayed).fetch_one(connection).await?;
        Ok(match (position, follows) {
            (_, false) => Behind::FollowsNobody,
            (Some(position), true) => u64::try_from(position).map_or(Behind::Unknown, Behind::Position),
            (None, true) => Behind::Unknown,
        })
    }
}

fn before_header(position: i64) -> i64 {
    let into = position % PAGE;
    if HEADERS.contains(&into) { position - into } else { position }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_is_told_by_its_beginning() {
        assert_eq!(before_header(0x0300_0028), 0x0300_0000);
        assert_eq!(before_header(0x0300_2018), 0x0300_2000);
        assert_eq!(before_header(0x0300_2020), 0x0300_2020);
        assert_eq!(before_header(0x0300_0000), 0x0300_0000);
    }
}
