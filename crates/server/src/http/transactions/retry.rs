//! `POST /v1/transactions/{id}/retry`.

use http::StatusCode;
use transaction::{Command, Refusal};

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::{NoBody, TransactionView};
use super::super::{Asked, parse, query};
use super::{act, named, shown, text};

/// An operator's retry now: every call that waits for its next attempt is made at once; clears `needs_attention`.
#[utoipa::path(
    post, path = "/v1/transactions/{id}/retry", tag = "transactions", request_body = Option<NoBody>,
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "Kept", body = TransactionView),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Final: nothing is left to retry", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn retry(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    named(asked);
    let NoBody {} = parse::object_or_nothing(text(asked)?)?;
    let answer = act(asked, Command::Retry, 0).await?;
    Ok(shown(&answer, StatusCode::OK))
}
