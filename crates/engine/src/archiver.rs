//! The archive's writing thread: takes durable frames into the archive in large batches, makes them durable, removes what
//! is past its retention. It is behind the journal, never ahead.
//!
//! A store that fails is asked again; what waits for it meanwhile is bounded by refusing new work. Reading is `reader.rs`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use transaction::Time;

use crate::archive::Archive;
use crate::ids::{Runs, Sealed, Step};
use crate::mailbox::Mailbox;
use crate::partition::{Input, Pages};
use crate::{Clock, Fault, Meters};

/// Bytes of frames taken into the archive at once.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// How long the thread looks away after a frame.
const DOZE: Duration = Duration::from_millis(10);
/// How long frames wait for others, in milliseconds.
pub(crate) const BATCH_PAUSE_MS: u64 = 100;
/// How often what was taken in is made durable, in milliseconds.
const PERSIST_PAUSE_MS: u64 = 2_000;
/// How often what is past its retention is removed, how much in one step, and for how long at most, in milliseconds.
const PURGE_PAUSE_MS: u64 = 10_000;
const PURGE_AT_ONCE: usize = 1_000;
const PURGE_FOR_MS: u64 = 1_000;
/// Rows of ids merged in one step: some 25 ms.
const MERGE_ROWS: usize = 512 * 1024;
/// Bytes taken in after which the history is synced.
const HISTORY_SYNC_BYTES: u64 = 8 * 1024 * 1024;
/// How long a failing store is left alone, in milliseconds.
const TROUBLE_PAUSE_MS: u64 = 1_000;

/// A durable frame.
pub(crate) struct Frame {
    pub first: u64,
    pub last: u64,
    pub payload: Vec<u8>,
}

/// What the archive's thread is given to do.
pub(crate) enum Job {
    Frame(Frame),
    /// Pages of the ledger's live state, and what they show is durable.
    Pages(Pages),
    /// A full window of ids whose events are durable.
    Ids(Arc<Sealed>),
    /// Somebody wants to read what came so far.
    Flush,
    /// No frame will come any more.
    Stop,
}

/// Where the writer puts durable frames; counts the bytes that wait.
pub(crate) struct Frames {
    pub jobs: Sender<Job>,
    pub waiting: Arc<AtomicU64>,
}

impl Frames {
    pub(crate) fn send(&self, frame: Frame) {
        self.waiting.fetch_add(size(&frame), Ordering::AcqRel);
        // The archive's thread outlives the writer.
        let _ = self.jobs.send(Job::Frame(frame));
    }

    /// No frame will come any more.
    pub(crate) fn stop(&self) {
        let _ = self.jobs.send(Job::Stop);
    }
}

fn size(frame: &Frame) -> u64 {
    u64::try_from(frame.payload.len()).unwrap_or(u64::MAX)
}

/// How far the archive is, for those who wait for it.
#[derive(Default)]
pub(crate) struct Progress {
    reached: Mutex<u64>,
    moved: Condvar,
}

impl Progress {
    /// The archive holds everything up to `sequence`.
    pub(crate) fn reach(&self, sequence: u64) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = sequence;
        self.moved.notify_all();
    }

    /// Waits until the archive holds `sequence`, `most` at most.
    pub(crate) fn wait(&self, sequence: u64, most: Duration) -> bool {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = |reached: &mut u64| *reached < sequence;
        let waited = self.moved.wait_timeout_while(reached, most, behind);
        *waited.unwrap_or_else(PoisonError::into_inner).0 >= sequence
    }
}

/// Whether more is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Go,
    Stop,
}

/// The archive's writing thread.
pub(crate) struct Archiver {
    pub archive: Archive,
    pub runs: Runs,
    pub partition: Arc<Mailbox>,
    /// Bytes of pages that wait.
    pub pages_waiting: Arc<AtomicU64>,
    /// Up to where the writer may recycle journal segments.
    pub released: Arc<AtomicU64>,
    pub waiting: Arc<AtomicU64>,
    pub progress: Arc<Progress>,
    pub clock: Arc<dyn Clock>,
    pub meters: Arc<Meters>,
    pub retention_ms: Option<u64>,
    pub pending: Pending,
}

