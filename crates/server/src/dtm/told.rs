//! What a client is told: DTM's four outcomes, from an answer or a refusal of ours. A success never carries words of anybody:
//! clients take a success with the word FAILURE in it for a failure.

use transaction::{Pattern, Phase, Refusal, RefusalClass, Transaction};

use super::{DtmConfig, Unfinished};
use crate::refusal::RATE_LIMITED;

/// Why a request was not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It failed, and will not succeed: 409.
    Failure(String),
    /// It goes on: 425.
    Ongoing(String),
    /// The request cannot be carried out as it is: 500.
    Fault(String),
    /// Not now: 503.
    Busy(String),
    /// The caller is not let in, or asks too much: this status.
    Denied(Box<Refusal>),
}

/// The outcome of a request that carries nothing.
pub(super) type Outcome = Result<(), Told>;

impl From<Refusal> for Told {
    fn from(refusal: Refusal) -> Told {
        if refusal.kind == &RATE_LIMITED {
            return Told::Denied(Box::new(refusal));
        }
        match refusal.kind.class {
            RefusalClass::NotNow => Told::Busy(refusal.to_string()),
            RefusalClass::NotAllowed => Told::Denied(Box::new(refusal)),
            RefusalClass::Malformed
            | RefusalClass::Unknown
            | RefusalClass::Conflict
            | RefusalClass::TooLarge
            | RefusalClass::Mismatch => Told::Fault(at(&refusal)),
        }
    }
}

/// The refusal in words, with the field at fault where one is meant.
fn at(refusal: &Refusal) -> String {
    match &refusal.at {
        Some(at) => format!("{refusal} (at {at})"),
        None => refusal.to_string(),
    }
}

/// DTM's name for where a transaction stands.
pub(super) fn status(transaction: &Transaction) -> &'static str {
    status_of(transaction.phase, transaction.spec.pattern)
}

/// DTM's name for a phase of a pattern.
pub(super) fn status_of(phase: Phase, pattern: Pattern) -> &'static str {
    use transaction::Pattern as P;
    match (phase, pattern) {
        (Phase::Open, P::Saga) | (Phase::Confirming, _) => "submitted",
        (Phase::Open, P::Tcc | P::Message | P::Xa | P::Workflow) | (Phase::Cooling, _) => "prepared",
        (Phase::Cancelling, _) => "aborting",
        (Phase::Confirmed, _) => "succeed",
        (Phase::Cancelled | Phase::Stopped, _) => "failed",
    }
}

/// The conflict of a verb with where the transaction stands. `cannot sumbmit` is how DTM writes it, and what clients look for.
pub(super) fn cannot(verb: &str, transaction: &Transaction) -> Told {
    Told::Failure(format!("current status '{}', cannot {verb}", status(transaction)))
}

/// What whoever waited for the result is told.
pub(super) fn result(transaction: &Transaction, config: &DtmConfig) -> Outcome {
    let reason = transaction.reason.as_ref().map_or("", |reason| &*reason.detail);
    match (transaction.phase.is_final(), status(transaction), config.unfinished) {
        (true, "succeed", _) => Ok(()),
        (true, _, _) if reason.is_empty() => {
            Err(Told::Failure("wait result not return success: FAILURE".to_owned()))
        }
        (true, _, _) => Err(Told::Failure(reason.to_owned())),
        (false, status, Unfinished::Ongoing) => {
            Err(Told::Ongoing(format!("the transaction is {status}, its outcome is open")))
        }
        (false, _, Unfinished::Failure) => {
            Err(Told::Failure("wait result not return success: FAILURE".to_owned()))
        }
    }
}
