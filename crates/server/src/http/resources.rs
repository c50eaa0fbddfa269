//! The verbs on declared resources: how one stands, and filling a Redis one anew from the journal.

use http::StatusCode;
use transaction::Refusal;

use super::answer::Answer;
use super::problem::ProblemView;
use super::{Asked, query};

/// How a declared resource stands.
///
/// Of a `redis` resource: whether calls go there, its counters beside what the journal says, and by how many units they
/// differ, as last compared.
#[utoipa::path(
    get, path = "/v1/resources/{name}", tag = "resources",
    params(("name" = String, Path, description = "The resource's name")),
    responses(
        (status = 200, description = "`name`, `kind`, and in `stands` what there is to say", body = Object),
        (status = 404, description = "No such resource", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(super) fn read(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let stands = asked.serving.resources.stands(&asked.found.id())?;
    Ok(Answer::json(StatusCode::OK, stands.to_string()))
}

/// Fills a `redis` resource anew from the journal. Its calls wait meanwhile, and go on afterwards.
#[utoipa::path(
    post, path = "/v1/resources/{name}/rebuild", tag = "resources",
    params(("name" = String, Path, description = "The resource's name")),
    responses(
        (status = 200, description = "Filled; the answer is that of `GET`", body = Object),
        (status = 400, description = "Not a `redis` resource", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such resource", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Redis is away, or the journal does not hold all any more", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn rebuild(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let stands = asked.serving.resources.rebuild(&asked.found.id()).await?;
    Ok(Answer::json(StatusCode::OK, stands.to_string()))
}