impl Archiver {
    /// Works until it is stopped; then everything that came is durable in the archive, or will be taken from the journal.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match jobs.recv_timeout(Duration::from_millis(BATCH_PAUSE_MS)) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if matches!(first, Some(Job::Frame(_))) {
                // Frames come by the thousand a second: being woken for each would cost more than taking it in.
                std::thread::sleep(DOZE);
            }
            if self.take(first.into_iter().chain(jobs.try_iter())) == Flow::Stop {
                break;
            }
            self.tend();
        }
        self.finish();
    }

    /// Takes what there is to do, in its order; only a flush is done at once.
    pub(crate) fn take(&mut self, jobs: impl Iterator<Item = Job>) -> Flow {
        let mut flow = Flow::Go;
        for job in jobs {
            match job {
                Job::Frame(frame) => self.pending.push(frame, self.clock.now()),
                Job::Flush => self.flush(),
                Job::Pages(pages) => self.pending.pages.push_back(pages),
                Job::Ids(sealed) => self.pending.sealed.push_back(sealed),
                Job::Stop => flow = Flow::Stop,
            }
        }
        flow
    }

    /// Does what is due by now.
    pub(crate) fn tend(&mut self) {
        let now = self.clock.now();
        if self.pending.is_due(now) {
            self.flush();
        }
        self.put_pages();
        self.tend_ids();
        if now >= self.pending.persist_at {
            self.persist();
            self.pending.persist_at = now.plus_ms(PERSIST_PAUSE_MS);
        }
        if now >= self.pending.purge_at {
            self.purge();
            self.pending.purge_at = now.plus_ms(PURGE_PAUSE_MS);
        }
    }

    /// No more will come: takes in what waits, and makes it durable.
    pub(crate) fn finish(&mut self) {
        self.flush();
        // What of a sweep is lost here the next start replays: it does not count as complete.
        self.put_pages();
        self.persist();
    }

    /// Takes in what waits; a failing store is left alone for a while and asked again.
    fn flush(&mut self) {
        if self.is_left_alone() {
            return;
        }
        self.pending.trouble_until = None;
        while !self.pending.frames.is_empty() {
            if let Err(fault) = self.take_in() {
                self.leave_alone("the archive could not be written", &fault);
                return;
            }
        }
    }

    fn is_left_alone(&self) -> bool {
        self.pending.trouble_until.is_some_and(|until| until > self.clock.now())
    }

    fn leave_alone(&mut self, what: &str, fault: &Fault) {
        tracing::warn!(%fault, "{what}; it will be tried again");
        self.pending.trouble_until = Some(self.clock.now().plus_ms(TROUBLE_PAUSE_MS));
    }

    /// Takes in one batch of what waits.
    fn take_in(&mut self) -> Result<(), Fault> {
        let pending = &mut self.pending;
        let count = pending.batch();
        let frames = &pending.frames[..count];
        let payloads: Vec<(u64, &[u8])> = frames.iter().map(|frame| (frame.first, &*frame.payload)).collect();
        self.archive.ingest_payloads(&payloads)?;
        let last = frames.last().map_or(0, |frame| frame.last);
        let bytes: u64 = frames.iter().map(size).sum();
        pending.remove(count);
        pending.unsynced += bytes;
        if pending.unsynced >= HISTORY_SYNC_BYTES {
            pending.unsynced = 0;
            // In small pieces, for the journal's own sync waits behind each. What fails here, persist will tell.
            let _ = self.archive.history().persist();
        }
        self.meters.archived.set(last);
        self.progress.reach(last);
        let _ = self.partition.push(Input::Archived(last));
        self.waiting.fetch_sub(bytes, Ordering::AcqRel);
        Ok(())
    }

    /// Keeps the pages of the ledger that wait, in their order: a sweep counts as complete only when all of it is kept,
    /// and its pages do not come again. While they wait the partition's sweep pauses.
    fn put_pages(&mut self) {
        if self.is_left_alone() {
            return;
        }
        while let Some(pages) = self.pending.pages.front() {
            #[cfg(feature = "planted")]
            if planted::is(planted::Bug::SweepTooEarly) && self.archive.put_pages(&[], pages.swept).is_ok() {
                self.pending.pages.pop_front();
                continue;
            }
            if let Err(fault) = self.archive.put_pages(&pages.pages, pages.swept) {
                self.leave_alone("pages of the ledger could not be kept", &fault);
                return;
            }
            self.pages_waiting.fetch_sub(pages.bytes(), Ordering::AcqRel);
            self.pending.pages.pop_front();
        }
    }

    /// Writes one full window of ids as a run, or merges runs for a moment.
    fn tend_ids(&mut self) {
        if self.is_left_alone() {
            return;
        }
        let done = match self.pending.sealed.front() {
            Some(sealed) => self.runs.write(sealed).map(Some),
            None => self.runs.merge_step(MERGE_ROWS).map(|step| match step {
                Step::Installed(set) => Some(set),
                Step::Idle | Step::Going => None,
            }),
        };
        match done {
            Ok(None) => {}
            Ok(Some(set)) => {
                self.pending.sealed.pop_front();
                let _ = self.partition.push(Input::Ids(set));
            }
            Err(fault) => self.leave_alone("the index of ids could not be written", &fault),
        }
    }

    fn persist(&self) {
        match self.archive.persist() {
            Ok(through) => self.released.store(through, Ordering::Release),
            Err(fault) => {
                tracing::warn!(%fault, "the archive could not be made durable; it will be tried again");
            }
        }
    }

    /// Removes what is past its retention, step by step, until nothing is left or its time is over.
    fn purge(&self) {
        let Some(ms) = self.retention_ms else { return };
        let micros = i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let before = Time(self.clock.now().0.saturating_sub(micros));
        let until = self.clock.now().plus_ms(PURGE_FOR_MS);
        loop {
            match self.archive.purge(before, PURGE_AT_ONCE) {
                Ok(removed) if removed >= PURGE_AT_ONCE && self.clock.now() < until => {}
                Ok(_) => return,
                Err(fault) => {
                    tracing::warn!(%fault, "what is past its retention could not be removed; it will be tried again");
                    return;
                }
            }
        }
    }
}

