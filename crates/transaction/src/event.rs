//! What was kept: the events of a transaction, and their encoding in the journal.
//!
//! Encoded with postcard (its wire format is specified and stable). An event once released is never reshaped: the
//! order of variants and fields is the format; new facts are new variants at the end. `tests/golden` guards it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::terms::beside;
use crate::{BranchSpec, Decision, Operation, Progress, Reason, Reply, Signal, Spec, Time, Trace};

/// A fact about one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It was begun.
    Begun {
        /// What was asked for.
        spec: Arc<Spec>,
        /// The W3C trace id that goes with every call and log line of it.
        trace: Trace,
    },
    /// An initiator registered a branch.
    Registered(Arc<BranchSpec>),
    /// A participant replied to a branch call, or did not.
    Replied {
        /// Index of the branch.
        branch: u16,
        /// What was asked.
        operation: Operation,
        /// Which attempt, from 1.
        attempt: u32,
        /// What came back.
        reply: Reply,
        /// When it is asked again, if it is.
        next_at: Option<Time>,
    },
    /// The initiator of a prepared message replied to the check-back, or did not.
    Checked {
        /// Which attempt, from 1.
        attempt: u32,
        /// What came back.
        reply: Reply,
        /// When it is asked again, if it is.
        next_at: Option<Time>,
    },
    /// The outside fact of an await branch arrived.
    Signalled {
        /// Index of the branch.
        branch: u16,
        /// What happened.
        signal: Signal,
        /// JSON text kept as the branch's result.
        result: Option<Arc<str>>,
    },
    /// All are tried; the cooling-off window began.
    Cooled {
        /// Its end.
        until: Time,
    },
    /// The one-way choice.
    Decided {
        /// Which.
        decision: Decision,
        /// Why, when it is cancel.
        reason: Option<Reason>,
    },
    /// No call is left: the transaction is final.
    Finished,
    /// Retries did not help: a person should look.
    AttentionRaised {
        /// Index of the branch; `None` for the check-back.
        branch: Option<u16>,
        /// What is being asked.
        operation: Operation,
        /// What is wrong.
        why: Arc<str>,
    },
    /// An operator asked for a retry now.
    Retried,
    /// It was begun, on terms that [`Event::Begun`] has no room for.
    BegunWith {
        /// What was asked for, its terms included.
        #[serde(with = "beside")]
        spec: Arc<Spec>,
        /// The W3C trace id that goes with every call and log line of it.
        trace: Trace,
    },
    /// The initiator of a workflow told of a step that it has run.
    Progressed(Arc<Progress>),
    /// The initiator of a workflow told its result.
    Resulted {
        /// The result, in its own form.
        result: Arc<str>,
    },
    /// An operator gave it up by force: it is final as it stands.
    Stopped {
        /// The operator's words for it.
        detail: Arc<str>,
    },
}

impl Event {
    /// What was asked for, when it is the event that begins a transaction.
    #[must_use]
    pub fn begun(&self) -> Option<(&Arc<Spec>, Trace)> {
        match self {
            Event::Begun { spec, trace } | Event::BegunWith { spec, trace } => Some((spec, *trace)),
            Event::Registered(_)
            | Event::Replied { .. }
            | Event::Checked { .. }
            | Event::Signalled { .. }
            | Event::Cooled { .. }
            | Event::Decided { .. }
            | Event::Finished
            | Event::AttentionRaised { .. }
            | Event::Retried
            | Event::Progressed(_)
            | Event::Resulted { .. }
            | Event::Stopped { .. } => None,
        }
    }
}

/// An event with the transaction and the time it belongs to: what a journal entry of this room holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The transaction's number: the sequence of its first event.
    pub number: u64,
    /// When it was decided.
    pub at: Time,
    /// The fact.
    pub event: Event,
}

/// A journal entry that is no event of this room: damage, or a newer version's.
#[derive(Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not an event this version knows ({}): was the folder written by a newer version?", self.0)
    }
}

impl std::error::Error for DecodeError {}

impl Kept {
    /// Appends the encoded event to `buffer`.
    pub fn encode(number: u64, at: Time, event: &Event, buffer: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            number: u64,
            at: Time,
            event: &'a Event,
        }
        let taken = std::mem::take(buffer);
        // Writing to a growing buffer has no way to fail.
        *buffer =
            postcard::to_extend(&Borrowed { number, at, event }, taken).expect("an event always encodes");
    }

    /// Reads one encoded event; the bytes must hold exactly one.
    ///
    /// # Errors
    /// When the bytes are no event of this version.
    pub fn decode(bytes: &[u8]) -> Result<Kept, DecodeError> {
        let (kept, rest) =
            postcard::take_from_bytes(bytes).map_err(|error| DecodeError(error.to_string()))?;
        if rest.is_empty() { Ok(kept) } else { Err(DecodeError(format!("{} bytes left over", rest.len()))) }
    }
}
