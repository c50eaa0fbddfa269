//! The states of a transaction and of a branch, and the only moves between them.
//!
//! One machine serves all patterns; only the names differ. The tables below are allow-lists without wildcard arms;
//! the snapshot test prints them for a person to read.

use serde::{Deserialize, Serialize};

use crate::Pattern;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Not decided: trying, running, prepared.
    Open,
    /// All tried; a withdraw still cancels.
    Cooling,
    /// Decided to confirm; submitted.
    Confirming,
    /// Decided to cancel; compensating.
    Cancelling,
    /// Final: confirmed, completed, delivered.
    Confirmed,
    /// Final: cancelled, compensated, aborted.
    Cancelled,
    /// Final: given up by force, as it stood.
    Stopped,
}

/// What moves a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseMove {
    /// The cooling-off window begins.
    Cool,
    /// The decision is confirm.
    DecideConfirm,
    /// The decision is cancel.
    DecideCancel,
    /// No branch is left to call.
    Finish,
    /// It is given up by force.
    Stop,
}

/// Where a branch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BranchState {
    /// Known, not started.
    Registered,
    /// Its try or action is under way, or its signal awaited.
    Trying,
    /// Its try or action is done.
    Tried,
    /// Its try or action was refused.
    Refused,
    /// Its confirm or delivery is under way.
    Confirming,
    /// Its confirm or delivery is done.
    Confirmed,
    /// Its cancel or compensation is under way.
    Cancelling,
    /// Its cancel or compensation is done.
    Cancelled,
}

/// What moves a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchMove {
    /// Its turn to try has come.
    StartTry,
    /// The try is done.
    Try,
    /// The try is refused.
    Refuse,
    /// Its turn to confirm has come.
    StartConfirm,
    /// The confirm is done.
    Confirm,
    /// Its turn to cancel has come.
    StartCancel,
    /// The cancel is done.
    Cancel,
}

/// One row of the allow-list: from, what moves it, to.
pub type Transition<S, M> = (S, M, S);

/// The allow-lists of transactions and branches.
#[derive(Debug)]
pub struct Transitions {
    /// Moves of a transaction.
    pub phases: &'static [Transition<Phase, PhaseMove>],
    /// Moves of a branch.
    pub branches: &'static [Transition<BranchState, BranchMove>],
}

/// Every legal move; what is not here does not happen.
pub static TRANSITIONS: Transitions = {
    use BranchMove as M;
    use BranchState as B;
    use Phase as P;
    Transitions {
        phases: &[
            (P::Open, PhaseMove::Cool, P::Cooling),
            (P::Open, PhaseMove::DecideConfirm, P::Confirming),
            (P::Open, PhaseMove::DecideCancel, P::Cancelling),
            (P::Cooling, PhaseMove::DecideConfirm, P::Confirming),
            (P::Cooling, PhaseMove::DecideCancel, P::Cancelling),
            (P::Confirming, PhaseMove::Finish, P::Confirmed),
            (P::Cancelling, PhaseMove::Finish, P::Cancelled),
            (P::Open, PhaseMove::Stop, P::Stopped),
            (P::Cooling, PhaseMove::Stop, P::Stopped),
            (P::Confirming, PhaseMove::Stop, P::Stopped),
            (P::Cancelling, PhaseMove::Stop, P::Stopped),
        ],
        branches: &[
            (B::Registered, M::StartTry, B::Trying),
            (B::Registered, M::Try, B::Tried),
            (B::Registered, M::Refuse, B::Refused),
            (B::Registered, M::StartConfirm, B::Confirming),
            (B::Registered, M::StartCancel, B::Cancelling),
            (B::Trying, M::Try, B::Tried),
            (B::Trying, M::Refuse, B::Refused),
            (B::Trying, M::StartCancel, B::Cancelling),
            (B::Tried, M::StartConfirm, B::Confirming),
            (B::Tried, M::StartCancel, B::Cancelling),
            (B::Refused, M::StartCancel, B::Cancelling),
            (B::Confirming, M::Confirm, B::Confirmed),
            (B::Cancelling, M::Cancel, B::Cancelled),
        ],
    }
};

impl Phase {
    /// Every phase.
    pub const ALL: [Phase; 7] = [
        Phase::Open,
        Phase::Cooling,
        Phase::Confirming,
        Phase::Cancelling,
        Phase::Confirmed,
        Phase::Cancelled,
        Phase::Stopped,
    ];

    /// The state that `by` leads to, if the move is legal.
    #[must_use]
    pub fn next(self, by: PhaseMove) -> Option<Phase> {
        TRANSITIONS.phases.iter().find(|row| row.0 == self && row.1 == by).map(|row| row.2)
    }

    /// Nothing moves it any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Phase::Confirmed | Phase::Cancelled | Phase::Stopped)
    }

    /// The name on the wire for a transaction of `pattern`.
    #[must_use]
    pub fn name(self, pattern: Pattern) -> &'static str {
        let [tcc, saga, message, xa, workflow] = match self {
            Phase::Open => ["trying", "running", "prepared", "preparing", "running"],
            Phase::Cooling => ["cooling", "cooling", "cooling", "cooling", "cooling"],
            Phase::Confirming => ["confirming", "running", "submitted", "confirming", "running"],
            Phase::Cancelling => ["cancelling", "compensating", "prepared", "cancelling", "running"],
            Phase::Confirmed => ["confirmed", "completed", "delivered", "confirmed", "completed"],
            Phase::Cancelled => ["cancelled", "compensated", "aborted", "cancelled", "failed"],
            Phase::Stopped => ["stopped", "stopped", "stopped", "stopped", "stopped"],
        };
        match pattern {
            Pattern::Tcc => tcc,
            Pattern::Saga => saga,
            Pattern::Message => message,
            Pattern::Xa => xa,
            Pattern::Workflow => workflow,
        }
    }
}

impl BranchState {
    /// Every branch state.
    pub const ALL: [BranchState; 8] = [
        BranchState::Registered,
        BranchState::Trying,
        BranchState::Tried,
        BranchState::Refused,
        BranchState::Confirming,
        BranchState::Confirmed,
        BranchState::Cancelling,
        BranchState::Cancelled,
    ];

    /// The state that `by` leads to, if the move is legal.
    #[must_use]
    pub fn next(self, by: BranchMove) -> Option<BranchState> {
        TRANSITIONS.branches.iter().find(|row| row.0 == self && row.1 == by).map(|row| row.2)
    }

    /// The name on the wire for a branch of a transaction of `pattern`.
    #[must_use]
    pub fn name(self, pattern: Pattern) -> &'static str {
        let [tcc, saga, message, xa] = match self {
            BranchState::Registered => ["registered", "registered", "registered", "registered"],
            BranchState::Trying => ["trying", "running", "registered", "preparing"],
            BranchState::Tried => ["tried", "done", "registered", "prepared"],
            BranchState::Refused => ["refused", "refused", "registered", "refused"],
            BranchState::Confirming => ["confirming", "done", "delivering", "committing"],
            BranchState::Confirmed => ["confirmed", "done", "delivered", "committed"],
            BranchState::Cancelling => ["cancelling", "compensating", "registered", "rolling_back"],
            BranchState::Cancelled => ["cancelled", "compensated", "registered", "rolled_back"],
        };
        match pattern {
            Pattern::Tcc => tcc,
            // A workflow has no branches: its steps are its initiator's.
            Pattern::Saga | Pattern::Workflow => saga,
            Pattern::Message => message,
            Pattern::Xa => xa,
        }
    }
}
