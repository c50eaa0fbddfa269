//! What can be asked of a transaction that exists. [`crate::decide`] answers each with events or a refusal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BranchSpec, Decision, Operation, Progress};

/// One request to a transaction, from an initiator, an operator, a participant's reply or the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Register one branch of an interactive transaction before its try is called.
    Register(Arc<BranchSpec>),
    /// Confirm an interactive transaction; submit a message.
    Confirm,
    /// Cancel an interactive transaction, abort a message, withdraw a managed one.
    Cancel {
        /// The caller's words for it.
        detail: Option<Arc<str>>,
    },
    /// A step of a workflow has been run.
    Progress(Arc<Progress>),
    /// The initiator of a workflow is through.
    Conclude {
        /// How it ended.
        decision: Decision,
        /// The caller's words for a failure.
        detail: Option<Arc<str>>,
        /// What it gave, in the initiator's own form.
        result: Option<Arc<str>>,
    },
    /// An operator gives it up by force.
    Stop {
        /// The operator's words for it.
        detail: Arc<str>,
    },
    /// The outside fact of an `await` branch.
    Signal {
        /// The branch's id.
        branch: Arc<str>,
        /// What happened.
        signal: Signal,
        /// JSON text kept as the branch's result.
        result: Option<Arc<str>>,
    },
    /// An operator's retry now.
    Retry,
    /// A participant replied to a call (or did not).
    Replied {
        /// Index of the branch; `None` for the check-back.
        branch: Option<u16>,
        /// The operation that was called.
        operation: Operation,
        /// The attempt that was called, from 1.
        attempt: u32,
        /// What came back.
        reply: Reply,
        /// Seeds the jitter of the next attempt.
        seed: u64,
    },
    /// Time has passed: is a deadline or a window over?
    Due,
}

/// The outside fact of an `await` branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// It happened.
    Done,
    /// It will not happen.
    Refused,
}

/// A remote reply. *Unknown* decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The participant did it.
    Done {
        /// The JSON text that it answered, if any (kept for a try or an action).
        result: Option<Arc<str>>,
    },
    /// The participant will not do it.
    Refused {
        /// Its words.
        detail: Arc<str>,
    },
    /// The participant is at it; ask again.
    InProgress,
    /// Nobody knows: time-out, broken connection, an answer that means nothing.
    Unknown {
        /// What went wrong.
        error: Arc<str>,
    },
}
