//! Which calls should be under way, and what exactly each call says.
//!
//! The engine compares this list with what is in flight; nothing is remembered here.

use std::sync::Arc;

use crate::{Header, Kind, Operation, Pattern, Phase, Protocol, Time, Trace, Transaction};

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
    /// It is a call in another protocol; `None`: Tercet's own.
    pub raw: Option<Raw>,
}

/// What a call in another protocol has beside the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Which.
    pub protocol: Protocol,
    /// The transaction's pattern.
    pub pattern: Pattern,
    /// The body, byte for byte.
    pub body: Arc<[u8]>,
    /// The name of the workflow that is resumed; empty otherwise.
    pub name: Arc<str>,
}

const CHECK_TIMEOUT_MS: u64 = 3_000;

/// The calls that should be under way or are due later, in the order of registration.
pub fn wanted(transaction: &Transaction) -> impl Iterator<Item = CallTarget> + '_ {
    let branches = transaction.branches.iter().enumerate().filter_map(|(index, branch)| {
        let operation = branch.operation().filter(|_| transaction.phase != Phase::Stopped)?;
        // A try that was under way when the decision fell is not repeated.
        if operation == Operation::Try && transaction.phase != Phase::Open {
            return None;
        }
        branch.url(operation)?;
        Some(CallTarget {
            branch: u16::try_from(index).ok(),
            operation,
            attempt: branch.attempts.of(operation) + 1,
            at: branch.pace.next_at.max(transaction.not_before),
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

/// Nothing goes on for now: whatever is wanted waits for a time to come. `false` before the first answers have come.
#[must_use]
pub fn is_at_rest(transaction: &Transaction) -> bool {
    wanted(transaction).all(|target| target.at > Time::START)
}

/// When time alone may change the transaction next: its deadline or the end of its cooling-off window.
#[must_use]
pub fn next_due(transaction: &Transaction) -> Option<Time> {
    match transaction.phase {
        Phase::Open => transaction.deadline_at(),
        Phase::Cooling => transaction.cooling_until,
        Phase::Confirming | Phase::Cancelling | Phase::Confirmed | Phase::Cancelled | Phase::Stopped => None,
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
        let Some(index) = target.branch else { return self.callback(target) };
        let branch = self.branches.get(usize::from(index))?;
        let url = branch.url(target.operation)?;
        let until_deadline = match target.operation {
            Operation::Try => self.deadline_at().map_or(u64::MAX, |deadline| now.ms_until(deadline).max(1)),
            Operation::Confirm | Operation::Cancel | Operation::Check => u64::MAX,
        };
        let plain = Call {
            transaction: Arc::clone(&self.spec.id),
            trace: self.trace,
            branch: Arc::clone(&branch.spec.id),
            operation: target.operation.name(self.spec.pattern),
            attempt: target.attempt,
            url: Arc::clone(url),
            body: None,
            result: None,
            pass_result: false,
            headers: Vec::new(),
            timeout_ms: until_deadline,
            raw: None,
        };
        match &branch.spec.kind {
            Kind::Call(call) => Some(Call {
                body: call.body.clone(),
                result: branch.result.clone(),
                pass_result: call.pass_result && target.operation != Operation::Try,
                headers: call.headers.clone(),
                timeout_ms: call.timeout_ms.min(until_deadline),
                ..plain
            }),
            Kind::Raw(raw) => {
                let terms = self.spec.terms.as_ref()?;
                Some(Call {
                    headers: terms.headers.clone(),
                    timeout_ms: terms.timeout_ms.min(until_deadline),
                    raw: Some(self.raw(&raw.body)),
                    ..plain
                })
            }
            Kind::Await | Kind::Hold(_) | Kind::Item(_) => None,
        }
    }

    /// The check-back of a message, or the resume call of a workflow.
    fn callback(&self, target: CallTarget) -> Option<Call> {
        let check = self.spec.check.as_ref()?;
        let plain = Call {
            transaction: Arc::clone(&self.spec.id),
            trace: self.trace,
            branch: Arc::from(target.operation.name(self.spec.pattern)),
            operation: target.operation.name(self.spec.pattern),
            attempt: target.attempt,
            url: Arc::clone(&check.url),
            body: None,
            result: None,
            pass_result: false,
            headers: Vec::new(),
            timeout_ms: CHECK_TIMEOUT_MS,
            raw: None,
        };
        let Some(terms) = self.spec.terms.as_ref() else { return Some(plain) };
        let with = Call { headers: terms.headers.clone(), timeout_ms: terms.timeout_ms, ..plain };
        let resume = terms.resume.as_ref();
        let body = resume.map_or_else(|| Arc::from([]), |resume| Arc::clone(&resume.body));
        Some(match terms.protocol {
            Protocol::Tercet => {
                let text = std::str::from_utf8(&body).ok().filter(|text| !text.is_empty());
                Call { body: text.map(Arc::from), ..with }
            }
            Protocol::DtmHttp | Protocol::DtmGrpc | Protocol::DtmJsonRpc => {
                let name = resume.map_or_else(|| Arc::from(""), |resume| Arc::clone(&resume.name));
                Call { raw: Some(Raw { name, ..self.raw(&body) }), ..with }
            }
        })
    }

    fn raw(&self, body: &Arc<[u8]>) -> Raw {
        Raw {
            protocol: self.spec.protocol(),
            pattern: self.spec.pattern,
            body: Arc::clone(body),
            name: Arc::from(""),
        }
    }
}
