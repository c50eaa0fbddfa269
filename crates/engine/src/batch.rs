//! What was decided and waits to be kept: the events of one journal frame and the answers that rest on it.
//!
//! Batches go through the writer in order, so an answer attached to any batch leaves only when everything decided
//! before it is durable; a batch without events carries the answers of reads.

use journal::Frame;
use transaction::{Event, Refusal, Time};

use crate::entry::{self, KeyRow};
use crate::{Answer, Respond};

/// An answer that waits for its frame.
pub(crate) struct Release {
    pub respond: Respond<Answer>,
    pub answer: Result<Answer, Refusal>,
}

/// The answers of a frame that is durable: they may go.
#[derive(Default)]
pub struct Answers(pub(crate) Vec<Release>);

impl Answers {
    /// Gives every caller its answer.
    pub fn give(self) {
        for release in self.0 {
            (release.respond)(release.answer);
        }
    }
}

/// The port by which the answers of a frame leave, all at once, so that one hand-over to the async world serves them all.
/// Must see to it that [`Answers::give`] is called; called on the writer's thread, must not block.
pub type Deliver = Box<dyn Fn(Answers) + Send>;

/// One frame in the making.
pub(crate) struct Batch {
    /// The sequence of the last event kept, in this batch or before.
    pub last: u64,
    /// Events in this batch.
    pub count: u32,
    /// When the latest of them was decided.
    pub time: Time,
    /// Their entries.
    pub payload: Vec<u8>,
    /// The answers that rest on it.
    pub answers: Answers,
}

impl Batch {
    /// An empty batch after `last`.
    pub(crate) fn after(last: u64) -> Batch {
        Batch { last, count: 0, time: Time::START, payload: Vec::new(), answers: Answers::default() }
    }

    /// Nothing to keep and nobody to answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0 && self.answers.0.is_empty()
    }

    /// Keeps an event of transaction `number`; answers its sequence.
    pub(crate) fn push_event(&mut self, number: u64, at: Time, event: &Event) -> u64 {
        entry::push_event(&mut self.payload, number, at, event);
        self.pushed(at)
    }

    /// Keeps what an idempotency key stands for.
    pub(crate) fn push_key(&mut self, row: &KeyRow) -> u64 {
        entry::push_key(&mut self.payload, row);
        self.pushed(row.at)
    }

    /// The frame to append; `None` when there is nothing to keep.
    pub(crate) fn frame(&self) -> Option<Frame<'_>> {
        let sequence = self.last + 1 - u64::from(self.count);
        (self.count > 0).then_some(Frame {
            sequence,
            count: self.count,
            time: self.time.0,
            payload: &self.payload,
        })
    }

    fn pushed(&mut self, at: Time) -> u64 {
        self.last += 1;
        self.count += 1;
        self.time = at;
        self.last
    }
}
