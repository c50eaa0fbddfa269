//! Where everything that happens to a partition waits its turn.
//!
//! A partition that cannot hand on another frame would gain nothing by being woken for each input, so it says what is
//! worth waking for; under load it is woken about once a frame, and takes all that waits in one go.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::partition::Input;

/// Inputs that wait before a partition is woken even though it can hand nothing on: deciding goes on while the writer syncs.
const WORTH_DECIDING: usize = 128;

/// What a waiting partition wants to be woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appetite {
    /// Whatever comes.
    Any,
    /// A frame that became durable, a stop, or so much that deciding ahead is worth it.
    Progress,
}

/// The inbox of one partition.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    inputs: Vec<Input>,
    /// An input that is progress waits.
    is_urgent: bool,
    /// What the partition waits for, while it waits.
    waiting: Option<Appetite>,
    /// The partition has gone.
    is_closed: bool,
}

impl State {
    fn satisfies(&self, appetite: Appetite) -> bool {
        match appetite {
            Appetite::Any => !self.inputs.is_empty(),
            Appetite::Progress => self.is_urgent || self.inputs.len() >= WORTH_DECIDING,
        }
    }
}

impl Mailbox {
    /// Leaves an input; gives it back when the partition has gone.
    pub(crate) fn push(&self, input: Input) -> Result<(), Input> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(input);
        }
        state.is_urgent |= match &input {
            Input::Durable(_) | Input::Stop => true,
            Input::Change(asked, _) => asked.change.batch.len() >= WORTH_DECIDING,
            _ => false,
        };
        state.inputs.push(input);
        let wakes = state.waiting.is_some_and(|appetite| state.satisfies(appetite));
        if wakes {
            state.waiting = None;
            drop(state);
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Moves everything that waits into `taken`; waits for what `appetite` wants, `most` at most.
    pub(crate) fn take(&self, taken: &mut Vec<Input>, appetite: Appetite, most: Duration) {
        let mut state = self.lock();
        if !most.is_zero() && !state.satisfies(appetite) {
            state.waiting = Some(appetite);
            let idle = |state: &mut State| !state.satisfies(appetite);
            state = self.wake.wait_timeout_while(state, most, idle).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting = None;
        }
        state.is_urgent = false;
        std::mem::swap(&mut state.inputs, taken);
    }

    /// Takes nothing more; gives back what waits.
    pub(crate) fn close(&self) -> Vec<Input> {
        let mut state = self.lock();
        state.is_closed = true;
        std::mem::take(&mut state.inputs)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn taken(mailbox: &Mailbox, appetite: Appetite, most: Duration) -> usize {
        let mut inputs = Vec::new();
        mailbox.take(&mut inputs, appetite, most);
        inputs.len()
    }

    fn later(mailbox: &Arc<Mailbox>, inputs: Vec<Input>) {
        let mailbox = Arc::clone(mailbox);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            for input in inputs {
                drop(mailbox.push(input));
            }
        });
    }

    #[test]
    fn whoever_wants_anything_is_woken_by_anything() {
        let mailbox = Arc::new(Mailbox::default());
        later(&mailbox, vec![Input::Archived(1)]);
        assert_eq!(taken(&mailbox, Appetite::Any, LONG), 1);
    }

    #[test]
    fn whoever_wants_progress_sleeps_through_the_rest() {
        let mailbox = Arc::new(Mailbox::default());
        later(&mailbox, vec![Input::Archived(1), Input::Archived(2), Input::Durable(2)]);
        assert_eq!(taken(&mailbox, Appetite::Progress, LONG), 3);
        later(&mailbox, (0..200).map(Input::Archived).collect());
        assert!(taken(&mailbox, Appetite::Progress, LONG) >= WORTH_DECIDING);
    }

    #[test]
    fn a_wait_ends_with_its_time_and_takes_what_there_is() {
        let mailbox = Mailbox::default();
        assert!(mailbox.push(Input::Archived(1)).is_ok());
        let since = Instant::now();
        assert_eq!(taken(&mailbox, Appetite::Progress, Duration::from_millis(20)), 1);
        assert!(since.elapsed() >= Duration::from_millis(20));
        assert_eq!(taken(&mailbox, Appetite::Any, Duration::ZERO), 0);
    }

    #[test]
    fn a_closed_one_gives_inputs_back() {
        let mailbox = Mailbox::default();
        assert!(mailbox.close().is_empty());
        assert!(mailbox.push(Input::Stop).is_err());
    }
}
