//! Replies that are lost: the whole request arrives, and the caller is gone.
//!
//! The cut comes at many moments within the time that a call takes, so that some come between the barrier's row and the
//! business change when the two are apart. Read next: `../raw.rs`.

use std::sync::Arc;

use crate::case::{Blame, Case, Stop};
use crate::cause;
use crate::figures::Effect;
use crate::form::Part;
use crate::raw::send_and_leave;
use crate::stage::{Stage, Tally};

/// Cuts of one handful, spread over one call's time and a little more.
const CUTS: usize = 16;

const BLAME: Blame = Blame { more: &cause::RUNS_TWICE, less: &cause::BARRIER_APART };

/// Loses the reply of each operation, and repeats it.
pub(super) async fn replies(stage: &Arc<Stage>) -> Result<(), Stop> {
    let lasts = [Some(Part::Confirm), Some(Part::Undo), None];
    // Whatever follows a try; nothing, where nothing does.
    let follows = |last: &Option<Part>| last.map_or(!stage.form.has(Part::Undo), |part| stage.form.has(part));
    for last in lasts.into_iter().filter(follows) {
        let mut case = Case::open(stage).await?;
        let ids = stage.fresh_ones(CUTS);
        for part in [Some(Part::First), last].into_iter().flatten() {
            for (cut, id) in ids.iter().enumerate() {
                let call = id.call(part);
                let wait = stage.usual().mul_f64(1.25 * cut as f64 / CUTS as f64);
                Tally::add(&stage.tally.calls);
                let operation = stage.operation(part);
                match send_and_leave(&stage.post(&call), wait).await {
                    Ok(()) => case.note([format!("{operation}, cut after {} µs", wait.as_micros())]),
                    Err(fault) => case.note([format!("{operation} could not be sent: {fault}")]),
                }
                case.done(&call.again(2), &cause::ANSWER_DIFFERS).await?;
            }
            let (effect, blame) = match part {
                Part::First => (Effect::held(CUTS), BLAME),
                Part::Confirm => (Effect::taken(CUTS), BLAME),
                Part::Undo => (Effect::NONE, Blame { more: BLAME.less, less: BLAME.more }),
            };
            case.effect(effect, blame).await?;
        }
    }
    Ok(())
}
