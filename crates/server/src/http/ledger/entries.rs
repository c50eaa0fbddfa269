//! `POST /v1/entries`.

use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::ledger::{EntriesBody, ResultsView};
use super::super::{Asked, parse, query};
use super::{batch, text};

/// Posts entries, decided one after another.
///
/// The same id with the same content is a `duplicate`; with other content it is refused. A chain of `linked` entries
/// succeeds or fails as one; other entries are unaffected by one that is refused.
#[utoipa::path(
    post, path = "/v1/entries", tag = "ledger", request_body = EntriesBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "A result for each entry, in order", body = ResultsView),
        (status = 400, description = "Malformed: nothing was kept", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn post_entries(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: EntriesBody<'_> = parse::object(text(asked)?)?;
    batch(asked, body.gathered()?).await
}
