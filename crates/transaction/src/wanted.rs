//! Which calls should be under way, and what exactly each call says.
//!
//! The engine compares this list with what is in flight; nothing is remembered here.

use std::sync::Arc;

use crate::{Header, Kind, Operation, Phase, Time, Trace, Transaction};

/// A call that should be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallTarget {
    /// Index of the branch; `None` for the check-back.
    pub branch: Option<u16>,
    /// What is asked.
    pub operation: Operation,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When it is due; [`Time::START`]: at once.
    pub at: Time,
}

/// A call spelt out: what the network needs to make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The transaction's id.
    pub transaction: Arc<str>,
    /// The transaction's trace id.
    pub trace: Trace,
    /// The branch's id; `check` for the check-back.
    pub branch: Arc<str>,
    /// The operation's name on the wire.
    pub operation: &'static str,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Where.
    pub url: Arc<str>,
    /// JSON text of the body.
    pub body: Option<Arc<str>>,
    /// The try's result, to be sent beside the body.
    pub result: Option<Arc<str>>,
    /// Whether body and result go together as `{"body":…,"result":…}`.
    pub pass_result: bool,
    /// Extra headers.
    pub headers: Vec<Header>,
    /// Bound on the call, in milliseconds.
    pub timeout_ms: u64,
}

const CHECK_TIMEOUT_MS: u64 = 3_000;

/// The calls that should be under way or are due later, in the order of registration.
pub fn wanted(transaction: &Transaction) -> impl Iterator<Item = CallTarget> + '_ {
    let branches = transaction.branches.iter().enumerate().filter_map(|(index, branch)| {
        let operation = branch.operation()?;
        // A try that was under way when the decision fell is not repeated.
        if operation == Operation::Try && transaction.phase != Phase::Open {
            return None;
        }
        branch.url(operation)?;
        Some(CallTarget {
            branch: u16::try_from(index).ok(),
            operation,
            attempt: branch.attempts.of(operation) + 1,
            at: branch.pace.next_at,
        })
    });
    let check = transaction.check.iter().map(|check| CallTarget {
        branch: None,
        operation: Operation::Check,
        attempt: check.attempts + 1,
        at: check.next_at,
    });
    branches.chain(check)
}

/// When time alone may change the transaction next: its deadline or the end of its cooling-off window.
#[must_use]
pub fn next_due(transaction: &Transaction) -> Option<Time> {
    match transaction.phase {
        Phase::Open => transaction.deadline_at(),
        Phase::Cooling => transaction.cooling_until,
        Phase::Confirming | Phase::Cancelling | Phase::Confirmed | Phase::Cancelled => None,
    }
}

impl Transaction {
    /// The URL that a call to `target` goes to.
    #[must_use]
    pub fn url(&self, target: CallTarget) -> Option<&Arc<str>> {
        match target.branch {
            Some(index) => self.branches.get(usize::from(index))?.url(target.operation),
            None => self.spec.check.as_ref().map(|check| &check.url),
        }
    }

    /// Spells out the call to `target`; `None` when the transaction no longer wants it.
    /// A try is bounded by the deadline as well as by its own time-out.
    #[must_use]
    pub fn call(&self, target: CallTarget, now: Time) -> Option<Call> {
        let Some(index) = target.branch else {
            let check = self.spec.check.as_ref()?;
            return Some(Call {
                transaction: Arc::clone(&self.spec.id),
                trace: self.trace,
                branch: Arc::from("check"),
                operation: target.operation.name(self.spec.pattern),
                attempt: target.attempt,
                url: Arc::clone(&check.url),
                body: None,
                result: None,
                pass_result: false,
                headers: Vec::new(),
                timeout_ms: CHECK_TIMEOUT_MS,
            });
        };
        let branch = self.branches.get(usize::from(index))?;
        let Kind::Call(call) = &branch.spec.kind else { return None };
        let url = branch.url(target.operation)?;
        let until_deadline = match target.operation {
            Operation::Try => self.deadline_at().map_or(u64::MAX, |deadline| now.ms_until(deadline).max(1)),
            Operation::Confirm | Operation::Cancel | Operation::Check => u64::MAX,
        };
        Some(Call {
            transaction: Arc::clone(&self.spec.id),
            trace: self.trace,
            branch: Arc::clone(&branch.spec.id),
            operation: target.operation.name(self.spec.pattern),
            attempt: target.attempt,
            url: Arc::clone(url),
            body: call.body.clone(),
            result: branch.result.clone(),
            pass_result: call.pass_result && target.operation != Operation::Try,
            headers: call.headers.clone(),
            timeout_ms: call.timeout_ms.min(until_deadline),
        })
    }
}
