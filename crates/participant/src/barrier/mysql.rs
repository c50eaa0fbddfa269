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

rows!(MySqlConnection, after: [transaction, transaction, branch]);

/// `ER_DUP_ENTRY`. Not `INSERT IGNORE`, which hides other faults too.
fn written(done: Result<sqlx::mysql::MySqlQueryResult, sqlx::Error>) -> Result<Written, sqlx::Error> {
    match done {
        Ok(done) if done.rows_affected() == 1 => Ok(Written::First),
        Ok(_) => Ok(Written::Occupied),
        Err(sqlx::Error::Database(fault)) if fault.is_unique_violation() => Ok(Written::Occupied),
        Err(fault) => Err(fault),
    }
}
