//! A transaction's history in words: one entry per kept event. Reads events, decides nothing.

use std::sync::Arc;

use crate::{Decision, Event, Kept, Operation, Phase, Reply, Signal, Spec, Time, Transaction};

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// The event's sequence.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// A stable name: `begun`, `try_done`, `decided`, `confirmed` and so on.
    pub event: String,
    /// The branch it concerns.
    pub branch: Option<Arc<str>>,
    /// What happened, in plain words.
    pub detail: String,
}

/// Puts one kept event into words; `after` is the transaction after it was folded.
#[must_use]
pub fn entry(seq: u64, kept: &Kept, after: &Transaction) -> TimelineEntry {
    let words = Words { transaction: after };
    let (event, branch, detail) = words.of(&kept.event);
    let branch = branch
        .and_then(|index| after.branches.get(usize::from(index)))
        .map(|branch| Arc::clone(&branch.spec.id));
    TimelineEntry { seq, at: kept.at, event, branch, detail }
}

fn begun(spec: &Spec) -> String {
    let deadline =
        spec.deadline_ms.map_or_else(|| "no deadline".to_owned(), |ms| format!("deadline in {ms} ms"));
    let branches = match spec.branches.len() {
        1 => "1 branch".to_owned(),
        many => format!("{many} branches"),
    };
    format!("{} {} begun with {branches}, {deadline}", spec.mode.name(), spec.pattern.name())
}

fn word(signal: Signal) -> &'static str {
    match signal {
        Signal::Done => "done",
        Signal::Refused => "refused",
    }
}

struct Words<'a> {
    transaction: &'a Transaction,
}

impl Words<'_> {
    fn of(&self, event: &Event) -> (String, Option<u16>, String) {
        let spec = &self.transaction.spec;
        match event {
            Event::Begun { spec, .. } | Event::BegunWith { spec, .. } => {
                ("begun".to_owned(), None, begun(spec))
            }
            Event::Registered(branch) => {
                let index = self.transaction.branch_index(&branch.id);
                ("branch_registered".to_owned(), index, format!("{} branch registered", branch.kind.name()))
            }
            Event::Replied { branch, operation, attempt, reply, next_at } => {
                let (event, detail) = self.reply(*operation, *attempt, (reply, *next_at));
                (event, Some(*branch), detail)
            }
            Event::Checked { attempt, reply, next_at } => {
                let (event, detail) = self.reply(Operation::Check, *attempt, (reply, *next_at));
                (event, None, detail)
            }
            Event::Signalled { branch, signal, .. } => {
                let detail = format!("the awaited fact arrived: {}", word(*signal));
                ("signalled".to_owned(), Some(*branch), detail)
            }
            Event::Cooled { .. } => {
                let detail = format!(
                    "all tried; cooling off for {} ms, a withdraw still cancels",
                    spec.cooling_off_ms
                );
                ("cooling".to_owned(), None, detail)
            }
            Event::Decided { decision: Decision::Confirm, .. } => {
                ("decided".to_owned(), None, "the decision is confirm".to_owned())
            }
            Event::Decided { decision: Decision::Cancel, reason } => match reason {
                None => ("decided".to_owned(), None, "the decision is cancel".to_owned()),
                Some(reason) => {
                    let detail =
                        format!("the decision is cancel ({}): {}", reason.code.name(), reason.detail);
                    ("decided".to_owned(), reason.branch, detail)
                }
            },
            Event::Finished => {
                let state = match self.transaction.phase {
                    Phase::Confirmed | Phase::Cancelled | Phase::Stopped => self.transaction.state_name(),
                    Phase::Open | Phase::Cooling | Phase::Confirming | Phase::Cancelling => "finished",
                };
                (state.to_owned(), None, format!("the transaction is {state}; nothing is left to do"))
            }
            Event::AttentionRaised { branch, operation, why } => {
                let detail = format!("{} needs attention: {why}", operation.name(spec.pattern));
                ("attention_raised".to_owned(), *branch, detail)
            }
            Event::Progressed(progress) => {
                let word = word(progress.outcome);
                let detail = format!("step {}, {}: {word}", progress.step, progress.operation);
                ("progressed".to_owned(), None, detail)
            }
            Event::Resulted { .. } => {
                ("resulted".to_owned(), None, "the initiator told the workflow's result".to_owned())
            }
            Event::Stopped { detail } => {
                ("stopped".to_owned(), None, format!("given up by force, as it stands: {detail}"))
            }
            Event::Retried => ("retried".to_owned(), None, "an operator asked for a retry now".to_owned()),
        }
    }

    fn reply(
        &self,
        operation: Operation,
        attempt: u32,
        (reply, next_at): (&Reply, Option<Time>),
    ) -> (String, String) {
        let name = operation.name(self.transaction.spec.pattern);
        let (word, what) = match reply {
            Reply::Done { .. } => ("done", "done".to_owned()),
            Reply::Refused { detail } => ("refused", format!("refused: {detail}")),
            Reply::InProgress => ("in_progress", "still in progress".to_owned()),
            Reply::Unknown { error } => ("unknown", format!("unknown: {error}")),
        };
        let again = if next_at.is_some() { "; it will be asked again" } else { "" };
        (format!("{name}_{word}"), format!("{name}, attempt {attempt}: {what}{again}"))
    }
}
