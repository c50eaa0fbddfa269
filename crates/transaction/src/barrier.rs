//! The barrier rule: what a participant does with an operation of a branch, given what it has recorded of that branch.
//!
//! Pure, and the same for every participant, its database and the simulator. A participant keeps the record in the local
//! transaction of its business change; a unique key decides who is first, never a look before a write. It must never let
//! an operation take effect twice, and never forget a branch that still holds something.
//! Read next: `docs/concepts/barrier.md`, the table `every_operation_on_every_record` of the tests.

use crate::{Operation, Pattern};

/// What a participant has recorded of one branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Record {
    /// Nothing.
    #[default]
    Blank,
    /// Its try was done, and it holds what was asked for.
    Tried,
    /// Its try was refused: nothing is held.
    Refused,
    /// Its confirm (or delivery) was done.
    Confirmed,
    /// Its cancel gave back what the try had taken.
    Cancelled,
    /// It was cancelled while nothing was held: the tombstone that a late try meets.
    Voided,
}

/// What is done with an operation that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// The business change runs, and is recorded with its answer in the same local transaction.
    Run,
    /// There is nothing to undo: that is recorded, and answered as done.
    Void,
    /// It was done before: the first answer again, and no change.
    Repeat,
    /// It is refused, and changes nothing.
    Refuse(Hazard),
}

/// Why the barrier refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hazard {
    /// A try after its cancel.
    LateTry,
    /// A confirm of what was never tried, or refused.
    ConfirmWithoutTry,
    /// A confirm of what was given back.
    ConfirmAfterCancel,
    /// A cancel of what was taken for good.
    CancelAfterConfirm,
    /// A check-back of a message whose initiator never kept its business change, and now never will.
    NeverSubmitted,
    /// An operation that a branch of this pattern does not have.
    NoSuchOperation,
}

impl Hazard {
    /// Every hazard.
    pub const ALL: [Hazard; 6] = [
        Hazard::LateTry,
        Hazard::ConfirmWithoutTry,
        Hazard::ConfirmAfterCancel,
        Hazard::CancelAfterConfirm,
        Hazard::NeverSubmitted,
        Hazard::NoSuchOperation,
    ];

    /// What it means, and who must act, in words for whoever reads the answer.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Hazard::LateTry => {
                "this branch was cancelled before its try arrived; nothing is reserved any more"
            }
            Hazard::ConfirmWithoutTry => "there is no try of this branch that could be confirmed",
            Hazard::ConfirmAfterCancel => "this branch was cancelled; what it held has been given back",
            Hazard::CancelAfterConfirm => "this branch was confirmed; what it held has been taken for good",
            Hazard::NeverSubmitted => {
                "the initiator's local transaction was not committed, and can't be any more"
            }
            Hazard::NoSuchOperation => "a branch of this pattern has no such operation",
        }
    }

    /// The code under which it is answered and counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Hazard::LateTry => "late_try",
            Hazard::ConfirmWithoutTry => "confirm_without_try",
            Hazard::ConfirmAfterCancel => "confirm_after_cancel",
            Hazard::CancelAfterConfirm => "cancel_after_confirm",
            Hazard::NeverSubmitted => "never_submitted",
            Hazard::NoSuchOperation => "no_such_operation",
        }
    }
}

impl Record {
    /// Every record.
    pub const ALL: [Record; 6] =
        [Record::Blank, Record::Tried, Record::Refused, Record::Confirmed, Record::Cancelled, Record::Voided];

