//! Sends a run, one row after another, and tells the marker what became of each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::claim::Run;
use super::mark::Mark;
use super::verdict::Verdict;
use super::{Counted, Office};
use crate::database::Dialect;
use crate::outbox::{Change, Letter, OnDead, State, brief, millis};

/// How soon what is still under way elsewhere is asked for again.
const NOT_YET: Duration = Duration::from_secs(1);

/// Sends a run until its end, the first row that can't be sent now, or the lease's end; the rest is given back.
pub(super) async fn send<D: Dialect>(
    office: Arc<Office<D>>,
    run: Run,
    (until, marks): (Instant, Sender<Mark>),
) {
    let mut run = run.into_iter();
    for letter in run.by_ref() {
        let Ok(place) = office.places.acquire().await else { return };
        let verdict = office.sent(&letter, until).await;
        drop(place);
        let mark = office.judge(&letter, verdict);
        let goes_on = match &mark {
            Mark::Sent(_) => true,
            Mark::Changed(_, change) => {
                change.state == State::Dead && office.settings.on_dead == OnDead::Skip
            }
            Mark::Released(_) => false,
        };
        // The marker outlives the lanes, but where the whole relay is dropped.
        if marks.send(mark).await.is_err() {
            return;
        }
        if !goes_on {
            break;
        }
    }
    let rest: Vec<_> = run.map(|letter| letter.id).collect();
    if !rest.is_empty() {
        let _ = marks.send(Mark::Released(rest)).await;
    }
}

impl<D: Dialect> Office<D> {
    /// Sends a row, if that is still ours to do. `None`: it is not.
    async fn sent(&self, letter: &Letter, until: Instant) -> Option<Verdict> {
        let is_leased = Instant::now() + self.settings.timeout < until;
        if self.ending.load(Ordering::Acquire) || !is_leased {
            return None;
        }
        Some(self.post.send(letter).await)
    }

    fn judge(&self, letter: &Letter, verdict: Option<Verdict>) -> Mark {
        let retry = &self.settings.retry;
        let attempt = letter.attempts.saturating_add(1);
        let is_spent = attempt >= retry.budget;
        let (state, attempts, error, wait) = match verdict {
            None => return Mark::Released(vec![letter.id]),
            Some(Verdict::Accepted) => {
                self.meters.count(Counted::Sent, 1);
                return Mark::Sent(letter.id);
            }
            Some(Verdict::NotYet(why)) => (State::Waiting, 0, why, NOT_YET),
            Some(Verdict::Busy(wait, why)) => (State::Waiting, 0, why, wait),
            Some(Verdict::Refused(why)) => (State::Dead, 1, why, Duration::ZERO),
            Some(Verdict::Failed(why)) if is_spent => (State::Dead, 1, why, Duration::ZERO),
            Some(Verdict::Failed(why)) => (State::Waiting, 1, why, retry.pause(attempt)),
        };
        if attempts > 0 {
            self.meters.count(Counted::Failed, 1);
        }
        if state == State::Dead {
            self.meters.count(Counted::Dead, 1);
            tracing::warn!(message = letter.message_id, attempt, "a dead letter: {error}");
        }
        let error = Some(brief(&error).to_owned());
        Mark::Changed(letter.id, Change { state, attempts, error, wait_ms: millis(wait) })
    }
}
