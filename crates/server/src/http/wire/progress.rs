//! The body of a workflow's progress: a step that its initiator has run; and how progress is shown.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use transaction::refusal::{FIELD_MISSING, ID_INVALID, RESULT_TOO_LARGE};
use transaction::{Command, Progress, Refusal, Signal, is_id};
use utoipa::ToSchema;

use super::scalar::Text;
use super::signal::OutcomeName;

/// A step of a workflow that its initiator has run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Progress)]
pub(in crate::http) struct ProgressBody<'a> {
    /// The step; the form of every id.
    #[schema(value_type = String, required = true)]
    step: Option<Text>,
    /// What was run of it, in the initiator's own word; `action` unless given.
    #[schema(value_type = Option<String>)]
    operation: Option<Text>,
    /// What came of it.
    #[schema(value_type = OutcomeName, required = true)]
    outcome: Option<OutcomeName>,
    /// JSON that it gave, kept byte for byte; at most 64 KiB.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    result: Option<&'a RawValue>,
}

impl ProgressBody<'_> {
    /// The command; `most` bounds the result, in bytes.
    pub(in crate::http) fn into_command(self, most: usize) -> Result<Command, Refusal> {
        let Some(Text(step)) = self.step else {
            return Err(FIELD_MISSING.at("/step", "progress names the step that was run"));
        };
        let operation = self.operation.map_or_else(|| Arc::from("action"), |text| text.0);
        for (at, id) in [("/step", &step), ("/operation", &operation)] {
            if !is_id(id) {
                return Err(
                    ID_INVALID.at(at, "it is empty, too long, or holds another character than ids have")
                );
            }
        }
        let outcome = match self.outcome {
            Some(OutcomeName::Done) => Signal::Done,
            Some(OutcomeName::Refused) => Signal::Refused,
            None => {
                return Err(FIELD_MISSING.at("/outcome", "progress says what came of it: done or refused"));
            }
        };
        let data = self.result.map_or("", RawValue::get);
        if data.len() > most {
            let detail = format!("the result has {} bytes; at most {most} are allowed", data.len());
            return Err(RESULT_TOO_LARGE.at("/result", detail));
        }
        let data = Arc::from(data.as_bytes());
        Ok(Command::Progress(Arc::new(Progress { step, operation, outcome, data })))
    }
}

/// A step of a workflow as it is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = ProgressState)]
pub(in crate::http) struct ProgressView<'a> {
    /// The step.
    step: &'a str,
    /// What was run of it.
    operation: &'a str,
    /// `done` or `refused`.
    outcome: &'static str,
    /// The JSON that it gave; what is no JSON is shown as a string of Base64.
    #[schema(value_type = Option<serde_json::Value>)]
    result: Option<Shown<'a>>,
}

/// What a step gave: JSON as it is, anything else in Base64.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Json(&'a RawValue),
    Bytes(String),
}

impl<'a> ProgressView<'a> {
    /// The view of one step.
    pub(super) fn of(progress: &'a Progress) -> ProgressView<'a> {
        let outcome = match progress.outcome {
            Signal::Done => "done",
            Signal::Refused => "refused",
        };
        let json = std::str::from_utf8(&progress.data).ok().and_then(|text| serde_json::from_str(text).ok());
        let result = match json {
            Some(json) => Some(Shown::Json(json)),
            None => (!progress.data.is_empty()).then(|| Shown::Bytes(STANDARD.encode(&progress.data))),
        };
        ProgressView { step: &progress.step, operation: &progress.operation, outcome, result }
    }
}
