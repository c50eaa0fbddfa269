//! The memory backend: a journal that lasts as long as its [`MemoryStore`] does.
//!
//! It keeps every promise of the port except durability beyond the process, fencing included, and so stands for a
//! shared database in tests. It must never be offered as the default of a server.
//! Read next: `file.rs`, the backend that lasts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chain::{self, Head, Link};
use crate::{Fault, Frame, Gauge, Journal};

/// How a memory journal behaves.
#[derive(Debug, Clone)]
pub struct MemoryOptions {
    /// The partition whose journal this is.
    pub partition: u32,
    /// Bytes of payload to keep after they were released; `None` keeps all.
    pub retain_bytes: Option<u64>,
    /// The largest payload that is taken, in bytes.
    pub max_frame_bytes: u64,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        MemoryOptions { partition: 0, retain_bytes: None, max_frame_bytes: 16 << 20 }
    }
}

/// What outlives one opening; clones share the same frames.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    frames: VecDeque<KeptFrame>,
    epoch: u64,
    last: u64,
    bytes: u64,
    head: [u8; 32],
}

#[derive(Debug)]
struct KeptFrame {
    sequence: u64,
    count: u32,
    time: i64,
    payload: Arc<[u8]>,
}

impl KeptFrame {
    fn as_frame(&self) -> Frame<'_> {
        Frame { sequence: self.sequence, count: self.count, time: self.time, payload: &self.payload }
    }
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing in here panics between two related changes, so a poisoned lock still guards whole frames.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One opening of a [`MemoryStore`].
#[derive(Debug)]
pub struct Memory {
    store: MemoryStore,
    options: MemoryOptions,
    epoch: u64,
    gauge: Gauge,
}

impl Memory {
    /// A new, empty journal with default options.
    #[must_use]
    pub fn new() -> Memory {
        Memory::open(&MemoryStore::default(), MemoryOptions::default())
    }

    /// Opens `store`; whoever had it open before is fenced off.
    #[must_use]
    pub fn open(store: &MemoryStore, options: MemoryOptions) -> Memory {
        let mut kept = store.lock();
        kept.epoch += 1;
        let gauge = Gauge::default();
        gauge.set_held(kept.bytes, 0);
        Memory { epoch: kept.epoch, gauge, options, store: store.clone() }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new()
    }
}

impl Journal for Memory {
    fn last_sequence(&self) -> u64 {
        self.store.lock().last
    }

    fn first_sequence(&self) -> u64 {
        let kept = self.store.lock();
        kept.frames.front().map_or(kept.last + 1, |frame| frame.sequence)
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Always the same: a run in memory can be repeated.
    fn salt(&self) -> [u8; 16] {
        *b"tercet in memory"
    }

    fn append(&mut self, frame: &Frame<'_>) -> Result<(), Fault> {
        assert!(frame.count > 0, "a frame holds at least one event");
        let mut kept = self.store.lock();
        if kept.epoch != self.epoch {
            return Err(Fault::Fenced { epoch: self.epoch, newer: kept.epoch });
        }
        if frame.sequence != kept.last + 1 {
            return Err(Fault::OutOfOrder { last: kept.last, got: frame.sequence });
        }
        let (bytes, limit) = (frame.payload.len() as u64, self.options.max_frame_bytes);
        if bytes > limit {
            return Err(Fault::TooLarge { bytes, limit });
        }
        let link = Link { epoch: self.epoch, partition: self.options.partition, previous: kept.head };
        kept.head = chain::hash(&Head::of(frame, &link).encode(), frame.payload);
        kept.last = frame.last();
        kept.bytes += bytes;
        kept.frames.push_back(KeptFrame {
            sequence: frame.sequence,
            count: frame.count,
            time: frame.time,
            payload: frame.payload.into(),
        });
        self.gauge.set_held(kept.bytes, 0);
        self.gauge.count_frame();
        Ok(())
    }

    fn read(
        &mut self,
        from: u64,
        visit: &mut dyn FnMut(&Frame<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let from = from.max(1);
        let first = self.first_sequence();
        if from < first {
            return Err(Fault::Released { asked: from, first });
        }
        let mut next = from;
        loop {
            // The visitor runs without the lock: it may append through another handle.
            let (sequence, count, time, payload) = {
                let kept = self.store.lock();
                let at = kept.frames.partition_point(|frame| frame.as_frame().last() < next);
                let Some(found) = kept.frames.get(at) else { return Ok(()) };
                (found.sequence, found.count, found.time, Arc::clone(&found.payload))
            };
            let frame = Frame { sequence, count, time, payload: &payload };
            visit(&frame)?;
            next = frame.last() + 1;
        }
    }

    fn release(&mut self, through: u64) -> Result<(), Fault> {
        let Some(retain) = self.options.retain_bytes else { return Ok(()) };
        let mut kept = self.store.lock();
        while kept.bytes > retain
            && kept.frames.front().is_some_and(|frame| frame.as_frame().last() <= through)
        {
            let gone = kept.frames.pop_front().expect("the loop has just seen it");
            kept.bytes -= gone.payload.len() as u64;
        }
        self.gauge.set_held(kept.bytes, 0);
        Ok(())
    }

    fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    fn head(&self) -> [u8; 32] {
        self.store.lock().head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_opening_is_fenced_off() {
        let store = MemoryStore::default();
        let mut older = Memory::open(&store, MemoryOptions::default());
        let newer = Memory::open(&store, MemoryOptions::default());
        let fault = older.append(&Frame { sequence: 1, count: 1, time: 0, payload: b"x" });
        assert!(matches!(fault, Err(Fault::Fenced { epoch: 1, newer: 2 })), "{fault:?}");
        assert_eq!(newer.last_sequence(), 0);
    }
}
