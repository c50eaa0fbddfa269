//! How a MySQL or MariaDB stands.

use std::time::Duration;

use sqlx::mysql::{MySqlDatabaseError, MySqlRow};
use sqlx::{Executor, MySql, Row};

use super::{Behind, Probe};

/// Whoever does not know the statement, and whoever does not know the word `REPLICA`, says so with this number.
const SYNTAX: u16 = 1064;
/// Seconds behind, by the words of either.
const COLUMNS: [&str; 2] = ["Seconds_Behind_Source", "Seconds_Behind_Master"];

impl Probe for MySql {
    const SCHEMES: &'static [&'static str] = &["mysql", "mariadb"];

    async fn is_read_only(connection: &mut Self::Connection) -> Result<bool, sqlx::Error> {
        let number: i64 =
            sqlx::query_scalar("SELECT CAST(@@global.read_only AS SIGNED)").fetch_one(connection).await?;
        Ok(number != 0)
    }

    async fn position(_: &mut Self::Connection) -> Result<Option<u64>, sqlx::Error> {
        Ok(None)
    }

    /// The database's own seconds, whole ones, and none while the replica is not connected to its primary.
    async fn behind(connection: &mut Self::Connection) -> Result<Behind, sqlx::Error> {
        let row = match connection.fetch_optional(sqlx::raw_sql("SHOW REPLICA STATUS")).await {
            Err(fault) if number(&fault) == Some(SYNTAX) => {
                connection.fetch_optional(sqlx::raw_sql("SHOW SLAVE STATUS")).await?
            }
            row => row?,
        };
        let Some(row) = row else { return Ok(Behind::FollowsNobody) };
        // Cut off, not rounded: the part of a second beyond it may be all but a whole one.
        Ok(seconds(&row).map_or(Behind::Unknown, |seconds| Behind::For(Duration::from_secs(seconds + 1))))
    }
}

fn seconds(row: &MySqlRow) -> Option<u64> {
    COLUMNS.iter().find_map(|column| {
        let unsigned = row.try_get::<Option<u64>, _>(*column);
        let signed = || row.try_get::<Option<i64>, _>(*column).map(|it| it.and_then(|it| it.try_into().ok()));
        unsigned.or_else(|_| signed()).ok().flatten()
    })
}

fn number(fault: &sqlx::Error) -> Option<u16> {
    let fault = fault.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(fault.number())
}
