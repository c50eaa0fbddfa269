//! `GET /v1/transactions/{id}`.

use engine::Act;
use http::StatusCode;
use transaction::Refusal;

use super::super::answer::{Answer, Novelty};
use super::super::problem::ProblemView;
use super::super::wire::TransactionView;
use super::super::{Asked, bridge, query};
use super::{named, shown};

/// A transaction as it stands.
#[utoipa::path(
    get, path = "/v1/transactions/{id}", tag = "transactions",
    params(
        ("id" = String, Path, description = "The transaction's id, percent-encoded"),
        ("wait_ms" = Option<u64>, Query, description = "Hold the answer until it is final, at most so long, at most 60000"),
    ),
    responses(
        (status = 200, description = "The transaction", body = TransactionView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such transaction", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn read(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let id = named(asked);
    let wait_ms = query::wait_ms(asked.head)?;
    let answer = bridge::act(
        asked.serving,
        Act { id, command: None, key: None, wait_ms, until: engine::Until::Final },
    )
    .await?;
    asked.subject.is_about(&answer.transaction);
    // A read repeats nothing.
    Ok(Answer { novelty: Novelty::New, ..shown(&answer, StatusCode::OK) })
}
