//! The small closed sets of the protocol and their names: pattern, mode, order, decision, operation.
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
    /// `try`, or `action` of a saga.
    Try,
    /// `confirm`, or `deliver` of a message.
    Confirm,
    /// `cancel`, or `compensate` of a saga.
    Cancel,
    /// `check`: asks the initiator of a prepared message what became of it.
    Check,
}

impl Pattern {
    /// Every pattern, in wire order.
    pub const ALL: [Pattern; 3] = [Pattern::Tcc, Pattern::Saga, Pattern::Message];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Tcc => "tcc",
            Pattern::Saga => "saga",
            Pattern::Message => "message",
        }
    }

    /// The order that holds when the initiator names none.
    #[must_use]
    pub fn default_order(self) -> Order {
        match self {
            Pattern::Saga => Order::Sequential,
            Pattern::Tcc | Pattern::Message => Order::Parallel,
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
            (Operation::Try, Pattern::Saga) => "action",
            (Operation::Try, Pattern::Tcc) => "try",
            // The initiator's own: never called, only recorded beside its business change.
            (Operation::Try, Pattern::Message) => "submit",
            (Operation::Confirm, Pattern::Message) => "deliver",
            (Operation::Confirm, Pattern::Tcc | Pattern::Saga) => "confirm",
            (Operation::Cancel, Pattern::Saga) => "compensate",
            (Operation::Cancel, Pattern::Tcc | Pattern::Message) => "cancel",
            (Operation::Check, _) => "check",
        }
    }

    /// Reads a name on the wire back: every name but `check` (of a message) belongs to one pattern.
    ///
    /// `submit` is no call: it is what an initiator's own barrier row of a prepared message says.
    #[must_use]
    pub fn read(name: &str) -> Option<(Pattern, Operation)> {
        let named = |pattern: Pattern| {
            let found = Operation::of(pattern).iter().find(|operation| operation.name(pattern) == name);
            found.map(|operation| (pattern, *operation))
        };
        if name == Operation::Check.name(Pattern::Message) {
            return Some((Pattern::Message, Operation::Check));
        }
        Pattern::ALL.into_iter().find_map(named)
    }

    /// The operations that a branch of `pattern` can see, in the order in which they are shown.
    #[must_use]
    pub fn of(pattern: Pattern) -> &'static [Operation] {
        match pattern {
            Pattern::Tcc => &[Operation::Try, Operation::Confirm, Operation::Cancel],
            Pattern::Saga => &[Operation::Try, Operation::Cancel],
            Pattern::Message => &[Operation::Confirm],
        }
    }
}
