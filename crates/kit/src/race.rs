//! Two calls at the same instant.
//!
//! The second starts within the time that the first usually takes, at random, so that many races meet in every window there
//! may be. Read next: `checks/races.rs`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::case::together;
use crate::identity::Call;
use crate::stage::{Asked, Stage};

/// Timers are no finer than this.
const TICK: Duration = Duration::from_millis(2);

/// Runs each pair at the same instant, all pairs at once; half of them the second one first. The answers are in the order
/// of the pair.
pub(crate) async fn race(stage: &Arc<Stage>, pairs: Vec<(Call, Call)>) -> Vec<(Asked, Asked)> {
    let pairs = pairs.into_iter().enumerate().map(|(index, (one, two))| {
        let stage = Arc::clone(stage);
        async move {
            let offset = stage.usual().mul_f64(fastrand::f64());
            let (one_waits, two_waits) =
                if index % 2 == 0 { (Duration::ZERO, offset) } else { (offset, Duration::ZERO) };
            let stage_of_two = Arc::clone(&stage);
            let two = tokio::spawn(async move { after(two_waits, &stage_of_two, &two).await });
            let one = after(one_waits, &stage, &one).await;
            match two.await {
                Ok(two) => (one, two),
                Err(fault) => std::panic::resume_unwind(fault.into_panic()),
            }
        }
    });
    together(pairs).await
}

async fn after(wait: Duration, stage: &Stage, call: &Call) -> Asked {
    let begun = Instant::now();
    if let Some(long) = wait.checked_sub(TICK) {
        sleep(long).await;
    }
    while begun.elapsed() < wait {
        tokio::task::yield_now().await;
    }
    stage.ask(call).await
}
