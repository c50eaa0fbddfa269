//! The archive's writing thread: takes durable frames into the archive in large batches, makes them durable, removes what
//! is past its retention. It is behind the journal, never ahead.
//!
//! A store that fails is asked again; what waits for it meanwhile is bounded by refusing new work. Reading is `reader.rs`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
/// How long frames wait for others.
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// How often what was taken in is made durable.
const PERSIST_PAUSE: Duration = Duration::from_secs(2);
/// How often what is past its retention is removed, how much in one step, and for how long at most.
const PURGE_PAUSE: Duration = Duration::from_secs(10);
const PURGE_AT_ONCE: usize = 1_000;
const PURGE_FOR: Duration = Duration::from_secs(1);
/// Rows of ids merged in one step: some 25 ms.
const MERGE_ROWS: usize = 512 * 1024;
/// Bytes taken in after which the history is synced.
const HISTORY_SYNC_BYTES: u64 = 8 * 1024 * 1024;
/// How long a failing store is left alone.
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);

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
    fn reach(&self, sequence: u64) {
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
}

impl Archiver {
    /// Works until it is stopped; then everything that came is durable in the archive, or will be taken from the journal.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        self.progress.reach(self.archive.applied());
        let mut pending = Pending::default();
        let (mut persisted_at, mut purged_at) = (Instant::now(), Instant::now());
        loop {
            match jobs.recv_timeout(BATCH_PAUSE) {
                Ok(Job::Frame(frame)) => {
                    pending.push(frame);
                    // Frames come by the thousand a second: being woken for each would cost more than taking it in.
                    std::thread::sleep(DOZE);
                }
                Ok(Job::Flush) => self.flush(&mut pending),
                Ok(Job::Pages(pages)) => pending.pages.push_back(pages),
                Ok(Job::Ids(sealed)) => pending.sealed.push_back(sealed),
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let mut stops = false;
            for job in jobs.try_iter() {
                match job {
                    Job::Frame(frame) => pending.push(frame),
                    Job::Flush => self.flush(&mut pending),
                    Job::Pages(pages) => pending.pages.push_back(pages),
                    Job::Ids(sealed) => pending.sealed.push_back(sealed),
                    Job::Stop => stops = true,
                }
            }
            if stops {
                break;
            }
            if pending.is_due() {
                self.flush(&mut pending);
            }
            self.put_pages(&mut pending);
            self.tend_ids(&mut pending);
            if persisted_at.elapsed() >= PERSIST_PAUSE {
                self.persist();
                persisted_at = Instant::now();
            }
            if purged_at.elapsed() >= PURGE_PAUSE {
                self.purge();
                purged_at = Instant::now();
            }
        }
        self.flush(&mut pending);
        // What of a sweep is lost here the next start replays: it does not count as complete.
        self.put_pages(&mut pending);
        self.persist();
    }

    /// Takes in what waits; a failing store is left alone for a while and asked again.
    fn flush(&self, pending: &mut Pending) {
        if pending.trouble_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        pending.trouble_until = None;
        while !pending.frames.is_empty() {
            if let Err(fault) = self.take_in(pending) {
                tracing::warn!(%fault, "the archive could not be written; it will be tried again");
                pending.trouble_until = Some(Instant::now() + TROUBLE_PAUSE);
                return;
            }
        }
    }

    /// Takes in one batch of what waits.
    fn take_in(&self, pending: &mut Pending) -> Result<(), Fault> {
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
    fn put_pages(&self, pending: &mut Pending) {
        if pending.trouble_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        while let Some(pages) = pending.pages.front() {
            if let Err(fault) = self.archive.put_pages(&pages.pages, pages.swept) {
                tracing::warn!(%fault, "pages of the ledger could not be kept; it will be tried again");
                pending.trouble_until = Some(Instant::now() + TROUBLE_PAUSE);
                return;
            }
            self.pages_waiting.fetch_sub(pages.bytes(), Ordering::AcqRel);
            pending.pages.pop_front();
        }
    }

    /// Writes one full window of ids as a run, or merges runs for a moment.
    fn tend_ids(&mut self, pending: &mut Pending) {
        if pending.trouble_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        let done = match pending.sealed.front() {
            Some(sealed) => self.runs.write(sealed).map(Some),
            None => self.runs.merge_step(MERGE_ROWS).map(|step| match step {
                Step::Installed(set) => Some(set),
                Step::Idle | Step::Going => None,
            }),
        };
        match done {
            Ok(None) => {}
            Ok(Some(set)) => {
                pending.sealed.pop_front();
                let _ = self.partition.push(Input::Ids(set));
            }
            Err(fault) => {
                tracing::warn!(%fault, "the index of ids could not be written; it will be tried again");
                pending.trouble_until = Some(Instant::now() + TROUBLE_PAUSE);
            }
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
        let since = Instant::now();
        loop {
            match self.archive.purge(before, PURGE_AT_ONCE) {
                Ok(removed) if removed >= PURGE_AT_ONCE && since.elapsed() < PURGE_FOR => {}
                Ok(_) => return,
                Err(fault) => {
                    tracing::warn!(%fault, "what is past its retention could not be removed; it will be tried again");
                    return;
                }
            }
        }
    }
}

/// Frames that wait to be taken in.
#[derive(Default)]
struct Pending {
    frames: Vec<Frame>,
    bytes: usize,
    since: Option<Instant>,
    trouble_until: Option<Instant>,
    /// Full windows of ids that wait to be written.
    sealed: VecDeque<Arc<Sealed>>,
    /// Pages of the ledger that wait to be kept.
    pages: VecDeque<Pages>,
    /// Bytes taken in since the history was last synced.
    unsynced: u64,
}

impl Pending {
    fn push(&mut self, frame: Frame) {
        self.bytes += frame.payload.len();
        self.since.get_or_insert_with(Instant::now);
        self.frames.push(frame);
    }

    fn is_due(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.since.is_some_and(|since| since.elapsed() >= BATCH_PAUSE)
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
