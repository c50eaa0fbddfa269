//! The business change of a `sql` branch: its declared statements, in the local transaction that the barrier opened.
//!
//! Every statement must change as many rows as it declares. In a try, another number, or a constraint of the table that
//! stands against it, is a business refusal; in a confirm or cancel it is one too, so that nothing stays changed and
//! somebody looks at once.

use std::sync::Arc;

use participant::barrier::{Business, Fault, Pending};
use participant::call::{Branch, Outcome};
use participant::database::Local;
use sqlx::AssertSqlSafe;
use sqlx::error::ErrorKind;

use super::super::parameters::{Value, Values};
use super::text::{BRANCH, Compiled, TRANSACTION};

/// One statement with what it must do.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) compiled: Compiled,
    /// How many rows it must change; `None`: any.
    pub(super) rows: Option<u64>,
    /// The code under which it refuses.
    pub(super) refusal: Arc<str>,
}

/// The change of one call.
pub(super) struct Change {
    pub(super) steps: Arc<[Step]>,
    pub(super) values: Values,
    pub(super) branch: Branch,
}

/// What stands at one place of a statement.
enum Bound<'a> {
    Text(&'a str),
    Integer(i64),
    Boolean(bool),
}

impl Change {
    fn bound(&self, name: &str) -> Result<Bound<'_>, Fault> {
        match (name, self.values.get(name)) {
            (TRANSACTION, None) => Ok(Bound::Text(&self.branch.transaction)),
            (BRANCH, None) => Ok(Bound::Text(&self.branch.branch)),
            (_, Some(Value::Text(text))) => Ok(Bound::Text(text)),
            (_, Some(Value::Integer(number))) => Ok(Bound::Integer(*number)),
            (_, Some(Value::Boolean(flag))) => Ok(Bound::Boolean(*flag)),
            (_, None) => Err(Fault::of(format!("the parameter {name} has no value"))),
        }
    }
}

impl Step {
    /// Why the number of rows, or the database's word, is a refusal; `None`: it is none.
    fn refused(&self, number: usize, done: &Result<u64, sqlx::Error>) -> Option<Outcome> {
        let why = match (done, self.rows) {
            (Ok(changed), Some(wanted)) if *changed != wanted => {
                format!("statement {number} changed {changed} rows and must change {wanted}")
            }
            (Err(sqlx::Error::Database(fault)), _) if is_constraint(&fault.kind()) => {
                format!("statement {number} breaks a constraint of the table")
            }
            _ => return None,
        };
        // The code goes in front, since that is all that a transaction's reason shows.
        Some(Outcome::refused(&*self.refusal, format!("{}: {why}", self.refusal)))
    }
}

/// Of whatever a database may say, only that a row may not be so.
fn is_constraint(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
            | ErrorKind::ExclusionViolation
    )
}

macro_rules! changes {
    ($($database:ty),*) => {$(
        impl Business<$database> for Change {
            fn change<'t>(&'t self, mut local: Local<'t, $database>) -> Pending<'t> {
                Box::pin(async move {
                    for (index, step) in self.steps.iter().enumerate() {
                        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&step.compiled.sql)));
                        for name in &step.compiled.binds {
                            query = match self.bound(name)? {
                                Bound::Text(text) => query.bind(text),
                                Bound::Integer(number) => query.bind(number),
                                Bound::Boolean(flag) => query.bind(flag),
                            };
                        }
                        let done = query.execute(&mut *local).await.map(|done| done.rows_affected());
                        if let Some(refused) = step.refused(index + 1, &done) {
                            return Ok(refused);
                        }
                        done?;
                    }
                    Ok(Outcome::done())
                })
            }
        }
    )*};
}

changes!(sqlx::Postgres, sqlx::MySql, sqlx::Sqlite);
