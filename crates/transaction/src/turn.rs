//! Whose turn it is: which branches may start their next operation, by pattern, order and `after`.
//!
//! Part of the fold: given the same state it always moves the same branches.

use crate::state::BranchMove;
use crate::{Branch, BranchState, Kind, Mode, Order, Pattern, Phase, Transaction};

/// Starts every branch whose turn has come, until none is left.
pub(crate) fn take_turns(transaction: &mut Transaction) {
    loop {
        let mut moved = false;
        let branches = transaction.branches.len();
        // What is undone in reverse is walked in reverse: one walk settles a whole chain.
        let is_reverse = match (transaction.phase, transaction.spec.pattern) {
            (_, Pattern::Xa) => false,
            (Phase::Cancelling, _) | (Phase::Confirming, Pattern::Tcc | Pattern::Saga) => true,
            (Phase::Open | Phase::Cooling | Phase::Confirmed | Phase::Cancelled | Phase::Stopped, _)
            | (Phase::Confirming, Pattern::Message | Pattern::Workflow) => false,
        };
        for step in 0..branches {
            let index = if is_reverse { branches - 1 - step } else { step };
            while let Some(by) = due_move(transaction, index) {
                transaction.branches[index].step(by);
                moved = true;
            }
        }
        if !moved {
            return;
        }
    }
}

/// The move that branch `index` makes by itself now, if any.
fn due_move(transaction: &Transaction, index: usize) -> Option<BranchMove> {
    let branch = &transaction.branches[index];
    if let Some(by) = needs_no_call(branch) {
        return Some(by);
    }
    match (transaction.phase, transaction.spec.pattern) {
        (Phase::Open, Pattern::Tcc | Pattern::Saga | Pattern::Xa) => {
            let is_its_turn = match transaction.spec.mode {
                Mode::Managed => predecessors_are(transaction, index, BranchState::Tried),
                // What the initiator tries is its own business; the ledger's share is tried when it is registered.
                Mode::Interactive => branch.spec.kind.is_local(),
            };
            (branch.state == BranchState::Registered && is_its_turn).then_some(BranchMove::StartTry)
        }
        (Phase::Confirming, Pattern::Tcc) => {
            let waits = matches!(branch.state, BranchState::Registered | BranchState::Tried);
            (waits && later_are(transaction, index, BranchState::Confirmed))
                .then_some(BranchMove::StartConfirm)
        }
        (Phase::Confirming, Pattern::Saga) => {
            (branch.state == BranchState::Registered).then_some(BranchMove::Try)
        }
        (Phase::Confirming, Pattern::Message) => {
            let starts = branch.state == BranchState::Registered
                && predecessors_are(transaction, index, BranchState::Confirmed);
            starts.then_some(BranchMove::StartConfirm)
        }
        // A database's prepared transactions are settled in the order in which they came, either way.
        (Phase::Confirming, Pattern::Xa) => {
            let waits = matches!(branch.state, BranchState::Registered | BranchState::Tried);
            (waits && earlier_are(transaction, index, BranchState::Confirmed))
                .then_some(BranchMove::StartConfirm)
        }
        (Phase::Cancelling, Pattern::Xa) => (is_uncancelled(branch)
            && earlier_are(transaction, index, BranchState::Cancelled))
        .then_some(BranchMove::StartCancel),
        #[cfg(feature = "planted")]
        (Phase::Cancelling, Pattern::Tcc)
            if planted::is(planted::Bug::CancelOnlyAnswered) && branch.state == BranchState::Cancelling =>
        {
            let answered = branch.attempts.of(crate::Operation::Try) > 0;
            (!answered).then_some(BranchMove::Cancel)
        }
        (Phase::Cancelling, Pattern::Tcc) => (is_uncancelled(branch)
            && later_are(transaction, index, BranchState::Cancelled))
        .then_some(BranchMove::StartCancel),
        (Phase::Cancelling, Pattern::Saga) => {
            #[cfg(feature = "planted")]
            if planted::is(planted::Bug::UncompensatedRefusal) && branch.state == BranchState::Refused {
                return None;
            }
            let starts = is_uncancelled(branch)
                && was_started(transaction, branch)
                && successors_are_compensated(transaction, index);
            starts.then_some(BranchMove::StartCancel)
        }
        (Phase::Open | Phase::Cancelling, Pattern::Message)
        | (_, Pattern::Workflow)
        | (Phase::Cooling | Phase::Confirmed | Phase::Cancelled | Phase::Stopped, _) => None,
    }
}

/// A confirm or cancel with nothing to call is done at once; so is an action, where another protocol has it so.
fn needs_no_call(branch: &Branch) -> Option<BranchMove> {
    let operation = branch.operation()?;
    if branch.url(operation).is_some() {
        return None;
    }
    match branch.state {
        BranchState::Confirming => Some(BranchMove::Confirm),
        BranchState::Cancelling => Some(BranchMove::Cancel),
        BranchState::Trying if matches!(branch.spec.kind, Kind::Raw(_)) => Some(BranchMove::Try),
        BranchState::Registered
        | BranchState::Trying
        | BranchState::Tried
        | BranchState::Refused
        | BranchState::Confirmed
        | BranchState::Cancelled => None,
    }
}

/// Has this branch of a saga been started, so that it must be compensated?
pub(crate) fn was_started(transaction: &Transaction, branch: &Branch) -> bool {
    branch.state != BranchState::Registered || transaction.spec.mode == Mode::Interactive
}

fn is_uncancelled(branch: &Branch) -> bool {
    matches!(
        branch.state,
        BranchState::Registered | BranchState::Trying | BranchState::Tried | BranchState::Refused
    )
}

fn predecessors_are(transaction: &Transaction, index: usize, state: BranchState) -> bool {
    let branches = &transaction.branches;
    let in_order =
        transaction.spec.order == Order::Parallel || index == 0 || branches[index - 1].state == state;
    in_order && branches[index].after.iter().all(|&before| branches[usize::from(before)].state == state)
}

fn earlier_are(transaction: &Transaction, index: usize, state: BranchState) -> bool {
    transaction.spec.order == Order::Parallel
        || transaction.branches[..index].iter().all(|branch| branch.state == state)
}

fn later_are(transaction: &Transaction, index: usize, state: BranchState) -> bool {
    transaction.spec.order == Order::Parallel
        || transaction.branches[index + 1..].iter().all(|branch| branch.state == state)
}

/// Every started branch that came after this one, by order or by `after`, is compensated.
fn successors_are_compensated(transaction: &Transaction, index: usize) -> bool {
    transaction.branches.iter().enumerate().all(|(other, branch)| {
        let in_order = transaction.spec.order == Order::Sequential && other > index;
        let follows = in_order || branch.after.iter().any(|&before| usize::from(before) == index);
        !follows || branch.state == BranchState::Cancelled || !was_started(transaction, branch)
    })
}
