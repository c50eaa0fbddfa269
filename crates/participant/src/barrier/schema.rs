//! Makes the tables, and checks at start-up that they are where they must be: beside the business tables.

use super::{Barrier, Fault};
use crate::database::Dialect;

/// What is wrong with where the tables are.
#[derive(Debug, thiserror::Error)]
pub enum SchemaFault {
    /// The database can't be asked.
    #[error(transparent)]
    Database(#[from] Fault),
    /// A table is not in the database of this pool.
    #[error(
        "the table {table} is not in the database that the barrier's pool is connected to, or not in its local transactions; \
         the barrier's rows and the business rows must be committed together in the same database, or a crash between two \
         commits does the business change twice or never"
    )]
    Elsewhere {
        /// Which.
        table: String,
    },
}

impl<D: Dialect> Barrier<D> {
    /// Makes the tables of the barrier, where they are missing. The same statements are in the SQL files of this room.
    ///
    /// # Errors
    /// The database.
    pub async fn create_schema(&self) -> Result<(), Fault> {
        let mut connection = self.pool().acquire().await?;
        for statement in D::SCHEMA {
            D::execute(&mut connection, statement).await?;
        }
        Ok(())
    }

    /// Checks that the barrier's table and all of `business` are tables of this pool's database. To be called at start-up.
    ///
    /// # Errors
    /// Names the first table that is not there.
    pub async fn check_schema(&self, business: &[&str]) -> Result<(), SchemaFault> {
        let mut connection = self.pool().acquire().await.map_err(Fault::from)?;
        let tables: Vec<&str> = ["tercet_barrier"].iter().chain(business).copied().collect();
        let missing = D::missing_tables(&mut connection, &tables).await.map_err(Fault::from)?;
        match missing.into_iter().next() {
            Some(table) => Err(SchemaFault::Elsewhere { table }),
            None => Ok(()),
        }
    }
}
