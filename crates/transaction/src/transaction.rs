//! A global transaction as it stands: the fold of its events. See `fold.rs` for the fold itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BranchSpec, BranchState, Decision, Kind, Operation, Phase, Progress, Signal, Spec, Time, Trace};

/// A global transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The sequence of its first event: its key inside the engine.
    pub number: u64,
    /// The sequence of its latest event.
    pub sequence: u64,
    /// What was asked for.
    pub spec: Arc<Spec>,
    /// The W3C trace id that goes with it.
    pub trace: Trace,
    /// Where it stands.
    pub phase: Phase,
    /// The one-way choice, once made.
    pub decision: Option<Decision>,
    /// Why it was cancelled.
    pub reason: Option<Reason>,
    /// When it was begun.
    pub created_at: Time,
    /// The end of the cooling-off window, once it began.
    pub cooling_until: Option<Time>,
    /// When it became final.
    pub finished_at: Option<Time>,
    /// When anything of it changed last.
    pub updated_at: Time,
    /// Deliveries of a message with a delay do not begin before.
    pub(crate) not_before: Time,
    /// The check-back of a prepared message, or the resume call of a workflow.
    pub check: Option<Box<Pace>>,
    /// The steps of a workflow that its initiator has told of, in order.
    pub progress: Vec<Arc<Progress>>,
    /// What a workflow gave, in its initiator's own form.
    pub result: Option<Arc<str>>,
    /// Its branches, in the order of registration.
    pub branches: Vec<Branch>,
}

/// One participant's share as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What was asked for.
    pub spec: Arc<BranchSpec>,
    /// Where it stands.
    pub state: BranchState,
    /// What came of its try or action, whatever came after.
    pub tried: Tried,
    /// The pace of the operation under way.
    pub pace: Pace,
    /// Calls answered (or given up) so far.
    pub attempts: Attempts,
    /// The JSON text that its try answered.
    pub result: Option<Arc<str>>,
    /// The outside fact of an await branch.
    pub signal: Option<Signal>,
    /// Indexes of the branches in `after`.
    pub(crate) after: Box<[u16]>,
}

/// What came of a try or an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tried {
    /// Nothing is known of it.
    #[default]
    Unknown,
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// How the repeated calls of one operation go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Attempts so far (only counted here for the check-back; a branch has [`Attempts`]).
    pub attempts: u32,
    /// Failures in a row.
    pub failures: u32,
    /// When to ask (again); [`Time::START`]: at once.
    pub next_at: Time,
    /// A person should look.
    pub needs_attention: bool,
    /// The last thing that went wrong.
    pub last_error: Option<Arc<str>>,
}

/// Calls per operation that were answered, or given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts([u32; 3]);

/// Why a transaction was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The cause.
    pub code: ReasonCode,
    /// Index of the branch that caused it.
    pub branch: Option<u16>,
    /// In words.
    pub detail: Arc<str>,
}

/// The causes of a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReasonCode {
    /// A branch refused its try or action.
    BranchRefused,
    /// The deadline passed before the decision.
    DeadlinePassed,
    /// The initiator or an operator withdrew it.
    Withdrawn,
    /// The check-back said no.
    CheckRefused,
    /// An action failed as often as its saga allows.
    RetriesExhausted,
    /// An operator gave it up by force.
    Stopped,
}

impl ReasonCode {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ReasonCode::BranchRefused => "branch_refused",
            ReasonCode::DeadlinePassed => "deadline_passed",
            ReasonCode::Withdrawn => "withdrawn",
            ReasonCode::CheckRefused => "check_refused",
            ReasonCode::RetriesExhausted => "retries_exhausted",
            ReasonCode::Stopped => "stopped",
        }
    }
}

impl Attempts {
    /// How many calls of `operation` were answered or given up; a check-back is counted elsewhere.
    #[must_use]
    pub fn of(self, operation: Operation) -> u32 {
        Self::slot(operation).map_or(0, |slot| self.0[slot])
    }

    pub(crate) fn count(&mut self, operation: Operation, attempt: u32) {
        if let Some(slot) = Self::slot(operation) {
            self.0[slot] = self.0[slot].max(attempt);
        }
    }

    fn slot(operation: Operation) -> Option<usize> {
        match operation {
            Operation::Try => Some(0),
            Operation::Confirm => Some(1),
            Operation::Cancel => Some(2),
            Operation::Check => None,
        }
    }
}

impl Pace {
    /// A fresh operation: due at once.
    pub(crate) fn restart(&mut self) {
        self.failures = 0;
        self.next_at = Time::START;
        self.needs_attention = false;
    }
}

impl Branch {
    /// The operation that is under way, if one is.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        match self.state {
            BranchState::Trying => Some(Operation::Try),
            BranchState::Confirming => Some(Operation::Confirm),
            BranchState::Cancelling => Some(Operation::Cancel),
            BranchState::Registered
            | BranchState::Tried
            | BranchState::Refused
            | BranchState::Confirmed
            | BranchState::Cancelled => None,
        }
    }

    /// Its try was done, whatever came after.
    #[must_use]
    pub fn was_tried(&self) -> bool {
        self.attempts.of(Operation::Try) > 0 && self.pace.last_error.is_none()
    }

    /// The URL to call for `operation`; `None`: nothing is to be called.
    #[must_use]
    pub fn url(&self, operation: Operation) -> Option<&Arc<str>> {
        match &self.spec.kind {
            Kind::Await | Kind::Hold(_) | Kind::Item(_) => None,
            Kind::Call(call) => match operation {
                Operation::Try => call.urls.attempt.as_ref(),
                Operation::Confirm => call.urls.confirm.as_ref(),
                Operation::Cancel => call.urls.cancel.as_ref(),
                Operation::Check => None,
            },
            Kind::Raw(raw) => match operation {
                Operation::Try => raw.urls.attempt.as_ref(),
                Operation::Confirm => raw.urls.confirm.as_ref(),
                Operation::Cancel => raw.urls.cancel.as_ref(),
                Operation::Check => None,
            },
        }
    }
}

impl Transaction {
    /// When the tries must be done, while that is still open to a decision by time.
    #[must_use]
    pub fn deadline_at(&self) -> Option<Time> {
        self.spec.deadline_ms.map(|ms| self.created_at.plus_ms(ms))
    }

    /// Retries did not help somewhere: a person should look.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        !self.phase.is_final()
            && (self.branches.iter().any(|branch| branch.pace.needs_attention)
                || self.check.as_ref().is_some_and(|check| check.needs_attention))
    }

    /// Retries did not help at this branch (`None`: the check-back).
    #[must_use]
    pub fn needs_attention_at(&self, branch: Option<u16>) -> bool {
        match branch {
            Some(index) => {
                self.branches.get(usize::from(index)).is_some_and(|branch| branch.pace.needs_attention)
            }
            None => self.check.as_ref().is_some_and(|check| check.needs_attention),
        }
    }

    /// The name of its state on the wire.
    #[must_use]
    pub fn state_name(&self) -> &'static str {
        self.phase.name(self.spec.pattern)
    }

    /// The index of the branch with this id.
    #[must_use]
    pub fn branch_index(&self, id: &str) -> Option<u16> {
        let position = self.branches.iter().position(|branch| &*branch.spec.id == id)?;
        u16::try_from(position).ok()
    }
}
