//! The small closed sets of the protocol and their names: pattern, mode, order, decision, operation, protocol.
//!
//! Encoded in the journal by position: only ever append a variant.

use serde::{Deserialize, Serialize};

/// What kind of global transaction it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pattern {
    /// Try every branch, then confirm all or cancel all.
    Tcc,
    /// Act branch by branch; on a refusal compensate what was started, in reverse.
    Saga,
    /// Deliver to every branch, once submitted.
    Message,
    /// Databases that prepare a transaction of their own, and commit or roll it back when told to.
    Xa,
    /// Steps that the initiator runs itself; the coordinator keeps their progress and calls back to go on.
    Workflow,
}

/// How the participants of a transaction are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// Tercet's own calls.
    #[default]
    Tercet,
    /// DTM's calls over HTTP.
    DtmHttp,
    /// DTM's calls over gRPC; over HTTP where a URL says so.
    DtmGrpc,
    /// DTM's calls over JSON-RPC; plain HTTP where a URL names no method.
    DtmJsonRpc,
}

/// Who runs the tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// The coordinator runs them and decides.
    Managed,
    /// The initiator runs them and then confirms or cancels.
    Interactive,
}

/// How branches follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// All at once, but for what `after` holds back.
    Parallel,
    /// One after another in the order of registration.
    Sequential,
}

/// The one-way choice of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// Every branch is confirmed (delivered, completed).
    Confirm,
    /// Every branch is cancelled (compensated, aborted).
    Cancel,
}

/// What is asked of a participant. The wire name depends on the pattern, see [`Operation::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// `try`, `action` of a saga, `prepare` of XA.
    Try,
    /// `confirm`, `deliver` of a message, `commit` of XA.
    Confirm,
    /// `cancel`, `compensate` of a saga, `rollback` of XA.
    Cancel,
    /// `check`: asks the initiator of a prepared message what became of it; `resume`: has that of a workflow go on.
    Check,
}

impl Pattern {
    /// Every pattern, in wire order.
    pub const ALL: [Pattern; 5] =
        [Pattern::Tcc, Pattern::Saga, Pattern::Message, Pattern::Xa, Pattern::Workflow];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Tcc => "tcc",
            Pattern::Saga => "saga",
            Pattern::Message => "message",
            Pattern::Xa => "xa",
            Pattern::Workflow => "workflow",
        }
    }

    /// The order that holds when the initiator names none.
    #[must_use]
    pub fn default_order(self) -> Order {
        match self {
            Pattern::Saga => Order::Sequential,
            Pattern::Tcc | Pattern::Message | Pattern::Xa | Pattern::Workflow => Order::Parallel,
        }
    }
}

impl Mode {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Managed => "managed",
            Mode::Interactive => "interactive",
        }
    }
}

impl Decision {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Decision::Confirm => "confirm",
            Decision::Cancel => "cancel",
        }
    }
}

impl Operation {
    /// The name on the wire (`Tercet-Operation`) in a transaction of `pattern`.
    #[must_use]
    pub fn name(self, pattern: Pattern) -> &'static str {
        match (self, pattern) {
            (Operation::Try, Pattern::Saga | Pattern::Workflow) => "action",
            (Operation::Try, Pattern::Tcc) => "try",
            (Operation::Try, Pattern::Xa) => "prepare",
            // The initiator's own: never called, only recorded beside its business change.
            (Operation::Try, Pattern::Message) => "submit",
            (Operation::Confirm, Pattern::Message) => "deliver",
            (Operation::Confirm, Pattern::Xa) => "commit",
            (Operation::Confirm, Pattern::Tcc | Pattern::Saga | Pattern::Workflow) => "confirm",
            (Operation::Cancel, Pattern::Saga) => "compensate",
            (Operation::Cancel, Pattern::Xa) => "rollback",
            (Operation::Cancel, Pattern::Tcc | Pattern::Message | Pattern::Workflow) => "cancel",
            (Operation::Check, Pattern::Workflow) => "resume",
            (Operation::Check, Pattern::Tcc | Pattern::Saga | Pattern::Message | Pattern::Xa) => "check",
        }
    }

    /// Reads a name on the wire back: every name belongs to one pattern, `check` to a message, `resume` to a workflow.
    ///
    /// `submit` is no call: it is what an initiator's own barrier row of a prepared message says.
    #[must_use]
    pub fn read(name: &str) -> Option<(Pattern, Operation)> {
        let named = |pattern: Pattern| {
            let found = Operation::of(pattern).iter().find(|operation| operation.name(pattern) == name);
            found.map(|operation| (pattern, *operation))
        };
        for pattern in [Pattern::Message, Pattern::Workflow] {
            if name == Operation::Check.name(pattern) {
                return Some((pattern, Operation::Check));
            }
        }
        Pattern::ALL.into_iter().find_map(named)
    }

    /// The operations that a branch of `pattern` can see, in the order in which they are shown.
    #[must_use]
    pub fn of(pattern: Pattern) -> &'static [Operation] {
        match pattern {
            Pattern::Tcc | Pattern::Xa => &[Operation::Try, Operation::Confirm, Operation::Cancel],
            Pattern::Saga => &[Operation::Try, Operation::Cancel],
            Pattern::Message => &[Operation::Confirm],
            Pattern::Workflow => &[],
        }
    }
}
