//! The barrier's rows in MySQL and MariaDB. A duplicate key fails the statement only, after waiting for who holds
//! the place. What is read is locked, since a snapshot of earlier in the local transaction would not show it.

use sqlx::{MySqlConnection, Row as _};

use super::clean::{Aged, Clean};
use super::rows::{Kept, Phase, Places, Row, Rows, Standing, Told, Written};
use crate::call::Branch;

const INSERT: &str = "INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content) VALUES (?, ?, ?, ?, ?, ?)";
/// The row of the first phase is found by its whole key, so no gap is locked beside it.
const INSERT_AFTER: &str =
    "INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content)
    SELECT ?, ?, ?, ?, ?, ? FROM tercet_barrier
    WHERE transaction_id = ? AND branch_id = ? AND phase = 1 AND operation = ? AND outcome = 'done'";
const READ: &str = "SELECT phase, operation, outcome, content, answer FROM tercet_barrier
    WHERE transaction_id = ? AND branch_id = ? LOCK IN SHARE MODE";
const KEEP: &str =
    "UPDATE tercet_barrier SET answer = ? WHERE transaction_id = ? AND branch_id = ? AND phase = ?";
const STANDS: &str = "SELECT 1 FROM tercet_barrier WHERE transaction_id = ? AND branch_id = ? AND phase = ?";

/// Pages of the key; the age by the database's own clock.
const PAGE: &str = "SELECT transaction_id, branch_id, phase, operation, outcome,
        timestampdiff(MICROSECOND, created_at, current_timestamp(6)) DIV 1000
    FROM tercet_barrier WHERE transaction_id > ? OR (transaction_id = ? AND branch_id > ?)
    ORDER BY transaction_id, branch_id, phase LIMIT ?";
const FORGET: &str = "DELETE FROM tercet_barrier WHERE transaction_id = ? AND branch_id = ?";

impl Rows for MySqlConnection {
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

impl Clean for MySqlConnection {
    async fn page(&mut self, after: &Branch, limit: u32) -> Result<Vec<Aged>, sqlx::Error> {
        let page = sqlx::query(PAGE)
            .bind(&after.transaction)
            .bind(&after.transaction)
            .bind(&after.branch)
            .bind(i64::from(limit));
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

/// `ER_DUP_ENTRY`. Not `INSERT IGNORE`, which hides other faults too.
fn written(done: Result<sqlx::mysql::MySqlQueryResult, sqlx::Error>) -> Result<Written, sqlx::Error> {
    match done {
        Ok(done) if done.rows_affected() == 1 => Ok(Written::First),
        Ok(_) => Ok(Written::Occupied),
        Err(sqlx::Error::Database(fault)) if fault.is_unique_violation() => Ok(Written::Occupied),
        Err(fault) => Err(fault),
    }
}
