//! The body of a signal: the outside fact that an `await` branch waits for.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use transaction::refusal::{FIELD_MISSING, RESULT_TOO_LARGE};
use transaction::{Command, Refusal, Signal};
use utoipa::ToSchema;

/// The outside fact of an `await` branch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Signal)]
pub(in crate::http) struct SignalBody<'a> {
    /// What happened.
    #[schema(value_type = OutcomeName, required = true)]
    outcome: Option<OutcomeName>,
    /// JSON kept as the branch's result, byte for byte; at most 64 KiB.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    result: Option<&'a RawValue>,
}

/// What happened.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Outcome)]
pub(in crate::http) enum OutcomeName {
    /// It happened.
    Done,
    /// It will not happen.
    Refused,
}

impl SignalBody<'_> {
    /// The command, for the branch with this id; `most` bounds the result, in bytes.
    pub(in crate::http) fn into_command(self, branch: Arc<str>, most: usize) -> Result<Command, Refusal> {
        let signal = match self.outcome {
            Some(OutcomeName::Done) => Signal::Done,
            Some(OutcomeName::Refused) => Signal::Refused,
            None => return Err(FIELD_MISSING.at("/outcome", "a signal says what happened: done or refused")),
        };
        let result = self.result.map(RawValue::get);
        if let Some(result) = result.filter(|result| result.len() > most) {
            let detail = format!("the result has {} bytes; at most {most} are allowed", result.len());
            return Err(RESULT_TOO_LARGE.at("/result", detail));
        }
        Ok(Command::Signal { branch, signal, result: result.map(Arc::from) })
    }
}
