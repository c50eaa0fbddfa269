//! `GET /v1/transactions/{id}/timeline`.

use http::StatusCode;
use transaction::Refusal;

use super::super::answer::{Answer, write};
use super::super::problem::ProblemView;
use super::super::wire::{TimelineView, timeline_query};
use super::super::{Asked, bridge};
use super::named;

/// What became of a transaction: every kept event and every attempt, in order, in words.
#[utoipa::path(
    get, path = "/v1/transactions/{id}/timeline", tag = "transactions",
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("limit" = Option<u64>, Query, description = "At most so many; 1000 unless given, at most 1000"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = TimelineView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn timeline(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let id = named(asked);
    let query = timeline_query(asked.head, id)?;
    let page = bridge::ask(|respond| asked.serving.engine.timeline(query, respond)).await?;
    let body = write(&TimelineView::of(&page), 64 + page.items.len() * 192);
    Ok(Answer { sequence: Some(page.sequence), ..Answer::json(StatusCode::OK, body) })
}