    /// What is done with `operation` of a transaction of `pattern`.
    #[must_use]
    pub fn rule(self, pattern: Pattern, operation: Operation) -> Ruling {
        if !recorded(pattern).contains(&operation) {
            return Ruling::Refuse(Hazard::NoSuchOperation);
        }
        #[cfg(feature = "planted")]
        if let Some(ruling) = self.planted(operation) {
            return ruling;
        }
        match operation {
            Operation::Try => match self {
                Record::Blank => Ruling::Run,
                Record::Tried | Record::Refused | Record::Confirmed => Ruling::Repeat,
                Record::Cancelled | Record::Voided => Ruling::Refuse(Hazard::LateTry),
            },
            Operation::Confirm => match (self, pattern) {
                (Record::Blank, Pattern::Message) | (Record::Tried, _) => Ruling::Run,
                (Record::Confirmed, _) => Ruling::Repeat,
                (Record::Blank | Record::Refused, _) => Ruling::Refuse(Hazard::ConfirmWithoutTry),
                (Record::Cancelled | Record::Voided, _) => Ruling::Refuse(Hazard::ConfirmAfterCancel),
            },
            Operation::Cancel => match self {
                Record::Tried => Ruling::Run,
                Record::Blank | Record::Refused => Ruling::Void,
                Record::Cancelled | Record::Voided => Ruling::Repeat,
                Record::Confirmed => Ruling::Refuse(Hazard::CancelAfterConfirm),
            },
            // The initiator's row is there, or this one takes its place and keeps it out for ever.
            Operation::Check => match self {
                Record::Tried => Ruling::Repeat,
                Record::Blank => Ruling::Void,
                Record::Cancelled | Record::Voided => Ruling::Refuse(Hazard::NeverSubmitted),
                Record::Refused | Record::Confirmed => Ruling::Refuse(Hazard::NoSuchOperation),
            },
        }
    }

    #[cfg(feature = "planted")]
    fn planted(self, operation: Operation) -> Option<Ruling> {
        let (bug, is_it) = match (self, operation) {
            (Record::Voided | Record::Cancelled, Operation::Try) => (planted::Bug::LateTryAccepted, true),
            (Record::Blank, Operation::Cancel) => (planted::Bug::CancelRunsWithoutTry, true),
            (Record::Blank, Operation::Confirm) => (planted::Bug::ConfirmRunsWithoutTry, true),
            (Record::Confirmed, Operation::Confirm) => (planted::Bug::ConfirmTwice, true),
            _ => (planted::Bug::ConfirmTwice, false),
        };
        (is_it && planted::is(bug)).then_some(Ruling::Run)
    }

    /// The record after `operation` ran, or was found to have nothing to undo.
    #[must_use]
    pub fn after(self, operation: Operation, ran: Ran) -> Record {
        match (operation, ran) {
            (Operation::Try, Ran::Done) => Record::Tried,
            (Operation::Try, Ran::Refused) => Record::Refused,
            (Operation::Confirm, Ran::Done) => Record::Confirmed,
            (Operation::Cancel, Ran::Done) if self == Record::Tried => Record::Cancelled,
            (Operation::Cancel, Ran::Done) => Record::Voided,
            // A confirm or cancel that could not be carried out is asked again.
            (Operation::Confirm | Operation::Cancel, Ran::Refused) => self,
            (Operation::Check, _) => Record::Voided,
        }
    }

    /// Whether a record so old may be removed: never one that holds something, and none that a late call may still meet.
    /// `horizon_ms` must be longer than the longest deadline and retry of the coordinator together.
    #[must_use]
    pub fn may_be_forgotten(self, age_ms: u64, horizon_ms: u64) -> bool {
        #[cfg(feature = "planted")]
        let horizon_ms = if planted::is(planted::Bug::TombstoneDropped) { 0 } else { horizon_ms };
        match self {
            Record::Blank | Record::Tried => false,
            Record::Refused | Record::Confirmed | Record::Cancelled | Record::Voided => age_ms > horizon_ms,
        }
    }
}

/// What leaves a record: what a branch of the pattern sees, and for a message what its initiator does (`Try` is the
/// row that it writes beside its own change).
fn recorded(pattern: Pattern) -> &'static [Operation] {
    match pattern {
        Pattern::Tcc | Pattern::Saga | Pattern::Xa | Pattern::Workflow => Operation::of(pattern),
        Pattern::Message => &[Operation::Try, Operation::Confirm, Operation::Check],
    }
}

/// How the business change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ran {
    /// It was made.
    Done,
    /// It was refused for business reasons, and nothing was changed.
    Refused,
}
