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

rows!(PgConnection, after: [transaction, branch]);

fn written(done: Result<sqlx::postgres::PgQueryResult, sqlx::Error>) -> Result<Written, sqlx::Error> {
    Ok(if done?.rows_affected() == 1 { Written::First } else { Written::Occupied })
}
