//! The journal as the auditor watches it: every frame that was appended, and which of them were answered as durable.
//!
//! Stands in front of the real journal and changes nothing. What it learns is the auditor's; the engine cannot see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::{Fault, Frame, Gauge, Journal};

/// A frame as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) sequence: u64,
    pub(crate) count: u32,
    pub(crate) time: i64,
    pub(crate) payload: Arc<[u8]>,
}

impl Appended {
    pub(crate) fn of(frame: &Frame<'_>) -> Appended {
        Appended {
            sequence: frame.sequence,
            count: frame.count,
            time: frame.time,
            payload: frame.payload.into(),
        }
    }

    /// A number that stands for all of it.
    pub(crate) fn digest(&self) -> u64 {
        let words = self.payload.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        words.fold(self.sequence ^ self.time.cast_unsigned(), |digest, word| {
            (digest ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        })
    }

    /// The sequence of its last event.
    pub(crate) fn last(&self) -> u64 {
        self.sequence + u64::from(self.count) - 1
    }
}

/// What was appended since somebody looked; clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    durable: Vec<Appended>,
    /// The last frame that was tried, and not answered as durable.
    tried: Option<Appended>,
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames that became durable since the last call, oldest first.
    pub(crate) fn take_durable(&self) -> Vec<Appended> {
        std::mem::take(&mut self.state().durable)
    }

    /// The frame that is being written now.
    pub(crate) fn tried(&self) -> Option<Appended> {
        self.state().tried.clone()
    }

    /// The frame that may or may not be there after a crash.
    pub(crate) fn take_tried(&self) -> Option<Appended> {
        self.state().tried.take()
    }
}

/// A journal that is watched.
pub(crate) struct WatchedJournal {
    pub(crate) inner: Box<dyn Journal>,
    pub(crate) watch: Watch,
}

impl Journal for WatchedJournal {
    fn last_sequence(&self) -> u64 {
        self.inner.last_sequence()
    }

    fn first_sequence(&self) -> u64 {
        self.inner.first_sequence()
    }

    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    fn salt(&self) -> [u8; 16] {
        self.inner.salt()
    }

    fn append(&mut self, frame: &Frame<'_>) -> Result<(), Fault> {
        let appended = Appended::of(frame);
        self.watch.state().tried = Some(appended.clone());
        let done = self.inner.append(frame);
        let mut state = self.watch.state();
        match &done {
            Ok(()) => {
                state.tried = None;
                state.durable.push(appended);
            }
            Err(Fault::Full) => state.tried = None,
            Err(_) => {}
        }
        done
    }

    fn read(
        &mut self,
        from: u64,
        visit: &mut dyn FnMut(&Frame<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.inner.read(from, visit)
    }

    fn release(&mut self, through: u64) -> Result<(), Fault> {
        self.inner.release(through)
    }

    fn gauge(&self) -> Gauge {
        self.inner.gauge()
    }

    fn head(&self) -> [u8; 32] {
        self.inner.head()
    }
}
