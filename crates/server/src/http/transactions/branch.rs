//! `POST /v1/transactions/{id}/branches`.

use std::sync::Arc;

use http::StatusCode;
use transaction::refusal::BRANCHES_INVALID;
use transaction::{Command, Refusal, Transaction};

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::{BranchBody, TransactionView};
use super::super::{Asked, bridge, parse, query};
use super::{act, named, shown, text};

/// Registers a branch of an interactive transaction, before its try is called.
///
/// The same content again answers as the first time; other content is refused (`branch_mismatch`).
#[utoipa::path(
    post, path = "/v1/transactions/{id}/branches", tag = "transactions", request_body = BranchBody,
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "Registered", body = TransactionView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Decided already, or managed", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "Registered with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn register(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let id = named(asked);
    let body: BranchBody<'_> = parse::object(text(asked)?)?;
    // Which fields belong to a branch depends on the transaction's pattern, which never changes.
    let known = bridge::read(asked.serving, id).await?.transaction;
    has_room(&known, &body, asked.serving.transaction.branches)?;
    let spec = body.into_spec((known.spec.pattern, known.spec.mode), &asked.serving.judge())?;
    let answer = act(asked, Command::Register(Arc::new(spec)), 0).await?;
    Ok(shown(&answer, StatusCode::OK))
}

/// Checks the limit of branches; a branch that is there already may come again.
/// Refuses one branch more than a transaction may have.
pub(in crate::http) fn has_room(
    known: &Transaction,
    body: &BranchBody<'_>,
    most: usize,
) -> Result<(), Refusal> {
    let is_known = body.id().is_some_and(|id| known.branch_index(id).is_some());
    if is_known || known.branches.len() < most {
        return Ok(());
    }
    Err(BRANCHES_INVALID.because(format!("a transaction may have at most {most} branches")))
}
