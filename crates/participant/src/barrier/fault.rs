//! What keeps a participant from answering at all. Never a refusal: the coordinator asks again.

use crate::call::Answer;
use http::StatusCode;

/// Why there is no answer. Nothing was changed, or it is not known whether it was: then the barrier tells at the next try.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Others changed the same rows again and again.
    #[error("others change the same rows; given up after {attempts} attempts")]
    Contended {
        /// How often it was begun.
        attempts: u32,
    },
    /// The answer is longer than the coordinator keeps.
    #[error("an answer of {bytes} bytes; {} are kept", crate::call::ANSWER_MAX)]
    AnswerTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The database had given the local transaction up, and the business function went on as if it had not.
    #[error(
        "the business change answered, but its local transaction was rolled back by an earlier error of one of its \
         statements; hand such an error on instead of going on"
    )]
    GivenUp,
    /// The place of the books is known, and is away or takes nothing new; nothing was begun.
    #[error("{0}")]
    Away(Box<dyn std::error::Error + Send + Sync>),
    /// The business function, for a reason that is no refusal.
    #[error("{0}")]
    Business(Box<dyn std::error::Error + Send + Sync>),
}

impl Fault {
    /// Of any other error.
    pub fn of(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
        Fault::Business(error.into())
    }

    /// What is answered: 503 for what passes, 500 for the rest. Says nothing of the inside.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let (status, code, detail) = match self {
            Fault::Database(fault) if passes(fault) => {
                (StatusCode::SERVICE_UNAVAILABLE, "database", "the participant's database is not there")
            }
            Fault::Database(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "database",
                "the participant's database refuses a statement",
            ),
            Fault::GivenUp => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "given_up",
                "the local transaction was rolled back and the participant did not notice",
            ),
            Fault::Away(_) => (StatusCode::SERVICE_UNAVAILABLE, "source_away", "the participant's database"),
            Fault::Contended { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "contended", "others change the same rows")
            }
            Fault::AnswerTooLong { .. } => {
                (StatusCode::INTERNAL_SERVER_ERROR, "answer_too_long", "the answer is too long")
            }
            Fault::Business(_) => (StatusCode::INTERNAL_SERVER_ERROR, "fault", "the participant failed"),
        };
        Answer::problem(status, code, detail)
    }
}

/// Whether the database, or the way to it, is what is wrong, and not a statement: so it may pass by itself. SQLSTATE
/// classes 08 (connection), 53 (resources), 57 (operator intervention), 58 (system) of the standard and of PostgreSQL
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), which MySQL's connection faults have too.
fn passes(fault: &sqlx::Error) -> bool {
    match fault {
        sqlx::Error::Database(fault) => fault
            .code()
            .is_some_and(|code| ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class))),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Fault {
        Fault::of(error)
    }
}
