//! Many transactions at once: nothing is lost, nothing appears.
//!
//! Read next: `races.rs`.

use std::sync::Arc;

use crate::case::{Blame, Case, Stop};
use crate::cause::{self, Cause};
use crate::figures::Effect;
use crate::form::Part;
use crate::identity::Call;
use crate::stage::Stage;

const BLAME: Blame = Blame { more: &cause::RUNS_TWICE, less: &cause::LOST_UPDATE };

/// All tries at once, then all confirms and cancels at once.
pub(super) async fn at_once(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let ids = stage.fresh_ones(stage.options.duplicates);
    let tries = ids.iter().map(|id| id.call(Part::First)).collect();
    all_done(&mut case, stage, (tries, &cause::FAULT_AS_REFUSAL)).await?;
    case.effect(Effect::held(ids.len()), BLAME).await?;
    let last = |index: usize| match (stage.form.has(Part::Undo), stage.form.has(Part::Confirm)) {
        (true, true) if index.is_multiple_of(3) => Some(Part::Confirm),
        (true, _) => Some(Part::Undo),
        (false, _) => None,
    };
    let lasts: Vec<_> =
        ids.iter().enumerate().filter_map(|(index, id)| Some(id.call(last(index)?))).collect();
    let confirms = lasts.iter().filter(|call| call.part == Part::Confirm).count();
    let open = ids.len() - lasts.len();
    all_done(&mut case, stage, (lasts, &cause::FAULT_AS_REFUSAL)).await?;
    let (held, taken) = (Effect::held(open), Effect::taken(confirms));
    let effect = Effect { firsts: held.firsts + taken.firsts, confirms: taken.confirms };
    case.effect(effect, Blame::both(&cause::LOST_UPDATE)).await
}

async fn all_done(
    case: &mut Case,
    stage: &Stage,
    (calls, cause): (Vec<Call>, &'static Cause),
) -> Result<(), Stop> {
    let operations: Vec<_> = calls.iter().map(|call| stage.operation(call.part)).collect();
    for (operation, answer) in operations.into_iter().zip(case.ask_all(calls).await) {
        case.is_done(&answer, (operation, cause))?;
    }
    Ok(())
}
