//! `POST /v1/holds`, and the verbs on one hold.

use std::sync::Arc;

use engine::Question;
use ledger::Batch;
use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::ledger::{
    CaptureBody, Gathered, HistoryView, HoldObject, HoldsBody, ReleaseBody, ReopenBody, ResultsView,
    history_query,
};
use super::super::{Asked, parse, query};
use super::{ask, ask_after, batch, found, shown, single, text};

/// Holds value of accounts for others, decided one after another.
#[utoipa::path(
    post, path = "/v1/holds", tag = "ledger", request_body = HoldsBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "A result for each hold, in order", body = ResultsView),
        (status = 400, description = "Malformed: nothing was kept", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn place_holds(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: HoldsBody<'_> = parse::object(text(asked)?)?;
    batch(asked, body.gathered()?).await
}

/// Captures a hold: all that is left, or an amount; several times by different ids.
#[utoipa::path(
    post, path = "/v1/holds/{id}/capture", tag = "ledger", request_body = Option<CaptureBody>,
    params(
        ("id" = String, Path, description = "The hold's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "The hold as it stands", body = HoldObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such hold", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Closed, expired, too small, or a branch's", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The id or key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn capture_hold(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: CaptureBody<'_> = parse::object_or_nothing(text(asked)?)?;
    let id = asked.found.id();
    let mut gathered = Gathered::default();
    body.add((&id, None), &mut gathered)?;
    changed(asked, id, gathered.batch).await
}

/// Releases what is left of a hold.
#[utoipa::path(
    post, path = "/v1/holds/{id}/release", tag = "ledger", request_body = Option<ReleaseBody>,
    params(
        ("id" = String, Path, description = "The hold's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "The hold as it stands", body = HoldObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such hold", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Captured, or a branch's", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn release_hold(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: ReleaseBody<'_> = parse::object_or_nothing(text(asked)?)?;
    let id = asked.found.id();
    let mut batch = Batch::with_capacity(1, 64);
    batch.push(&body.command(&id, None)?);
    changed(asked, id, batch).await
}

/// Reopens a hold that expired, if the value is still there.
#[utoipa::path(
    post, path = "/v1/holds/{id}/reopen", tag = "ledger", request_body = Option<ReopenBody>,
    params(
        ("id" = String, Path, description = "The hold's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "The hold as it stands", body = HoldObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such hold", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Not expired, or the value is gone", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The id or key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn reopen_hold(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: ReopenBody<'_> = parse::object_or_nothing(text(asked)?)?;
    let id = asked.found.id();
    let mut gathered = Gathered::default();
    body.add(&id, &mut gathered)?;
    changed(asked, id, gathered.batch).await
}

/// Changes one hold, and answers it as it stands then.
async fn changed(asked: &mut Asked<'_>, id: Arc<str>, batch: Batch) -> Result<Answer, Refusal> {
    let single = single(asked, batch).await?;
    let seen = ask_after(asked, Question::Hold(id)).await?;
    let hold = found!(seen.value, Hold);
    Ok(Answer { novelty: single.novelty, ..shown(&HoldObject::of(&hold), seen.sequence) })
}

/// A hold as it stands, open or closed.
#[utoipa::path(
    get, path = "/v1/holds/{id}", tag = "ledger",
    params(("id" = String, Path, description = "The hold's id, percent-encoded; a branch's is `transaction/branch`")),
    responses(
        (status = 200, description = "The hold", body = HoldObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such hold", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn read_hold(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let seen = ask(asked, Question::Hold(asked.found.id())).await?;
    let hold = found!(seen.value, Hold);
    Ok(shown(&HoldObject::of(&hold), seen.sequence))
}

/// What became of a hold, oldest first.
#[utoipa::path(
    get, path = "/v1/holds/{id}/history", tag = "ledger",
    params(
        ("id" = String, Path, description = "The hold's id, percent-encoded"),
        ("limit" = Option<u64>, Query, description = "At most so many; 100 unless given, at most 1000"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = HistoryView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such hold", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn hold_history(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let query = history_query(asked.head, asked.found.id())?;
    let seen = ask(asked, Question::HoldHistory(query)).await?;
    let page = found!(seen.value, History);
    Ok(shown(&HistoryView::of(&page), seen.sequence))
}
