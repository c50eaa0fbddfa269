//! `POST /v1/transactions/{id}/progress`.

use http::StatusCode;
use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::{ProgressBody, TransactionView};
use super::super::{Asked, parse, query};
use super::{act, named, shown, text};

/// Keeps a step of a workflow that its initiator has run, for whoever resumes it.
///
/// The same content again answers as the first time; other content is refused (`branch_mismatch`).
#[utoipa::path(
    post, path = "/v1/transactions/{id}/progress", tag = "transactions", request_body = ProgressBody,
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "Kept", body = TransactionView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Not a workflow, or ended", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "The result is too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "Told with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn progress(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    named(asked);
    let body: ProgressBody<'_> = parse::object(text(asked)?)?;
    let command = body.into_command(asked.serving.transaction.result_bytes)?;
    let answer = act(asked, command, 0).await?;
    Ok(shown(&answer, StatusCode::OK))
}
