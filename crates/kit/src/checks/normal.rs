//! The ordinary run, which everything else is measured by.
//!
//! Read next: `duplicates.rs`.

use std::sync::Arc;

use tokio::time::Instant;

use crate::case::{Blame, Case, Stop};
use crate::cause;
use crate::figures::{Effect, Learned};
use crate::form::Part;
use crate::stage::Stage;

/// Try and confirm, twice: the first time to learn, the second time to see whether it was the rule.
pub(super) async fn ordinary(stage: &Arc<Stage>) -> Result<(), Stop> {
    learn(stage).await?;
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    let begun = Instant::now();
    case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
    let _ = stage.took.set(begun.elapsed());
    case.effect(Effect::held(1), Blame::both(&cause::PROBE)).await?;
    if stage.form.has(Part::Confirm) {
        case.done(&id.call(Part::Confirm), &cause::CONFIRM_IMPOSSIBLE).await?;
        case.effect(Effect::taken(1), Blame::both(&cause::PROBE)).await?;
    }
    Ok(())
}

async fn learn(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let before = case.figures().await?;
    let id = stage.fresh();
    case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
    let held = case.figures().await?;
    let mut taken = held.clone();
    if stage.form.has(Part::Confirm) {
        case.done(&id.call(Part::Confirm), &cause::CONFIRM_IMPOSSIBLE).await?;
        taken = case.figures().await?;
    }
    let (Some(before), Some(held), Some(taken)) = (before, held, taken) else { return Ok(()) };
    let learned = Learned { first: held.since(&before), confirm: taken.since(&held) };
    case.note([
        format!("figures before: {}", before.words()),
        format!("after the first call: {}", held.words()),
        format!("in the end: {}", taken.words()),
    ]);
    if learned.first.is_nothing() && learned.confirm.is_nothing() {
        return Err(
            case.failed("an ordinary run changes none of the probe's figures".to_owned(), &cause::PROBE)
        );
    }
    let _ = stage.learned.set(learned);
    Ok(())
}

/// Try and cancel.
pub(super) async fn cancelled(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
    case.done(&id.call(Part::Undo), &cause::CANCEL_REFUSED).await?;
    let blame = Blame { more: &cause::CANCEL_KEEPS, less: &cause::CANCEL_GIVES_TOO_MUCH };
    case.effect(Effect::NONE, blame).await
}
