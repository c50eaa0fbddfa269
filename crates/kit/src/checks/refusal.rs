//! A try that the business refuses, and what comes after it.
//!
//! Read next: `order.rs`.

use std::sync::Arc;

use crate::case::{Blame, Case, Stop};
use crate::cause;
use crate::figures::Effect;
use crate::form::Part;
use crate::identity::Content;
use crate::stage::Stage;

const TAKEN: Blame = Blame::both(&cause::REFUSED_YET_TAKEN);
const GIVEN_BACK: Blame = Blame::both(&cause::GIVES_BACK_UNTAKEN);

/// Refused, refused again, and cancelled.
pub(super) async fn stable(stage: &Arc<Stage>) -> Result<(), Stop> {
    if !stage.has(Content::Refused) {
        let reason = "there is no body that must be refused (give refused_body)";
        return Err(Stop::Skipped(reason.to_owned()));
    }
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    let call = id.call(Part::First).with(Content::Refused);
    let undo = id.call(Part::Undo).with(Content::Refused);
    let first = case.refused(&call, &cause::REFUSED_BODY_DONE).await?;
    let again = case.refused(&call.again(2), &cause::BARRIER_APART).await?;
    case.is_same((&first, &again), stage.operation(Part::First))?;
    case.effect(Effect::NONE, TAKEN).await?;
    if stage.form.has(Part::Confirm) {
        let confirm = id.call(Part::Confirm).with(Content::Refused);
        case.refused(&confirm, &cause::CONFIRM_WITHOUT_TRY).await?;
        case.effect(Effect::NONE, Blame::both(&cause::CONFIRM_WITHOUT_TRY)).await?;
    }
    case.done(&undo, &cause::CANCEL_SKIPPED).await?;
    case.done(&undo.again(2), &cause::CANCEL_SKIPPED).await?;
    case.effect(Effect::NONE, GIVEN_BACK).await?;
    case.refused(&call.again(3), &cause::BARRIER_APART).await?;
    case.effect(Effect::NONE, TAKEN).await
}
