//! The verbs of the ledger: each reads its request, asks the engine, and writes the answer.
//!
//! Batches answer 200 with a result per member; verbs on one thing answer that thing as it stands then, or the refusal.
//! Read `entries.rs` (a batch), then `holds.rs` (verbs on one thing).

mod accounts;
mod assets;
mod batches;
mod entries;
mod holds;
mod items;
mod machines;

pub(super) use accounts::*;
pub(super) use assets::*;
pub(super) use batches::*;
pub(super) use entries::*;
pub(super) use holds::*;
pub(super) use items::*;
pub(super) use machines::*;

use engine::{Change, Changed, Found, Question, Seen};
use http::StatusCode;
use ledger::{Batch, Done, Outcome, Run};
use serde::Serialize;
use transaction::Refusal;

use super::answer::{Answer, Novelty, write};
use super::wire::ledger::{Gathered, results};
use super::{Asked, body, bridge, idempotency};
use crate::refusal::OUTCOME_UNKNOWN;

/// The body as text, its depth checked.
fn text<'a>(asked: &Asked<'a>) -> Result<&'a str, Refusal> {
    body::text(asked.body, asked.serving.limits.json_depth)
}

/// Has the engine decide a batch.
async fn change(asked: &Asked<'_>, batch: Batch, run: Run) -> Result<Changed, Refusal> {
    // A key that is not one is refused for a dry run too, but stands for what was kept only.
    let key = idempotency::key(asked)?.filter(|_| run == Run::Real);
    let change = Change { batch, run, key };
    bridge::ask(|respond| asked.serving.engine.change(change, respond)).await
}

/// The answer to a batch: a result for each member.
async fn batch(
    asked: &Asked<'_>,
    (mut gathered, dry_run): (Gathered<'_>, Option<bool>),
) -> Result<Answer, Refusal> {
    let run = if dry_run == Some(true) { Run::Dry } else { Run::Real };
    let changed = change(asked, std::mem::take(&mut gathered.batch), run).await?;
    let body = results(&gathered, &changed, run);
    let novelty = if changed.replayed { Novelty::Replayed } else { Novelty::New };
    Ok(Answer { sequence: Some(changed.sequence), novelty, ..Answer::json(StatusCode::OK, body) })
}

/// What became of the only member of a batch: whether it is new, and the sequence it rests on.
struct Single {
    outcome: Outcome,
    novelty: Novelty,
    sequence: u64,
}

/// Has the engine decide a batch of one member; a refusal of it is the refusal of the request.
async fn single(asked: &mut Asked<'_>, batch: Batch) -> Result<Single, Refusal> {
    let changed = change(asked, batch, Run::Real).await?;
    asked.subject.sequence = Some(changed.sequence);
    let result = changed.results.into_iter().next().expect("a batch of one member has one result");
    let outcome = result.map_err(|refusal| *refusal)?;
    let is_known = changed.replayed || outcome.done == Done::Duplicate;
    let novelty = if is_known { Novelty::Replayed } else { Novelty::New };
    Ok(Single { outcome, novelty, sequence: changed.sequence })
}

/// Asks about the ledger.
async fn ask(asked: &Asked<'_>, question: Question) -> Result<Seen<Found>, Refusal> {
    bridge::ask(|respond| asked.serving.engine.ask(question, respond)).await
}

/// Asks about what has just been changed. Whoever cannot be told what became of it is told just that: asking again with
/// the same id does nothing twice.
async fn ask_after(asked: &Asked<'_>, question: Question) -> Result<Seen<Found>, Refusal> {
    ask(asked, question).await.map_err(|refusal| {
        OUTCOME_UNKNOWN.because(format!("it is kept, but how it stands cannot be read just now: {refusal}"))
    })
}

/// The answer that shows something as it stands.
fn shown(view: &impl Serialize, sequence: u64) -> Answer {
    Answer { sequence: Some(sequence), ..Answer::json(StatusCode::OK, write(view, 512)) }
}

/// What was found, which is of the kind that was asked for.
macro_rules! found {
    ($found:expr, $kind:ident) => {
        match $found {
            engine::Found::$kind(value) => value,
            other => unreachable!("the engine answers a question in its own kind, not as {other:?}"),
        }
    };
}
use found;
