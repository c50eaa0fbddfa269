//! What keeps a participant in front of Redis from answering, or from starting. Never a refusal.

use http::StatusCode;
use redis::RedisError;

use crate::barrier::HorizonFault;
use crate::call::Answer;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Redis. The script ran as a whole or not at all; which of them, the next call is told.
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
    /// Another epoch than was asked for: this Redis was emptied or replaced, and must be filled again first.
    #[error(
        "this Redis holds another epoch than is asked for: it has lost what it held, and must be filled again"
    )]
    Lost,
    /// The business script, before it wrote anything.
    #[error("the business script, before it changed anything: {0}")]
    Business(String),
    /// The business script, in the middle of its writes.
    #[error(
        "the business script failed in the middle of its change, which stays half made, {key} says so: {text}"
    )]
    Broken {
        /// The branch's record. Once the business data are right, remove its field `broken`.
        key: String,
        /// What it failed of.
        text: String,
    },
    /// Redis answers what this script does not: another script under its name.
    #[error("an answer of Redis that can't be understood")]
    Unreadable,
}

impl Fault {
    /// What is answered: 503 for what passes, 500 for the rest. Says nothing of the inside.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let (status, code, detail) = match self {
            Fault::Redis(_) => (StatusCode::SERVICE_UNAVAILABLE, "database", "the participant's database"),
            Fault::Lost => {
                (StatusCode::SERVICE_UNAVAILABLE, "lost", "the participant's data is being restored")
            }
            Fault::Broken { .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "broken",
                "a change is half made; the participant must look",
            ),
            Fault::Business(_) | Fault::Unreadable => {
                (StatusCode::INTERNAL_SERVER_ERROR, "fault", "the participant failed")
            }
        };
        Answer::problem(status, code, detail)
    }
}

/// Why settings can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// Records would go too early.
    #[error(transparent)]
    Horizon(#[from] HorizonFault),
    /// A brace in the prefix would be taken for the hash tag.
    #[error("the prefix {0} holds a brace, which would be taken for the hash tag of the key")]
    Prefix(String),
}

/// Why a Redis must not be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerFault {
    /// It can't be asked.
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
    /// It throws keys away when its memory is full, and with them records and business data.
    #[error(
        "this Redis evicts keys (maxmemory-policy {policy}); records must stay: set maxmemory-policy noeviction"
    )]
    Evicts {
        /// Its policy.
        policy: String,
    },
}
