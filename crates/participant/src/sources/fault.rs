//! Why nothing was begun at a source, or what was begun did not end well.

use std::time::Duration;

use super::plan::{PlanFault, Unmatched};
use crate::barrier::Fault;

/// What keeps a key's work from its source.
#[derive(Debug, thiserror::Error)]
pub enum SourceFault {
    /// No rule places the key. The operator must act.
    #[error(transparent)]
    Unmatched(#[from] Unmatched),
    /// The key's primary is out. Nothing is written elsewhere; try again when it is back.
    #[error("the source {source_name} is out since {} ms: {why}", since.as_millis())]
    PrimaryDown {
        /// Which.
        source_name: String,
        /// For how long.
        since: Duration,
        /// What the look at it found.
        why: String,
    },
    /// The key's source is being drained and takes nothing new.
    #[error("the source {source_name} is drained and takes nothing new")]
    Draining {
        /// Which.
        source_name: String,
    },
    /// The same work has a local transaction open. A bug of the caller: use the open one, or end it before.
    #[error("a local transaction is open: within it no other source, and no other transaction, can be used")]
    InsideLocalTransaction,
    /// The database of a source.
    #[error("the source {source_name}: {fault}")]
    Database {
        /// Which.
        source_name: String,
        /// What it said.
        fault: sqlx::Error,
    },
    /// The plan is refused; the one before stays in force.
    #[error(transparent)]
    Plan(#[from] PlanFault),
    /// The plan's file can't be read; the plan before stays in force.
    #[error("the plan {path}: {fault}")]
    File {
        /// Where it should be.
        path: String,
        /// Why not.
        fault: std::io::Error,
    },
    /// Tables are not where they must be.
    #[error("the source {source_name}: {fault}")]
    Schema {
        /// Which.
        source_name: String,
        /// What is wrong.
        fault: crate::barrier::SchemaFault,
    },
}

/// What passes is 503, what somebody must mend is 500; the coordinator asks again in both cases.
impl From<SourceFault> for Fault {
    fn from(fault: SourceFault) -> Fault {
        match fault {
            SourceFault::Database { fault, .. } => Fault::Database(fault),
            SourceFault::PrimaryDown { .. } | SourceFault::Draining { .. } => Fault::Away(Box::new(fault)),
            SourceFault::Unmatched(_)
            | SourceFault::InsideLocalTransaction
            | SourceFault::Plan(_)
            | SourceFault::File { .. }
            | SourceFault::Schema { .. } => Fault::of(fault),
        }
    }
}
