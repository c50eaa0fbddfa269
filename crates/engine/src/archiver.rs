//! The archive's thread: takes durable frames into the archive in large batches, and answers what only the archive knows.
//!
//! It is behind the journal, never ahead. A store that fails is asked again; what waits for it is bounded by refusing new work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use transaction::refusal::{ALREADY_FINAL, TRANSACTION_UNKNOWN};
use transaction::{Refusal, Time, Transaction, decide};

use crate::archive::Archive;
use crate::mailbox::Mailbox;
use crate::partition::{Backlog, Input, Lookup, other_content, same_content, unavailable};
use crate::writer::Work;
use crate::{Act, Answer, Begin, Clock, Fault, Filter, Meters, Page, Respond, Timeline, TimelineQuery};

/// Bytes of frames taken into the archive at once.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// How long frames wait for others.
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// How often what was taken in is made durable.
const PERSIST_PAUSE: Duration = Duration::from_secs(2);
/// How often what is past its retention is removed.
const PURGE_PAUSE: Duration = Duration::from_secs(10);
const PURGE_AT_ONCE: usize = 10_000;
/// How long a failing store is left alone.
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of frames that may wait; beyond it new work is refused until half of it is gone.
const BACKLOG_MAX: u64 = 256 * 1024 * 1024;

/// A durable frame.
pub(crate) struct Frame {
    pub first: u64,
    pub last: u64,
    pub payload: Vec<u8>,
}

/// What the archive's thread is given to do.
pub(crate) enum Job {
    Frame(Frame),
    Lookup(Lookup),
    List(Filter, Respond<Page>),
    Timeline(TimelineQuery, Respond<Timeline>),
    /// No frame will come any more.
    Stop,
}

/// Where the writer puts durable frames; counts the bytes that wait.
pub(crate) struct Frames {
    pub jobs: Sender<Job>,
    pub waiting: Arc<AtomicU64>,
    pub partition: Arc<Mailbox>,
}

