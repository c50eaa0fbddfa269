//! The barrier's rows in PostgreSQL. A conflict waits for the local transaction that holds the place, then does nothing.

use sqlx::{PgConnection, Row as _};

use super::clean::{Aged, Clean};
use super::rows::{Kept, Phase, Places, Row, Rows, Standing, Told, Written};
use crate::call::Branch;

const INSERT: &str =
    "INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
/// The row of the first phase is found by its whole key, so no gap is locked beside it.
const INSERT_AFTER: &str =
    "INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content)
    SELECT $1, $2, $3, $4, $5, $6 FROM tercet_barrier
    WHERE transaction_id = $7 AND branch_id = $8 AND phase = 1 AND operation = $9 AND outcome = 'done'
    ON CONFLICT DO NOTHING";
const READ: &str = "SELECT phase, operation, outcome, content, answer FROM tercet_barrier
    WHERE transaction_id = $1 AND branch_id = $2";
const KEEP: &str =
    "UPDATE tercet_barrier SET answer = $1 WHERE transaction_id = $2 AND branch_id = $3 AND phase = $4";
const STANDS: &str =
    "SELECT 1 FROM tercet_barrier WHERE transaction_id = $1 AND branch_id = $2 AND phase = $3";

/// Pages of the key; the age by the database's own clock.
const PAGE: &str = "SELECT transaction_id, branch_id, phase, operation, outcome,
        (extract(epoch FROM clock_timestamp() - created_at) * 1000)::bigint
    FROM tercet_barrier WHERE (transaction_id, branch_id) > ($1, $2)
    ORDER BY transaction_id, branch_id, phase LIMIT $3";
const FORGET: &str = "DELETE FROM tercet_barrier WHERE transaction_id = $1 AND branch_id = $2";

impl Rows for PgConnection {
    type Fault = sqlx::Error;

    async fn insert(&mut self, row: Row<'_>) -> Result<Written, sqlx::Error> {
        let done = bound!(INSERT, row).execute(self).await;
        written(done)
    }

    async fn insert_after(&mut self, row: Row<'_>, operation: &'static str) -> Result<Written, sqlx::Error> {
        let insert =
            bound!(INSERT_AFTER, row).bind(&row.branch.transaction).bind(&row.branch.branch).bind(operation);
        written(insert.execute(self).await)
    }

    async fn read(&mut self, branch: &Branch) -> Result<Places, sqlx::Error> {
        let read = sqlx::query(READ).bind(&branch.transaction).bind(&branch.branch);
        let mut places = Places::default();
        for row in read.fetch_all(self).await? {
            let kept = Kept {
                operation: row.try_get(1)?,
                told: Told::read(row.try_get(2)?),
                content: row.try_get(3)?,
                answer: row.try_get(4)?,
            };
            places.put(row.try_get::<i16, _>(0)?.into(), kept);
        }
        Ok(places)
    }

    async fn keep(&mut self, branch: &Branch, phase: Phase, answer: &[u8]) -> Result<Standing, sqlx::Error> {
        let (transaction, phase) = (&branch.transaction, phase.number());
        let rows = if answer.is_empty() {
            let look = sqlx::query(STANDS).bind(transaction).bind(&branch.branch).bind(phase);
            look.fetch_all(self).await?.len() as u64
        } else {
            let keep = sqlx::query(KEEP).bind(answer).bind(transaction).bind(&branch.branch).bind(phase);
            keep.execute(self).await?.rows_affected()
        };
        Ok(Standing::of(rows))
    }
}

impl Clean for PgConnection {
    async fn page(&mut self, after: &Branch, limit: u32) -> Result<Vec<Aged>, sqlx::Error> {
        let page = sqlx::query(PAGE).bind(&after.transaction).bind(&after.branch).bind(i64::from(limit));
        let rows = page.fetch_all(self).await?;
        rows.iter()
            .map(|row| {
                let kept = Kept {
                    operation: row.try_get(3)?,
                    told: Told::read(row.try_get(4)?),
                    content: None,
                    answer: None,
                };
                let branch = Branch { transaction: row.try_get(0)?, branch: row.try_get(1)? };
                Ok(Aged { branch, phase: row.try_get::<i16, _>(2)?.into(), kept, age_ms: row.try_get(5)? })
            })
            .collect()
    }

    async fn forget(&mut self, branch: &Branch) -> Result<(), sqlx::Error> {
        sqlx::query(FORGET).bind(&branch.transaction).bind(&branch.branch).execute(self).await.map(drop)
    }
}

fn written(done: Result<sqlx::postgres::PgQueryResult, sqlx::Error>) -> Result<Written, sqlx::Error> {
    Ok(if done?.rows_affected() == 1 { Written::First } else { Written::Occupied })
}
