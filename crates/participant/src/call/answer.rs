//! What a participant answers: done, or refused for a reason. "In progress" and faults are no answers to keep.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use transaction::barrier::Hazard;

/// The longest answer that is kept, in bytes: what the coordinator keeps of a try's.
pub const ANSWER_MAX: usize = 64 * 1024;

/// How the business change went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was made. What a try answers here is the branch's `result`.
    Done(Option<Value>),
    /// It can't be made, for a business reason; whatever the function changed is rolled back. Lawful for a try and an
    /// action; from a confirm, cancel, compensate or deliver it is rolled back, not kept, and raises attention.
    Refused(Refused),
    /// Not yet: rolled back, nothing is kept, and the coordinator asks again at the same pace.
    InProgress,
}

/// A business refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// A stable name, `snake_case`.
    pub code: String,
    /// For a person to read; becomes the transaction's reason.
    pub detail: String,
}

/// What goes back to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status: 200, 202, 409 or 422, see "Branch calls" in `docs/reference/api.md`.
    pub status: StatusCode,
    /// JSON; empty when there is nothing to say.
    pub body: Vec<u8>,
}

impl Outcome {
    /// Done, with nothing to say.
    #[must_use]
    pub fn done() -> Outcome {
        Outcome::Done(None)
    }

    /// Done, with what the coordinator keeps as the branch's result.
    ///
    /// # Errors
    /// When the value can't be written as JSON.
    pub fn result(value: impl Serialize) -> Result<Outcome, serde_json::Error> {
        Ok(Outcome::Done(Some(serde_json::to_value(value)?)))
    }

    /// Refused, under a code of the business and with a reason for a person.
    #[must_use]
    pub fn refused(code: impl Into<String>, detail: impl Into<String>) -> Outcome {
        Outcome::Refused(Refused { code: code.into(), detail: detail.into() })
    }
}

impl Answer {
    /// 200.
    #[must_use]
    pub fn done(body: Vec<u8>) -> Answer {
        Answer { status: StatusCode::OK, body }
    }

    /// 202.
    #[must_use]
    pub fn in_progress() -> Answer {
        Answer { status: StatusCode::ACCEPTED, body: Vec::new() }
    }

    /// A refusal as it was kept: 409 with that body.
    #[must_use]
    pub fn refused(body: Vec<u8>) -> Answer {
        Answer { status: StatusCode::CONFLICT, body }
    }

    /// A problem (RFC 9457) with a code.
    #[must_use]
    pub fn problem(status: StatusCode, code: &str, detail: &str) -> Answer {
        let problem = json!({
            "type": format!("urn:tercet:participant:{code}"),
            "title": code.replace('_', " "),
            "status": status.as_u16(),
            "detail": detail,
            "code": code,
        });
        Answer { status, body: problem.to_string().into_bytes() }
    }

    /// What the barrier refuses.
    #[must_use]
    pub fn hazard(hazard: Hazard) -> Answer {
        Answer::problem(StatusCode::CONFLICT, hazard.name(), hazard.detail())
    }

    /// The same operation as before, with other content.
    #[must_use]
    pub fn content_mismatch() -> Answer {
        Answer::problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "content_mismatch",
            "this operation of this branch came before with another body; ids are not to be used again",
        )
    }

    /// Whether the body is a problem (RFC 9457) and not a result.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        !self.status.is_success()
    }
}

impl From<&Refused> for Answer {
    fn from(refused: &Refused) -> Answer {
        Answer::problem(StatusCode::CONFLICT, &refused.code, &refused.detail)
    }
}
