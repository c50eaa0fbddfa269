//! Callers whose body takes its time: headers, a pause, then a little at a time.
//!
//! Read next: `../wire.rs`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::answer::Answer;
use crate::case::{Blame, Case, Stop, together};
use crate::cause;
use crate::figures::Effect;
use crate::form::Part;
use crate::identity::Call;
use crate::stage::{Asked, Stage};
use crate::wire::Pace;

const CALLERS: usize = 4;

/// Slow callers beside an ordinary one.
pub(super) async fn callers(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let pause = (stage.usual() * 20).max(Duration::from_secs(1)).min(stage.options.timeout / 3);
    let pace = Pace { pause, each: Duration::from_millis(30) };
    let ids = stage.fresh_ones(CALLERS);
    let slow: Vec<_> = ids.iter().map(|id| id.call(Part::First)).collect();
    let sending: Vec<_> = slow.iter().map(|call| slowly(Arc::clone(stage), call.clone(), pace)).collect();
    let sending = tokio::spawn(together(sending));
    sleep(pause / 10).await;
    let begun = Instant::now();
    let id = stage.fresh();
    case.note([format!(
        "{CALLERS} callers have sent their headers and will send the body in {} ms",
        pause.as_millis()
    )]);
    case.done(&id.call(Part::First), &cause::BLOCKED_BY_SLOW).await?;
    if begun.elapsed() > pause * 4 / 5 {
        let broke = format!(
            "an ordinary {} took {} ms while others sent slowly",
            stage.operation(Part::First),
            begun.elapsed().as_millis()
        );
        return Err(case.failed(broke, &cause::BLOCKED_BY_SLOW));
    }
    let answers = match sending.await {
        Ok(answers) => answers,
        Err(fault) => std::panic::resume_unwind(fault.into_panic()),
    };
    for (call, answer) in slow.iter().zip(answers) {
        case.heard(call, &Asked { answer, faults: 0 });
        // Whoever was cut off may be asked again, and then has its answer.
        case.done(&call.again(2), &cause::SLOW_LOST).await?;
    }
    let blame = Blame { more: &cause::RUNS_TWICE, less: &cause::BARRIER_APART };
    case.effect(Effect::held(CALLERS + 1), blame).await?;
    if stage.form.has(Part::Undo) {
        let all = ids.iter().chain([&id]).map(|id| id.call(Part::Undo)).collect();
        for answer in case.ask_all(all).await {
            case.is_done(&answer, (stage.operation(Part::Undo), &cause::CANCEL_REFUSED))?;
        }
    }
    Ok(())
}

async fn slowly(stage: Arc<Stage>, call: Call, pace: Pace) -> Answer {
    stage.send(&stage.post(&call), pace).await
}
