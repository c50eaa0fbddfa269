//! `POST /v1/transactions/{id}/branches/{branch}/signal`.

use http::StatusCode;
use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::{SignalBody, TransactionView};
use super::super::{Asked, parse, query};
use super::{act, named, shown, text};

/// Completes an `await` branch with the outside fact it waits for.
///
/// The same outcome again answers as the first time; another one is refused (`already_signalled`).
#[utoipa::path(
    post, path = "/v1/transactions/{id}/branches/{branch}/signal", tag = "transactions", request_body = SignalBody,
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("branch" = String, Path, description = "The branch's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "Kept", body = TransactionView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such transaction or branch", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Signalled otherwise, decided already, or not an await branch", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "The result is too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn signal(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    named(asked);
    let body: SignalBody<'_> = parse::object(text(asked)?)?;
    let command = body.into_command(asked.found.branch(), asked.serving.transaction.result_bytes)?;
    let answer = act(asked, command, 0).await?;
    Ok(shown(&answer, StatusCode::OK))
}