/// What waits for the archive, and when to look after it.
pub(crate) struct Pending {
    frames: Vec<Frame>,
    bytes: usize,
    /// Since when the first of them has waited.
    since: Option<Time>,
    trouble_until: Option<Time>,
    persist_at: Time,
    purge_at: Time,
    /// Full windows of ids that wait to be written.
    sealed: VecDeque<Arc<Sealed>>,
    /// Pages of the ledger that wait to be kept.
    pages: VecDeque<Pages>,
    /// Bytes taken in since the history was last synced.
    unsynced: u64,
}

impl Pending {
    pub(crate) fn since(now: Time) -> Pending {
        Pending {
            frames: Vec::new(),
            bytes: 0,
            since: None,
            trouble_until: None,
            persist_at: now.plus_ms(PERSIST_PAUSE_MS),
            purge_at: now.plus_ms(PURGE_PAUSE_MS),
            sealed: VecDeque::new(),
            pages: VecDeque::new(),
            unsynced: 0,
        }
    }

    fn push(&mut self, frame: Frame, now: Time) {
        self.bytes += frame.payload.len();
        self.since.get_or_insert(now);
        self.frames.push(frame);
    }

    fn is_due(&self, now: Time) -> bool {
        self.bytes >= BATCH_BYTES || self.since.is_some_and(|since| since.plus_ms(BATCH_PAUSE_MS) <= now)
    }

    /// How many frames make one batch.
    fn batch(&self) -> usize {
        let mut bytes = 0;
        let fits = |frame: &&Frame| {
            bytes += frame.payload.len();
            bytes <= BATCH_BYTES
        };
        self.frames.iter().take_while(fits).count().max(1)
    }

    fn remove(&mut self, count: usize) {
        let bytes: usize = self.frames.drain(..count).map(|frame| frame.payload.len()).sum();
        self.bytes -= bytes;
        if self.frames.is_empty() {
            self.since = None;
        }
    }
}
