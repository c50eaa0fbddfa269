//! The auditor: separate books of everything that was durable, told, called and done, and the promises they must keep.
//!
//! It sees frames as they become durable, every answer as it leaves, every call as it leaves, and what participants did.
//! It shares no code with what it judges, the decoding of events apart. The first broken promise ends a history.
//! Read next: `books.rs` (what the journal says), `told.rs` (answers), `calls.rs` (calls), `ending.rs` (at the end).

mod books;
mod calls;
mod ending;
mod ledger_books;
mod told;
mod transaction_books;

use std::collections::HashMap;
use std::sync::Arc;

use engine::entry;

use crate::log::Appended;
use crate::sight::{Sight, Sights};
use crate::violation::{Judged, Must, Violation};
pub(crate) use books::Books;
pub(crate) use calls::CONCURRENCY;
use calls::Calls;
pub(crate) use ending::host_of;
pub(crate) use told::{Asked, Told};
pub(crate) use transaction_books::TransactionBook;

/// Frames that are compared at every start; at the end of a history it is all of them.
const RECENT: usize = 6;

/// The auditor of one history.
#[derive(Default)]
pub(crate) struct Auditor {
    /// Every frame that is durable, or was found after a crash.
    frames: Vec<Arc<Appended>>,
    pub(crate) books: Books,
    /// The highest sequence that an answer rested on.
    told: u64,
    calls: Calls,
    /// What was told first under an idempotency key.
    keyed: HashMap<Arc<str>, Vec<&'static str>>,
    pub(crate) sights: Sights,
    /// Events seen, over all.
    pub(crate) events: u64,
}

impl Auditor {
    /// A frame is durable.
    pub(crate) fn durable(&mut self, frame: Appended) -> Judged {
        let last = self.last();
        (frame.sequence == last + 1)
            .must("P3", || format!("a frame begins at {} after event {last}", frame.sequence))?;
        self.events += u64::from(frame.count);
        self.books.frame(&frame, &mut self.sights)?;
        self.frames.push(Arc::new(frame));
        Ok(())
    }

    /// The sequence of the last durable event.
    pub(crate) fn last(&self) -> u64 {
        self.frames.last().map_or(0, |frame| frame.last())
    }

    /// Where the last few frames begin.
    pub(crate) fn recent(&self) -> u64 {
        self.frames.iter().rev().nth(RECENT).map_or(0, |frame| frame.sequence)
    }

    /// The bytes of the last durable frame.
    pub(crate) fn last_frame(&self) -> Option<Arc<[u8]>> {
        self.frames.last().map(|frame| Arc::clone(&frame.payload))
    }

    /// Every durable frame, in order.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Appended> {
        self.frames.iter().map(|frame| &**frame)
    }

    /// Everything that was told rests on events up to here.
    pub(crate) fn told_up_to(&self) -> u64 {
        self.told
    }

    /// The process ended: no call of it is under way any more.
    pub(crate) fn process_ended(&mut self) {
        self.calls.process_ended();
    }

    /// A process opened the journal and found these frames from event `first` on; `tried` is the frame that the process
    /// before was writing. What was told must be there, and nothing that was never written.
    pub(crate) fn reopened(
        &mut self,
        (first, found): (u64, &[Appended]),
        tried: Option<&Appended>,
    ) -> Judged {
        let from = self.frames.partition_point(|frame| frame.sequence < first);
        let mut known = self.frames[from..].iter();
        let mut grown = None;
        for frame in found {
            match known.next() {
                Some(known) => (**known == *frame).must("P3", || {
                    format!("the frame at event {} is not what was written", frame.sequence)
                })?,
                None if grown.is_none() && tried == Some(frame) => grown = Some(frame.clone()),
                None => {
                    return Err(Violation::new(
                        "P3",
                        format!("the frame at event {} was never written", frame.sequence),
                    ));
                }
            }
        }
        let lost = known.len();
        let kept = self.frames.len() - lost;
        let last = kept.checked_sub(1).map_or(0, |index| self.frames[index].last());
        (last >= self.told)
            .must("P2", || format!("events up to {} were told, the journal ends at {last}", self.told))?;
        (lost == 0).must("P2", || format!("{lost} frames that were durable are gone: it ends at {last}"))?;
        let Some(frame) = grown else { return Ok(()) };
        self.sights.see(Sight::UntoldFrameKept);
        self.durable(frame)
    }

    /// The same judgement of a copy that crashed: nothing is taken into the books.
    pub(crate) fn copy_found(&self, (first, found): (u64, &[Appended]), tried: Option<&Appended>) -> Judged {
        let from = self.frames.partition_point(|frame| frame.sequence < first);
        let known = &self.frames[from..];
        let same = known.iter().zip(found).all(|(known, found)| **known == *found);
        same.must("P3", || "a frame of a crashed copy is not what was written".to_owned())?;
        let last = found.last().map_or(first.saturating_sub(1), Appended::last);
        (last >= self.told).must("P2", || {
            format!("events up to {} were told, the journal of a crashed copy ends at {last}", self.told)
        })?;
        let beyond = &found[known.len().min(found.len())..];
        (beyond.is_empty() || (beyond.len() == 1 && tried == beyond.first()))
            .must("P3", || "a crashed copy has frames that were never written".to_owned())
    }
}

/// Reads the entries of a frame.
pub(crate) fn entries<'a>(
    frame: &'a Appended,
    mut visit: impl FnMut(u64, entry::EntryRef<'a>) -> Judged,
) -> Judged {
    let mut judged = Ok(());
    let read = entry::read(&frame.payload, frame.sequence, |sequence, entry| {
        if judged.is_ok() {
            judged = visit(sequence, entry);
        }
        Ok(())
    });
    read.map_err(|fault| Violation::new("P3", format!("a durable frame cannot be read: {fault}")))?;
    judged
}
