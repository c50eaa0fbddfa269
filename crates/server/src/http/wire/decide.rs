//! The bodies of confirm, cancel, stop and retry. Each may be left out altogether.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use transaction::refusal::RESULT_TOO_LARGE;
use transaction::{Command, Decision, Refusal};
use utoipa::ToSchema;

use super::scalar::{Span, Text};
use crate::http::parse::shortened;
use crate::refusal::FIELD_INVALID;

/// Confirms a transaction, or submits a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Confirm)]
pub(in crate::http) struct ConfirmBody<'a> {
    /// Hold the answer until the transaction is final, at most so long, at most 60000; 0 unless given.
    #[schema(value_type = Option<u64>)]
    wait_ms: Option<Span>,
    /// The caller's words; a confirm keeps no reason, they are only allowed.
    #[schema(value_type = Option<String>)]
    detail: Option<Text>,
    /// Workflow: JSON kept as its result, byte for byte; at most 64 KiB.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    result: Option<&'a RawValue>,
}

/// Gives a transaction up by force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Stop)]
pub(in crate::http) struct StopBody {
    /// Why, in the caller's words; at most 1024 bytes.
    #[schema(value_type = Option<String>)]
    detail: Option<Text>,
}

/// Cancels or withdraws a transaction, or aborts a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Cancel)]
pub(in crate::http) struct CancelBody {
    /// Why, in the caller's words; at most 1024 bytes.
    #[schema(value_type = Option<String>)]
    detail: Option<Text>,
    /// Hold the answer until the transaction is final, at most so long, at most 60000; 0 unless given.
    #[schema(value_type = Option<u64>)]
    wait_ms: Option<Span>,
}

/// Nothing is to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Nothing)]
pub(in crate::http) struct NoBody {}

const DETAIL_BYTES: usize = 1_024;

fn detail(given: Option<Text>) -> Result<Option<Arc<str>>, Refusal> {
    match given {
        Some(Text(detail)) if detail.len() > DETAIL_BYTES => {
            let words =
                format!("{} bytes are more than {DETAIL_BYTES}: {}", detail.len(), shortened(&detail));
            Err(FIELD_INVALID.at("/detail", words))
        }
        given => Ok(given.map(|text| text.0)),
    }
}

impl ConfirmBody<'_> {
    /// The command, and how long the answer may be held, in milliseconds; `most` bounds the result, in bytes.
    pub(in crate::http) fn into_command(self, most: usize) -> Result<(Command, u64), Refusal> {
        detail(self.detail)?;
        let wait_ms = super::wait(self.wait_ms)?;
        let Some(result) = self.result.map(RawValue::get) else { return Ok((Command::Confirm, wait_ms)) };
        if result.len() > most {
            let detail = format!("the result has {} bytes; at most {most} are allowed", result.len());
            return Err(RESULT_TOO_LARGE.at("/result", detail));
        }
        let conclude =
            Command::Conclude { decision: Decision::Confirm, detail: None, result: Some(Arc::from(result)) };
        Ok((conclude, wait_ms))
    }
}

impl StopBody {
    /// The command.
    pub(in crate::http) fn into_command(self) -> Result<Command, Refusal> {
        let detail = detail(self.detail)?.unwrap_or_else(|| Arc::from("stopped by request"));
        Ok(Command::Stop { detail })
    }
}

impl CancelBody {
    /// Why, and how long the answer may be held, in milliseconds.
    pub(in crate::http) fn into_parts(self) -> Result<(Option<Arc<str>>, u64), Refusal> {
        Ok((detail(self.detail)?, super::wait(self.wait_ms)?))
    }
}
