//! `POST /v1/transactions/{id}/confirm` and `…/cancel`.

use transaction::{Command, Refusal};

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::{CancelBody, ConfirmBody, TransactionView};
use super::super::{Asked, parse, query};
use super::{act, kept, text};

/// Confirms an interactive transaction; submits a prepared message; ends a workflow well, with its result.
///
/// Repeating the decision answers 200; when the other one has been made it is refused (`already_decided`).
#[utoipa::path(
    post, path = "/v1/transactions/{id}/confirm", tag = "transactions", request_body = Option<ConfirmBody>,
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "Final, or decided so before", body = TransactionView),
        (status = 202, description = "Kept, and going on", body = TransactionView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Decided otherwise, managed, or not all tried", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn confirm(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: ConfirmBody<'_> = parse::object_or_nothing(text(asked)?)?;
    let (command, wait_ms) = body.into_command(asked.serving.transaction.result_bytes)?;
    Ok(kept(&act(asked, command, wait_ms).await?))
}

/// Cancels an interactive transaction; withdraws a managed one while it is trying or cooling; aborts a prepared message;
/// ends a workflow badly.
///
/// Repeating the decision answers 200; when the other one has been made it is refused (`already_decided`).
#[utoipa::path(
    post, path = "/v1/transactions/{id}/cancel", tag = "transactions", request_body = Option<CancelBody>,
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "Final, or decided so before", body = TransactionView),
        (status = 202, description = "Kept, and going on", body = TransactionView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Decided otherwise", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn cancel(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: CancelBody = parse::object_or_nothing(text(asked)?)?;
    let (detail, wait_ms) = body.into_parts()?;
    Ok(kept(&act(asked, Command::Cancel { detail }, wait_ms).await?))
}
