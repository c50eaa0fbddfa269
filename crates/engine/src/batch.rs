//! What was decided and waits to be kept: the events of one journal frame and the answers that rest on it.
//!
//! Batches go through the writer in order, so an answer attached to any batch leaves only when everything decided
//! before it is durable; a batch without events carries the answers of reads.

use journal::Frame;
use transaction::{Event, Refusal, Time};

use crate::entry::{self, KeyRow, ReplyRow, TopicRow};
use crate::{Answer, Changed, Found, Respond, Seen, Topics};

/// An answer that waits for its frame.
pub(crate) enum Release {
    Transaction(Respond<Answer>, Result<Answer, Refusal>),
    Changed(Respond<Changed>, Result<Changed, Refusal>),
    Seen(Respond<Seen<Found>>, Result<Seen<Found>, Refusal>),
    Topics(Respond<Topics>, Result<Topics, Refusal>),
}

impl Release {
    /// Gives the caller its answer.
    pub(crate) fn give(self) {
        match self {
            Release::Transaction(respond, answer) => respond(answer),
            Release::Changed(respond, answer) => respond(answer),
            Release::Seen(respond, answer) => respond(answer),
            Release::Topics(respond, answer) => respond(answer),
        }
    }
}

/// The answers of a frame that is durable: they may go.
#[derive(Default)]
pub struct Answers(pub(crate) Vec<Release>);

impl Answers {
    /// Gives every caller its answer.
    pub fn give(self) {
        self.0.into_iter().for_each(Release::give);
    }
}

/// The port by which the answers of a frame leave, all at once, so that one hand-over to the async world serves them all.
/// Must see to it that [`Answers::give`] is called; called on the writer's thread, must not block.
pub type Deliver = Box<dyn Fn(Answers) + Send>;

/// How far a batch had come.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    last: u64,
    count: u32,
    time: Time,
    bytes: usize,
}

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

    /// Keeps an encoded event of the ledger.
    pub(crate) fn push_ledger(&mut self, encoded: &[u8], at: Time) {
        entry::push_ledger(&mut self.payload, encoded);
        self.pushed(at);
    }

    /// Keeps the results of a ledger request with its idempotency key.
    pub(crate) fn push_reply(&mut self, row: &ReplyRow) -> u64 {
        entry::push_reply(&mut self.payload, row);
        self.pushed(row.at)
    }

    /// Keeps a topic as it is after a change.
    pub(crate) fn push_topic(&mut self, row: &TopicRow) -> u64 {
        entry::push_topic(&mut self.payload, row);
        self.pushed(row.at)
    }

    /// A point to come back to.
    pub(crate) fn cut(&self) -> Cut {
        Cut { last: self.last, count: self.count, time: self.time, bytes: self.payload.len() }
    }

    /// Takes back every entry kept since; answers stay.
    pub(crate) fn cut_back(&mut self, cut: Cut) {
        self.payload.truncate(cut.bytes);
        (self.last, self.count, self.time) = (cut.last, cut.count, cut.time);
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
