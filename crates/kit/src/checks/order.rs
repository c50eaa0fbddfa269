//! Calls in an order that the network, or a bug, may bring about.
//!
//! Read next: `races.rs`, where the order is not known.

use std::sync::Arc;

use crate::case::{Blame, Case, Stop};
use crate::cause;
use crate::figures::Effect;
use crate::form::Part;
use crate::stage::Stage;

const UNTAKEN: Blame = Blame { more: &cause::NO_TOMBSTONE, less: &cause::GIVES_BACK_UNTAKEN };

/// A cancel with no try before it.
pub(super) async fn empty_cancel(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    case.done(&stage.fresh().call(Part::Undo), &cause::EMPTY_CANCEL_REFUSED).await?;
    case.effect(Effect::NONE, UNTAKEN).await
}

/// The same cancel again, and many at once.
pub(super) async fn empty_cancel_again(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    for attempt in 1..=3 {
        case.done(&id.call(Part::Undo).again(attempt), &cause::EMPTY_CANCEL_REFUSED).await?;
    }
    let call = stage.fresh().call(Part::Undo);
    let calls = (1..=stage.options.duplicates).map(|attempt| call.again(attempt)).collect();
    for answer in case.ask_all(calls).await {
        case.is_done(&answer, (stage.operation(Part::Undo), &cause::EMPTY_CANCEL_REFUSED))?;
    }
    case.effect(Effect::NONE, UNTAKEN).await
}

/// A try after its cancel, and again.
pub(super) async fn late_try(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    case.done(&id.call(Part::Undo), &cause::EMPTY_CANCEL_REFUSED).await?;
    case.refused(&id.call(Part::First), &cause::NO_TOMBSTONE).await?;
    case.refused(&id.call(Part::First).again(2), &cause::NO_TOMBSTONE).await?;
    case.effect(Effect::NONE, UNTAKEN).await?;
    // The refused late try has changed nothing about the cancel.
    case.done(&id.call(Part::Undo).again(2), &cause::ANSWER_DIFFERS).await?;
    case.effect(Effect::NONE, UNTAKEN).await
}

/// A confirm of nothing.
pub(super) async fn confirm_without_try(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    case.refused(&id.call(Part::Confirm), &cause::CONFIRM_WITHOUT_TRY).await?;
    case.refused(&id.call(Part::Confirm).again(2), &cause::CONFIRM_WITHOUT_TRY).await?;
    case.effect(Effect::NONE, Blame::both(&cause::CONFIRM_WITHOUT_TRY)).await
}

/// A confirm after a cancel that gave something back, and after an empty one.
pub(super) async fn confirm_after_cancel(stage: &Arc<Stage>) -> Result<(), Stop> {
    for begins_with_try in [true, false] {
        let mut case = Case::open(stage).await?;
        let id = stage.fresh();
        if begins_with_try {
            case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
        }
        case.done(&id.call(Part::Undo), &cause::CANCEL_REFUSED).await?;
        case.refused(&id.call(Part::Confirm), &cause::CONFIRM_AFTER_CANCEL).await?;
        case.effect(Effect::NONE, Blame::both(&cause::CONFIRM_AFTER_CANCEL)).await?;
        case.done(&id.call(Part::Undo).again(2), &cause::ANSWER_DIFFERS).await?;
    }
    Ok(())
}

/// A cancel after the confirm.
pub(super) async fn cancel_after_confirm(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
    case.done(&id.call(Part::Confirm), &cause::CONFIRM_IMPOSSIBLE).await?;
    case.refused(&id.call(Part::Undo), &cause::CANCEL_AFTER_CONFIRM).await?;
    case.effect(Effect::taken(1), Blame::both(&cause::CANCEL_AFTER_CONFIRM)).await?;
    case.done(&id.call(Part::Confirm).again(2), &cause::ANSWER_DIFFERS).await?;
    Ok(())
}
