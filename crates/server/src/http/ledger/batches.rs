//! `POST /v1/batches`.

use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::ledger::{BatchBody, ResultsView};
use super::super::{Asked, parse, query};
use super::{batch, text};

/// Decides members of any kind, one after another, in one frame.
///
/// Each has the fields that it has in the verb of its kind; `linked` ties members of any kinds.
#[utoipa::path(
    post, path = "/v1/batches", tag = "ledger", request_body = BatchBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "A result for each member, in order", body = ResultsView),
        (status = 400, description = "Malformed: nothing was kept", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn apply_batch(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: BatchBody<'_> = parse::object(text(asked)?)?;
    batch(asked, body.gathered()?).await
}
