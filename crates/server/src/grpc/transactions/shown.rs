//! A transaction and its timeline, as the protocol shows them; the words are those of the HTTP API.

use participant::proto;
use transaction::{Branch, Mode, Operation, Pattern, Time, TimelineEntry, Transaction};

/// A transaction as it stands.
pub(super) fn transaction(transaction: &Transaction) -> proto::Transaction {
    let spec = &transaction.spec;
    let reason = transaction.reason.as_ref().map(|reason| {
        let branch = reason.branch.and_then(|index| transaction.branches.get(usize::from(index)));
        proto::Reason {
            code: reason.code.name().into(),
            branch: branch.map(|branch| branch.spec.id.to_string()).unwrap_or_default(),
            detail: reason.detail.to_string(),
        }
    });
    let label = |(key, value): &(_, _)| proto::Label {
        key: ToString::to_string(key),
        value: ToString::to_string(value),
    };
    proto::Transaction {
        id: spec.id.to_string(),
        pattern: pattern(spec.pattern) as i32,
        mode: mode(spec.mode) as i32,
        state: transaction.state_name().into(),
        decision: transaction.decision.map(transaction::Decision::name).unwrap_or_default().into(),
        reason,
        needs_attention: transaction.needs_attention(),
        labels: spec.labels.iter().map(label).collect(),
        created_at: transaction.created_at.0,
        deadline_at: micros(transaction.deadline_at()),
        cooling_until: micros(transaction.cooling_until),
        finished_at: micros(transaction.finished_at),
        branches: transaction.branches.iter().map(|one| branch(transaction, one)).collect(),
        sequence: transaction.sequence,
    }
}

fn branch(transaction: &Transaction, branch: &Branch) -> proto::BranchState {
    let pattern = transaction.spec.pattern;
    let attempts = |operation: &Operation| proto::Attempts {
        operation: operation.name(pattern).into(),
        count: branch.attempts.of(*operation),
    };
    let waits = branch.operation().is_some() && branch.pace.next_at > transaction.created_at;
    let (kind, resource) = crate::resource::shown(&branch.spec.kind);
    proto::BranchState {
        id: branch.spec.id.to_string(),
        kind: kind.into(),
        resource: resource.unwrap_or_default().into(),
        state: branch.state.name(pattern).into(),
        attempts: Operation::of(pattern).iter().map(attempts).collect(),
        last_error: branch.pace.last_error.as_deref().unwrap_or_default().into(),
        next_attempt_at: waits.then_some(branch.pace.next_at.0),
        result: branch.result.as_deref().unwrap_or_default().into(),
    }
}

/// A line of a timeline.
pub(super) fn entry(entry: TimelineEntry) -> proto::TimelineEntry {
    proto::TimelineEntry {
        sequence: entry.seq,
        at: entry.at.0,
        event: entry.event,
        branch: entry.branch.map(|branch| branch.to_string()).unwrap_or_default(),
        detail: entry.detail,
    }
}

fn pattern(pattern: Pattern) -> proto::Pattern {
    match pattern {
        Pattern::Tcc => proto::Pattern::Tcc,
        Pattern::Saga => proto::Pattern::Saga,
        Pattern::Message => proto::Pattern::Message,
        Pattern::Xa => proto::Pattern::Xa,
        Pattern::Workflow => proto::Pattern::Workflow,
    }
}

fn mode(mode: Mode) -> proto::Mode {
    match mode {
        Mode::Managed => proto::Mode::Managed,
        Mode::Interactive => proto::Mode::Interactive,
    }
}

fn micros(time: Option<Time>) -> Option<i64> {
    time.map(|time| time.0)
}
