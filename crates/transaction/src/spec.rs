//! What an initiator asks for: the content of a transaction, as kept in its first event.
//!
//! Two requests under one id are the same exactly when their `Spec`s are equal, so every field that
//! shapes the transaction is here and nothing else (`wait_ms` is not). Checked by `validate.rs`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Mode, Order, Pattern, Protocol, Retry, Terms};

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
    /// How a prepared message is checked back, or a workflow resumed.
    pub check: Option<CheckSpec>,
    /// The branches known from the start.
    pub branches: Vec<Arc<BranchSpec>>,
    /// What the kept form of a spec has no room for, kept beside it (`Event::BegunWith`); `None`: the plain terms.
    #[serde(skip)]
    pub terms: Option<Box<Terms>>,
}

impl Spec {
    /// How its participants are spoken to.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.terms.as_ref().map_or(Protocol::Tercet, |terms| terms.protocol)
    }
}

/// Where and when a prepared message's initiator is asked what became of it, or that of a workflow to go on.
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

/// What a branch is. Later kinds (`publish`) are appended here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// HTTP calls to a participant.
    Call(CallSpec),
    /// Tried when an outside fact is signalled.
    Await,
    /// A hold in the ledger, or several as one: decided in the frame of the transaction's own events.
    Hold(HoldSpec),
    /// An item of the ledger and its moves: decided in the frame of the transaction's own events.
    Item(ItemSpec),
    /// Calls in the protocol of its transaction, when that is not ours.
    Raw(RawSpec),
}

/// A `raw` branch: what is called in another protocol; headers and time-out are its transaction's ([`Terms`]). An operation
/// without a URL is done without a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawSpec {
    /// One URL per operation, in the form of the protocol.
    pub urls: Urls,
    /// Sent as the body of every call, byte for byte.
    pub body: Arc<[u8]>,
}

/// A `hold` branch: held by its try, captured by its confirm, released by its cancel; all its legs or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldSpec {
    /// What is held; of any mix of assets.
    pub legs: Vec<HoldLeg>,
}

/// One hold of a `hold` branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLeg {
    /// The account in which it is held.
    pub from: Arc<str>,
    /// The account that a capture credits.
    pub to: Arc<str>,
    /// How much.
    pub amount: Quantity,
    /// As much as is there will do.
    pub up_to: bool,
}

/// An amount as written; read by the ledger, which knows the scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantity {
    /// A decimal text.
    Decimal(Arc<str>),
    /// A whole number.
    Whole(i128),
}

/// An `item` branch: the moves of its try, confirm and cancel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSpec {
    /// The item's id.
    pub item: Arc<str>,
    /// The move of the try.
    pub attempt: Arc<str>,
    /// The move of the confirm.
    pub confirm: Arc<str>,
    /// The move of the cancel.
    pub cancel: Arc<str>,
    /// On whose behalf.
    pub owner: Option<Arc<str>>,
    /// What guards compare attributes with, sorted by key.
    pub arguments: Vec<(Arc<str>, Argument)>,
}

/// An argument of a move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Argument {
    /// A text.
    Text(Arc<str>),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
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

/// The URLs of a `call` branch. A saga's `action` and `compensate` are `attempt` and `cancel`, a message's `deliver` is `confirm`; XA's second phase is both `confirm` and `cancel`.
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
            Kind::Hold(_) => "hold",
            Kind::Item(_) => "item",
            Kind::Raw(_) => "dtm",
        }
    }

    /// The engine carries its operations out itself, in the ledger: nobody is called.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Kind::Hold(_) | Kind::Item(_) => true,
            Kind::Call(_) | Kind::Await | Kind::Raw(_) => false,
        }
    }
}
