//! The refusals of this room: what a caller must mend. Each kind has a stable number and code, one line per kind.
//!
//! `docs/reference/refusals.md` is generated from [`REFUSALS`]; how a class becomes an HTTP status is `server`'s business.

use std::fmt;

/// What sort of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// The request is malformed.
    Malformed,
    /// It names something that does not exist.
    Unknown,
    /// It conflicts with the state.
    Conflict,
    /// It is larger than a limit.
    TooLarge,
    /// An id or key that is known with other content.
    Mismatch,
    /// Not now: ask again later.
    NotNow,
    /// The caller is not known, or not allowed.
    NotAllowed,
}

/// One kind of refusal: stable for ever once released.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusalKind {
    /// Its number.
    pub number: u16,
    /// Its code on the wire.
    pub code: &'static str,
    /// What sort of mistake it is.
    pub class: RefusalClass,
    /// A short title.
    pub title: &'static str,
    /// How the caller mends it.
    pub mend: &'static str,
}

/// A refusal: the caller must act, nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its kind.
    pub kind: &'static RefusalKind,
    /// What exactly was wrong.
    pub detail: String,
    /// JSON pointer to the field at fault, when one is meant.
    pub at: Option<String>,
}

impl RefusalKind {
    /// A refusal of this kind that concerns the whole request.
    #[must_use]
    pub fn because(&'static self, detail: impl Into<String>) -> Refusal {
        Refusal { kind: self, detail: detail.into(), at: None }
    }

    /// A refusal of this kind that concerns the field at the JSON pointer `at`.
    #[must_use]
    pub fn at(&'static self, at: impl Into<String>, detail: impl Into<String>) -> Refusal {
        Refusal { kind: self, detail: detail.into(), at: Some(at.into()) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code, self.detail)
    }
}

impl std::error::Error for Refusal {}

/// Declares the refusals of one room: a static per kind, and `REFUSALS` with all of them, by number. A row is
/// `NAME = number "code" Class, "title", "how the caller mends it";`.
#[macro_export]
macro_rules! refusals {
    ($($name:ident = $number:literal $code:literal $class:ident, $title:literal, $mend:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: $crate::RefusalKind = $crate::RefusalKind {
                number: $number,
                code: $code,
                class: $crate::RefusalClass::$class,
                title: $title,
                mend: $mend,
            };
        )*
        /// Every refusal of this room, by number.
        pub static REFUSALS: &[&$crate::RefusalKind] = &[$(&$name),*];
    };
}

refusals! {
    ID_INVALID = 101 "id_invalid" Malformed, "An id is not of the allowed form", "Use 1 to 128 characters of A-Z a-z 0-9 . _ : / -";
    FIELD_MISSING = 102 "field_missing" Malformed, "A field that is needed is missing", "Give the field named by `at`";
    FIELD_UNEXPECTED = 103 "field_unexpected" Malformed, "A field does not belong here", "Remove the field named by `at`, or choose the pattern, mode or kind it belongs to";
    SPAN_INVALID = 104 "span_invalid" Malformed, "A span of time is out of its range", "Give milliseconds within the range that the detail names";
    BRANCH_DUPLICATE = 105 "branch_duplicate" Malformed, "Two branches have the same id", "Give each branch its own id";
    BRANCHES_INVALID = 106 "branches_invalid" Malformed, "There are no branches, or too many", "Give between 1 and the limit; split larger work into several transactions";
    AFTER_UNKNOWN = 107 "after_unknown" Malformed, "`after` names a branch that is not there", "Name branches of the same transaction";
    AFTER_CYCLE = 108 "after_cycle" Malformed, "`after` goes round in a circle", "Break the circle that the detail names";
    LABELS_INVALID = 109 "labels_invalid" Malformed, "There are too many labels, or one is malformed", "Use at most 16, each key an id, each value at most 256 bytes";
    KIND_UNSUPPORTED = 110 "kind_unsupported" Malformed, "This kind of branch does not exist, or not in this pattern", "Use a kind that the pattern supports";
    HEADER_INVALID = 111 "header_invalid" Malformed, "A header cannot be sent", "Use token names, visible ASCII values, and none that the coordinator sets itself";
    SUBSCRIBERS_INVALID = 112 "subscribers_invalid" Malformed, "A topic has too many subscribers, or one is malformed", "Use at most 100, each remark at most 1024 bytes";
    TRANSACTION_UNKNOWN = 120 "transaction_unknown" Unknown, "No transaction has this id", "Check the id; a transaction that was never answered as kept may not exist";
    BRANCH_UNKNOWN = 121 "branch_unknown" Unknown, "The transaction has no branch of this id", "Check the branch id";
    TOPIC_UNKNOWN = 122 "topic_unknown" Unknown, "No topic has this name", "Subscribe to it first";
    SUBSCRIBER_UNKNOWN = 123 "subscriber_unknown" Unknown, "Nobody has subscribed to the topic with this URL", "Read the topic's subscribers";
    ALREADY_DECIDED = 130 "already_decided" Conflict, "The transaction has been decided otherwise, or can take no more branches", "Read the transaction: its decision stands";
    ALREADY_FINAL = 131 "already_final" Conflict, "The transaction is final", "Nothing is left to retry";
    ALREADY_SIGNALLED = 132 "already_signalled" Conflict, "The branch was signalled with another outcome", "Read the transaction: the first outcome stands";
    NOT_INTERACTIVE = 133 "not_interactive" Conflict, "The coordinator runs the tries of a managed transaction", "Begin it with mode interactive, or let the coordinator decide";
    NOT_ALL_TRIED = 134 "not_all_tried" Conflict, "A branch still waits for its signal", "Signal the branch first, or cancel";
    NOT_AWAITED = 135 "not_awaited" Conflict, "Only an await branch can be signalled", "Signal a branch of kind await";
    NOT_A_WORKFLOW = 136 "not_a_workflow" Conflict, "Only a workflow has progress and a result", "Use the verbs of the transaction's own pattern";
    HOLDS_VALUE = 137 "holds_value" Conflict, "The transaction holds something in the ledger", "Cancel it; the ledger's branches never need force";
    TOPIC_EMPTY = 138 "topic_empty" Conflict, "The topic has no subscriber", "Subscribe to it first";
    SUBSCRIBER_KNOWN = 139 "subscriber_known" Conflict, "This URL has subscribed to the topic before", "Nothing is to be done";
    BRANCH_MISMATCH = 140 "branch_mismatch" Mismatch, "The branch is registered with other content", "Use another branch id, or the same content";
    RESULT_TOO_LARGE = 150 "result_too_large" TooLarge, "A branch's result is larger than the limit", "Keep large data in the participant and return a reference";
}
