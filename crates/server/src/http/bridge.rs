//! From the async world to the engine and back: hands a request over and awaits the callback.
//!
//! Every wait is bounded. When a callback does not come, nobody knows whether the request was kept: the caller is told
//! just that, never that it failed.

use std::sync::Arc;
use std::time::Duration;

use engine::{Act, Answer, Begin, Respond};
use tokio::sync::oneshot;
use transaction::Refusal;

use super::Serving;
use crate::listen::Running;
use crate::refusal::OUTCOME_UNKNOWN;

/// How long the engine may take to answer, beyond what the caller asked it to wait.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer that is on its way may take once the server stops.
const LAST_CALL: Duration = Duration::from_secs(1);

type Told<T> = oneshot::Receiver<Result<T, Refusal>>;

/// Begins a transaction.
pub(super) async fn begin(serving: &Serving, begin: Begin) -> Result<Answer, Refusal> {
    let (id, wait_ms) = (Arc::clone(&begin.spec.id), begin.wait_ms);
    let (respond, told) = channel();
    serving.engine.begin(begin, respond);
    settled(serving, told, (id, wait_ms)).await
}

/// Asks something of a transaction, or reads it.
pub(super) async fn act(serving: &Serving, act: Act) -> Result<Answer, Refusal> {
    let (id, wait_ms) = (Arc::clone(&act.id), act.wait_ms);
    let (respond, told) = channel();
    serving.engine.act(act, respond);
    settled(serving, told, (id, wait_ms)).await
}

/// Reads a transaction as it stands.
pub(super) async fn read(serving: &Serving, id: Arc<str>) -> Result<Answer, Refusal> {
    let (respond, told) = channel();
    serving
        .engine
        .act(Act { id, command: None, key: None, wait_ms: 0, until: engine::Until::Final }, respond);
    heard(told, PATIENCE).await
}

/// Asks for what is not one transaction.
pub(crate) async fn ask<T: Send + 'static>(hand_over: impl FnOnce(Respond<T>)) -> Result<T, Refusal> {
    let (respond, told) = channel();
    hand_over(respond);
    heard(told, PATIENCE).await
}

fn channel<T: Send + 'static>() -> (Respond<T>, Told<T>) {
    let (tell, told) = oneshot::channel();
    // A caller that has gone away does not want its answer.
    let respond = Box::new(move |answer| drop(tell.send(answer)));
    (respond, told)
}

async fn heard<T>(told: Told<T>, within: Duration) -> Result<T, Refusal> {
    match tokio::time::timeout(within, told).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(OUTCOME_UNKNOWN.because("the engine went down before it answered")),
        Err(_) => Err(OUTCOME_UNKNOWN.because(format!("no answer within {} ms", within.as_millis()))),
    }
}

/// The answer, once the transaction is final or the wait is over, or at once, as it stands, when the server stops.
async fn settled(
    serving: &Serving,
    told: Told<Answer>,
    (id, wait_ms): (Arc<str>, u64),
) -> Result<Answer, Refusal> {
    let within = PATIENCE + Duration::from_millis(wait_ms);
    if wait_ms == 0 {
        return heard(told, within).await;
    }
    let mut stopping = serving.stopping.clone();
    let answer = heard(told, within);
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => return answer,
        _ = stopping.wait_for(|running| *running == Running::Stopping) => {}
    }
    if let Ok(answer) = tokio::time::timeout(LAST_CALL, &mut answer).await {
        return answer;
    }
    match read(serving, id).await {
        Ok(stands) => Ok(stands),
        Err(_) => answer.await,
    }
}
