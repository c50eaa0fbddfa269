//! `GET /v1/transactions`.

use http::StatusCode;
use transaction::Refusal;

use super::super::answer::{Answer, write};
use super::super::problem::ProblemView;
use super::super::wire::{ListView, filter};
use super::super::{Asked, bridge};

/// Transactions, newest first; every condition given must hold.
#[utoipa::path(
    get, path = "/v1/transactions", tag = "transactions",
    params(
        ("state" = Option<String>, Query, description = "Only this state"),
        ("pattern" = Option<String>, Query, description = "Only `tcc`, `saga` or `message`"),
        ("needs_attention" = Option<bool>, Query, description = "Only those that need attention, or only those that do not"),
        ("label.KEY" = Option<String>, Query, description = "Only those whose label KEY has this value; several may be given"),
        ("created_after" = Option<String>, Query, description = "Only those begun at or after this time (RFC 3339)"),
        ("created_before" = Option<String>, Query, description = "Only those begun before this time (RFC 3339)"),
        ("limit" = Option<u64>, Query, description = "At most so many; 100 unless given, at most 1000"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = ListView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn list(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let filter = filter(asked.head)?;
    let page = bridge::ask(|respond| asked.serving.engine.list(filter, respond)).await?;
    let body = write(&ListView::of(&page), ListView::room(&page));
    Ok(Answer { sequence: Some(page.sequence), ..Answer::json(StatusCode::OK, body) })
}
