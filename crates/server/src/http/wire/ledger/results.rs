//! The answer to a batch, written by hand into one buffer: what became of each member, in order.

use engine::Changed;
use ledger::{Outcome, Run};
use serde::Serialize;
use transaction::Refusal;
use utoipa::ToSchema;

use super::members::{Gathered, Tells};
use super::scalar::Units;

/// What became of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = Results)]
pub(in crate::http) struct ResultsView {
    /// One for each member, in order.
    results: Vec<ResultView>,
    /// `true` where it was a dry run and nothing was kept; left out otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

/// What became of a member.
#[derive(Serialize, ToSchema)]
#[schema(as = Result)]
pub(in crate::http) struct ResultView {
    /// Its id.
    id: String,
    /// `posted`, `held`, `captured`, `released`, `opened`, `created`, `moved`, `duplicate` or `refused`.
    outcome: String,
    /// How much, where the request did not say (`up_to`, a capture or release of what is left).
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    /// Why it was refused.
    refusal: Option<RefusedView>,
}

/// Why a member was refused.
#[derive(Serialize, ToSchema)]
#[schema(as = MemberRefusal)]
pub(in crate::http) struct RefusedView {
    /// The stable code, see the reference of refusals.
    code: String,
    /// What exactly was wrong.
    detail: String,
    /// JSON pointer inside the member to the field that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

/// Bytes of a short result.
const RESULT_BYTES: usize = 96;

/// Writes the answer.
pub(in crate::http) fn results(gathered: &Gathered<'_>, changed: &Changed, run: Run) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 + changed.results.len() * RESULT_BYTES);
    body.extend_from_slice(b"{\"results\":[");
    for (index, result) in changed.results.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        let (own, tells) = gathered.named.get(index).map_or(("", Tells::Nothing), |(id, tells)| (id, *tells));
        let first = changed.ids.as_ref().and_then(|ids| ids.get(index));
        body.extend_from_slice(b"{\"id\":");
        quoted(first.map_or(own, |id| id), &mut body);
        match result {
            Ok(outcome) => done(*outcome, tells, &mut body),
            Err(refusal) => refused(refusal, &mut body),
        }
    }
    body.extend_from_slice(if run == Run::Dry { b"],\"dry_run\":true}" } else { b"]}" });
    body
}

fn done(outcome: Outcome, tells: Tells, body: &mut Vec<u8>) {
    body.extend_from_slice(b",\"outcome\":\"");
    body.extend_from_slice(outcome.done.name().as_bytes());
    if let (Tells::Amount, Some(units)) = (tells, outcome.amount) {
        body.extend_from_slice(b"\",\"amount\":\"");
        Units(units, outcome.scale).with(|text| body.extend_from_slice(text.as_bytes()));
    }
    body.extend_from_slice(b"\",\"refusal\":null}");
}

fn refused(refusal: &Refusal, body: &mut Vec<u8>) {
    body.extend_from_slice(b",\"outcome\":\"refused\",\"refusal\":{\"code\":");
    quoted(refusal.kind.code, body);
    body.extend_from_slice(b",\"detail\":");
    quoted(&refusal.detail, body);
    if let Some(at) = &refusal.at {
        body.extend_from_slice(b",\"at\":");
        quoted(at, body);
    }
    body.extend_from_slice(b"}}");
}

fn quoted(text: &str, body: &mut Vec<u8>) {
    serde_json::to_writer(body, text).expect("a text can be written to memory");
}
