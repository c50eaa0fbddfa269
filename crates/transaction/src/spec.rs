//! What an initiator asks for: the content of a transaction, as kept in its first event.
//!
//! Two requests under one id are the same exactly when their `Spec`s are equal, so every field that
//! shapes the transaction is here and nothing else (`wait_ms` is not). Checked by `validate.rs`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Mode, Order, Pattern, Retry};

/// A transaction as asked for, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The caller's id, or the server's UUIDv7.
    pub id: Arc<str>,
    /// Its pattern.
    pub pattern: Pattern,
    /// Who runs the tries.
    pub mode: Mode,
    /// How branches follow each other.
    pub order: Order,
    /// Bounds everything before the decision, in milliseconds; `None`: no deadline (a message).
    pub deadline_ms: Option<u64>,
    /// The window between "all tried" and confirming, in milliseconds; 0: none.
    pub cooling_off_ms: u64,
    /// How branch calls are repeated.
    pub retry: Retry,
    /// Labels to find it by, sorted by key.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// How a prepared message is checked back.
    pub check: Option<CheckSpec>,
    /// The branches known from the start.
    pub branches: Vec<Arc<BranchSpec>>,
}

/// Where and when a prepared message's initiator is asked what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// The URL to call.
    pub url: Arc<str>,
    /// Milliseconds after the begin.
    pub after_ms: u64,
}

/// One participant's share, as asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchSpec {
    /// Unique in its transaction.
    pub id: Arc<str>,
    /// Branches (by id) that must be tried first.
    pub after: Vec<Arc<str>>,
    /// What the branch is.
    pub kind: Kind,
}

/// What a branch is. Later kinds (`hold`, `item`, `publish`) are appended here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// HTTP calls to a participant.
    Call(CallSpec),
    /// Tried when an outside fact is signalled.
    Await,
}

/// A `call` branch: where to call, with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSpec {
    /// One URL per operation; an absent one needs no call.
    pub urls: Urls,
    /// The JSON text sent as the body of every call, byte for byte.
    pub body: Option<Arc<str>>,
    /// Extra headers of every call.
    pub headers: Vec<Header>,
    /// Bound on one call, in milliseconds.
    pub timeout_ms: u64,
    /// Confirm and cancel get the result of the try beside the body.
    pub pass_result: bool,
}

/// The URLs of a `call` branch. A saga's `action` and `compensate` are `attempt` and `cancel`, a message's `deliver` is `confirm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urls {
    /// Called to try (or to act).
    pub attempt: Option<Arc<str>>,
    /// Called to confirm (or to deliver).
    pub confirm: Option<Arc<str>>,
    /// Called to cancel (or to compensate).
    pub cancel: Option<Arc<str>>,
}

/// A W3C trace id (trace-context, section 3.2.2.3): who asked, not what was asked, so no part of [`Spec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace(pub [u8; 16]);

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A header's name and value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name, as given.
    pub name: Arc<str>,
    /// Value, visible ASCII.
    pub value: Arc<str>,
}

impl Kind {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Call(_) => "call",
            Kind::Await => "await",
        }
    }
}
