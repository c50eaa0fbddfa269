//! The verbs on transactions: each reads its request, asks the engine, and writes the answer.

mod begin;
mod branch;
mod decide;
mod list;
mod progress;
mod read;
mod retry;
mod signal;
mod stop;
mod timeline;

pub(super) use begin::*;
pub(super) use branch::*;
pub(super) use decide::*;
pub(super) use list::*;
pub(super) use progress::*;
pub(super) use read::*;
pub(super) use retry::*;
pub(super) use signal::*;
pub(super) use stop::*;
pub(super) use timeline::*;

use std::sync::Arc;

use engine::Act;
use http::StatusCode;
use transaction::{Command, Refusal};

use super::answer::{Answer, Novelty, write};
use super::wire::TransactionView;
use super::{Asked, body, bridge, idempotency};

/// The body as text, its depth checked.
fn text<'a>(asked: &Asked<'a>) -> Result<&'a str, Refusal> {
    body::text(asked.body, asked.serving.limits.json_depth)
}

/// Names the transaction that the path names, for the log too.
fn named(asked: &mut Asked<'_>) -> Arc<str> {
    let id = asked.found.id();
    asked.subject.transaction = Some(Arc::clone(&id));
    id
}

/// Asks something of the transaction that the path names.
async fn act(asked: &mut Asked<'_>, command: Command, wait_ms: u64) -> Result<engine::Answer, Refusal> {
    let id = named(asked);
    let key = idempotency::key(asked)?;
    let answer = bridge::act(
        asked.serving,
        Act { id, command: Some(command), key, wait_ms, until: engine::Until::Final },
    )
    .await?;
    asked.subject.is_about(&answer.transaction);
    Ok(answer)
}

/// The answer that shows a transaction.
fn shown(answer: &engine::Answer, status: StatusCode) -> Answer {
    let transaction = &answer.transaction;
    let body = write(&TransactionView::of(transaction), TransactionView::room(transaction));
    let novelty = if answer.replayed { Novelty::Replayed } else { Novelty::New };
    Answer { sequence: Some(answer.sequence), novelty, ..Answer::json(status, body) }
}

/// 200 when nothing is left to wait for or nothing new was kept, else 202.
fn kept(answer: &engine::Answer) -> Answer {
    let is_settled = answer.replayed || answer.transaction.phase.is_final();
    shown(answer, if is_settled { StatusCode::OK } else { StatusCode::ACCEPTED })
}
