//! How a SQLite stands: there when its file is, and never behind, since nobody copies it.

use sqlx::Sqlite;

use super::{Behind, Probe};

impl Probe for Sqlite {
    const SCHEMES: &'static [&'static str] = &["sqlite"];

    async fn is_read_only(connection: &mut Self::Connection) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("PRAGMA query_only").fetch_one(connection).await
    }

    async fn position(_: &mut Self::Connection) -> Result<Option<u64>, sqlx::Error> {
        Ok(None)
    }

    async fn behind(connection: &mut Self::Connection) -> Result<Behind, sqlx::Error> {
        sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(connection).await?;
        Ok(Behind::Never)
    }
}
