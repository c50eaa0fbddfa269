//! `POST /v1/transactions`.

use std::sync::Arc;

use engine::Begin;
use transaction::{Refusal, validate};

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::{BeginBody, TransactionView};
use super::super::{Asked, bridge, idempotency, parse, query};
use super::{kept, text};

/// Begins a transaction.
///
/// The same id with the same content answers the known transaction as it stands (`Idempotent-Replayed: true`); with
/// other content it is refused.
#[utoipa::path(
    post, path = "/v1/transactions", tag = "transactions", request_body = BeginBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "Final, or a replay of a known id", body = TransactionView),
        (status = 202, description = "Kept, and going on", body = TransactionView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The id or key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 429, description = "The caller's limit", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn begin(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: BeginBody<'_> = parse::object(text(asked)?)?;
    let wait_ms = body.wait_ms()?;
    let spec = body.into_spec(&asked.serving.judge())?;
    asked.subject.transaction = Some(Arc::clone(&spec.id));
    validate(&spec, &asked.serving.transaction)?;
    let key = idempotency::key(asked)?;
    let begin =
        Begin { spec: Arc::new(spec), trace: asked.subject.trace, key, wait_ms, until: engine::Until::Final };
    let answer = bridge::begin(asked.serving, begin).await?;
    asked.subject.is_about(&answer.transaction);
    Ok(kept(&answer))
}
