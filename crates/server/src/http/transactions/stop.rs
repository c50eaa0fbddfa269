//! `POST /v1/transactions/{id}/stop`.

use http::StatusCode;
use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::{StopBody, TransactionView};
use super::super::{Asked, parse, query};
use super::{act, named, shown, text};

/// An operator gives a transaction up by force: it is final as it stands, nothing more is called, what was done stays done.
///
/// Refused where a branch holds something in the ledger (`holds_value`): cancel it instead.
#[utoipa::path(
    post, path = "/v1/transactions/{id}/stop", tag = "transactions", request_body = Option<StopBody>,
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "Stopped", body = TransactionView),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Final already, or it holds value", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn stop(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    named(asked);
    let body: StopBody = parse::object_or_nothing(text(asked)?)?;
    let answer = act(asked, body.into_command()?, 0).await?;
    Ok(shown(&answer, StatusCode::OK))
}
