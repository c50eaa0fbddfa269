//! Other content under an id that is known.
//!
//! A participant may compare the content and refuse, or give the first answer; it may not do it again.

use std::sync::Arc;

use crate::answer::Reply;
use crate::case::{Blame, Case, Stop};
use crate::cause;
use crate::figures::Effect;
use crate::form::Part;
use crate::identity::Content;
use crate::stage::Stage;

/// The same try with another body, twice.
pub(super) async fn other(stage: &Arc<Stage>) -> Result<(), Stop> {
    if !stage.has(Content::Other) {
        let reason = "there is no other body: the ordinary one holds no whole number (give other_body)";
        return Err(Stop::Skipped(reason.to_owned()));
    }
    let mut case = Case::open(stage).await?;
    let id = stage.fresh();
    let first = case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
    for attempt in [2, 3] {
        let answer = case.ask(&id.call(Part::First).with(Content::Other).again(attempt)).await;
        case.effect(Effect::held(1), Blame::both(&cause::RUNS_AGAIN)).await?;
        if answer.reply() != Reply::Refused && !answer.is_same(&first) {
            let broke = format!("other content was answered {}, the first {}", answer.words(), first.words());
            return Err(case.failed(broke, &cause::OTHER_CONTENT_ANSWERED));
        }
    }
    if stage.form.has(Part::Undo) {
        case.done(&id.call(Part::Undo), &cause::CANCEL_REFUSED).await?;
        case.effect(Effect::NONE, Blame::both(&cause::RUNS_AGAIN)).await?;
    }
    Ok(())
}