impl Frames {
    pub(crate) fn send(&self, frame: Frame) {
        let bytes = size(&frame);
        let before = self.waiting.fetch_add(bytes, Ordering::AcqRel);
        if before <= BACKLOG_MAX && before + bytes > BACKLOG_MAX {
            let _ = self.partition.push(Input::Backlog(Backlog::TooLong));
        }
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

/// The archive's thread.
pub(crate) struct Archiver {
    pub archive: Archive,
    pub partition: Arc<Mailbox>,
    pub writer: std::sync::mpsc::SyncSender<Work>,
    pub waiting: Arc<AtomicU64>,
    pub clock: Arc<dyn Clock>,
    pub meters: Arc<Meters>,
    pub retention_ms: Option<u64>,
}

impl Archiver {
    /// Works until it is stopped; then everything that came is durable in the archive.
    pub(crate) fn run(self, jobs: &Receiver<Job>) -> Result<(), Fault> {
        let mut pending = Pending::default();
        let (mut persisted_at, mut purged_at) = (Instant::now(), Instant::now());
        loop {
            match jobs.recv_timeout(BATCH_PAUSE) {
                Ok(Job::Frame(frame)) => pending.push(frame),
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(query) => {
                    // Whoever asks has been told of everything that came before: take it in first.
                    self.flush(&mut pending);
                    self.answer(query);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if pending.is_due() {
                self.flush(&mut pending);
            }
            if persisted_at.elapsed() >= PERSIST_PAUSE {
                persisted_at = Instant::now();
                self.persist();
            }
            if purged_at.elapsed() >= PURGE_PAUSE {
                purged_at = Instant::now();
                self.purge();
            }
        }
        self.take_in(&mut pending)?;
        self.archive.persist().map(|_| ())
    }

    /// Takes in what waits; a failing store is left alone for a while and asked again.
    fn flush(&self, pending: &mut Pending) {
        if pending.frames.is_empty() || pending.trouble_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        match self.take_in(pending) {
            Ok(()) => pending.trouble_until = None,
            Err(fault) => {
                tracing::warn!(%fault, "the archive could not be written; it will be tried again");
                pending.trouble_until = Some(Instant::now() + TROUBLE_PAUSE);
            }
        }
    }

    fn take_in(&self, pending: &mut Pending) -> Result<(), Fault> {
        let Some(last) = pending.frames.last().map(|frame| frame.last) else { return Ok(()) };
        let payloads: Vec<(u64, &[u8])> =
            pending.frames.iter().map(|frame| (frame.first, &*frame.payload)).collect();
        self.archive.ingest_payloads(&payloads)?;
        let bytes = pending.frames.iter().map(size).sum();
        pending.clear();
        self.meters.archived.set(last);
        let _ = self.partition.push(Input::Archived(last));
        let before = self.waiting.fetch_sub(bytes, Ordering::AcqRel);
        if before > BACKLOG_MAX / 2 && before - bytes <= BACKLOG_MAX / 2 {
            let _ = self.partition.push(Input::Backlog(Backlog::Bounded));
        }
        Ok(())
    }

    fn persist(&self) {
        match self.archive.persist() {
            // A writer that is busy is told the next time.
            Ok(through) => drop(self.writer.try_send(Work::Release(through))),
            Err(fault) => {
                tracing::warn!(%fault, "the archive could not be made durable; it will be tried again");
            }
        }
    }

    fn purge(&self) {
        let Some(ms) = self.retention_ms else { return };
        let micros = i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let before = Time(self.clock.now().0.saturating_sub(micros));
        if let Err(fault) = self.archive.purge(before, PURGE_AT_ONCE) {
            tracing::warn!(%fault, "what is past its retention could not be removed; it will be tried again");
        }
    }

    fn answer(&self, query: Job) {
        match query {
            Job::Frame(_) | Job::Stop => {}
            Job::Lookup(Lookup::Begin(begin, number, respond)) => respond(self.begun_before(&begin, number)),
            Job::Lookup(Lookup::Known(number, respond)) => {
                respond(self.load(number).map(|found| self.found(found)));
            }
            Job::Lookup(Lookup::Act(act, respond)) => respond(self.act(&act)),
            Job::List(filter, respond) => respond(flat(self.archive.list(&filter))),
            Job::Timeline(query, respond) => respond(flat(self.archive.timeline(&query))),
        }
    }

    /// A begin of an id that is known: the same content is answered with what it began.
    fn begun_before(&self, begin: &Begin, number: u64) -> Result<Answer, Refusal> {
        let transaction = self.load(number)?;
        if transaction.spec == begin.spec {
            Ok(self.found(transaction))
        } else {
            Err(other_content(&begin.spec.id))
        }
    }

    /// A request to a transaction that is final, or unknown.
    fn act(&self, act: &Act) -> Result<Answer, Refusal> {
        let number = self.archive.number_of(&act.id).map_err(|fault| unavailable(&fault))?;
        let number = number
            .ok_or_else(|| TRANSACTION_UNKNOWN.because(format!("there is no transaction {}", act.id)))?;
        let transaction = self.load(number)?;
        let Some(command) = &act.command else {
            return Ok(Answer { replayed: false, ..self.found(transaction) });
        };
        if let Some(key) = &act.key
            && let Some(row) = self.archive.key(&key.scope).map_err(|fault| unavailable(&fault))?
        {
            same_content(key, &row)?;
            return Ok(self.found(transaction));
        }
        let events = decide(&transaction, command, self.clock.now())?;
        if events.is_empty() {
            return Ok(self.found(transaction));
        }
        Err(ALREADY_FINAL.because(format!("transaction {} is {}", act.id, transaction.state_name())))
    }

    fn load(&self, number: u64) -> Result<Transaction, Refusal> {
        let found = self.archive.load(number).map_err(|fault| unavailable(&fault))?;
        found.ok_or_else(|| TRANSACTION_UNKNOWN.because("the transaction is past its retention"))
    }

    fn found(&self, transaction: Transaction) -> Answer {
        Answer { transaction: Arc::new(transaction), replayed: true, sequence: self.archive.applied() }
    }
}

fn flat<T>(read: Result<Result<T, Refusal>, Fault>) -> Result<T, Refusal> {
    read.unwrap_or_else(|fault| Err(unavailable(&fault)))
}

/// Frames that wait to be taken in.
#[derive(Default)]
struct Pending {
    frames: Vec<Frame>,
    bytes: usize,
    since: Option<Instant>,
    trouble_until: Option<Instant>,
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

    fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
        self.since = None;
    }
}
