//! Starts and stops the threads around a partition: partition → writer → archive.
//!
//! The partition decides frame N+1 while the writer makes frame N durable; `frames_in_flight` bounds how far it runs ahead.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use journal::{Gauge, Journal};
use transaction::{Reply, Time};

use crate::archive::Archive;
use crate::archiver::{Archiver, Frames, Job, Progress};
use crate::batch::Deliver;
use crate::ids::Runs;
use crate::mailbox::{Appetite, Mailbox};
use crate::opening;
use crate::partition::{Input, Lookup, Partition, Ports, Ticket};
use crate::reader::{Queries, Query, Reader};
use crate::writer::{Work, Writer};
use crate::{Clock, Config, Engine, Fault, Meters, Network, refusal};

/// Threads that read the archive.
const READERS: usize = 2;
/// How long the partition sleeps when nothing is due and nothing comes.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a stop waits for branch calls under way.
const STOP_CALLS: Duration = Duration::from_secs(3);
/// Bytes of frames taken into the archive at once at start-up.
const CATCH_UP_BYTES: usize = 8 * 1024 * 1024;

/// Takes the fault that ends the engine.
pub type Report = Box<dyn FnOnce(Fault) + Send>;

/// What an engine is made of.
pub struct Parts {
    /// Where events are kept.
    pub journal: Box<dyn Journal>,
    /// Where finished transactions go.
    pub archive: Archive,
    /// Makes branch calls.
    pub network: Box<dyn Network>,
    /// Makes the clock, which must not tell a time before the one it is given.
    pub clock: Box<dyn FnOnce(Time) -> Arc<dyn Clock>>,
    /// Where it counts.
    pub meters: Arc<Meters>,
    /// Lets the answers of a durable frame go.
    pub deliver: Deliver,
    /// Called once, on an engine thread, when a fault stops it; nothing is told as done afterwards.
    pub on_fault: Report,
}

/// A running engine with its threads.
pub struct Running {
    /// The handle for callers.
    pub engine: Engine,
    /// Open transactions found at start-up.
    pub restored: usize,
    threads: Vec<JoinHandle<()>>,
}

/// Brings the archive up to date, takes over what is open and starts the threads; returns when it is ready.
///
/// # Errors
/// When journal or archive cannot be read, or do not fit together.
pub fn start(config: &Config, mut parts: Parts) -> Result<Running, Fault> {
    parts.archive.belongs_to(parts.journal.salt())?;
    let floor = catch_up(parts.journal.as_mut(), &parts.archive)?;
    let clock = (parts.clock)(floor);
    let last = parts.journal.last_sequence();
    parts.meters.durable.set(last);
    parts.meters.archived.set(parts.archive.applied());
    let (jobs, job_queue) = channel();
    let (queries, query_queue) = channel();
    let (work, work_queue) = sync_channel(config.frames_in_flight.max(1) + 1);
    let wires = Wires::new(last, jobs, queries, &parts.meters);

    let ports = Ports {
        network: parts.network,
        heard: wires.heard(),
        lookup: wires.lookup(),
        archivist: wires.archivist(),
        archive: parts.archive.clone(),
        space: parts.journal.gauge(),
        waiting: Arc::clone(&wires.waiting),
        pages_waiting: Arc::clone(&wires.pages_waiting),
        stopping: Arc::clone(&wires.stopping),
    };
    let (vault, runs) = opening::vault(&parts.archive)?;
    let mut partition = Partition::after(
        (last, vault, parts.archive.swept()?),
        config.clone(),
        (ports, Arc::clone(&parts.meters)),
    );
    let mut restored = 0;
    parts.archive.open_transactions(&mut |transaction| {
        restored += 1;
        partition.restore(transaction);
        Ok(())
    })?;

    let engine = wires.engine(config.queue, parts.journal.gauge());
    let driver = Driver {
        partition,
        clock: Arc::clone(&clock),
        queued: Arc::clone(&engine.queued),
        meters: Arc::clone(&parts.meters),
        frames_in_flight: config.frames_in_flight,
    };
    let reader = wires.reader(parts.archive.clone(), query_queue, Arc::clone(&clock));
    let archiver = wires.archiver((parts.archive, runs), clock, config.retention_ms);
    let writer = wires.writer(parts.journal, parts.deliver);
    let on_fault = OnFault(Arc::new(Mutex::new(Some(parts.on_fault))));
    let inputs = Arc::clone(&wires.inputs);
    let mut threads = vec![
        spawn("partition", &on_fault, move || driver.run(&inputs, &work))?,
        spawn("writer", &on_fault, move || writer.run(&work_queue))?,
        spawn("archive", &on_fault, move || archiver.run(&job_queue))?,
    ];
    for _ in 0..READERS {
        let reader = reader.clone();
        threads.push(spawn("reader", &on_fault, move || reader.run())?);
    }
    Ok(Running { engine, restored, threads })
}

/// What the threads share.
struct Wires {
    inputs: Arc<Mailbox>,
    jobs: Sender<Job>,
    queries: Queries,
    /// Bytes of durable frames that wait for the archive.
    waiting: Arc<AtomicU64>,
    /// Bytes of the ledger's pages that wait for the archive.
    pages_waiting: Arc<AtomicU64>,
    /// Up to where the archive holds everything for good.
    released: Arc<AtomicU64>,
    durable: Arc<AtomicU64>,
    stopping: Arc<AtomicBool>,
    progress: Arc<Progress>,
    meters: Arc<Meters>,
}

impl Wires {
    fn new(last: u64, jobs: Sender<Job>, queries: Sender<(u64, Query)>, meters: &Arc<Meters>) -> Wires {
        let durable = Arc::new(AtomicU64::new(last));
        let meters = Arc::clone(meters);
        Wires {
            inputs: Arc::default(),
            jobs,
            queries: Queries {
                queries,
                waiting: Arc::default(),
                durable: Arc::clone(&durable),
                meters: Arc::clone(&meters),
            },
            waiting: Arc::default(),
            pages_waiting: Arc::default(),
            released: Arc::default(),
            durable,
            stopping: Arc::default(),
            progress: Arc::default(),
            meters,
        }
    }

    fn heard(&self) -> Arc<dyn Fn(Ticket, Reply) + Send + Sync> {
        let inputs = Arc::clone(&self.inputs);
        Arc::new(move |ticket, reply| drop(inputs.push(Input::Heard(ticket, reply))))
    }

    fn lookup(&self) -> Box<dyn Fn(Lookup) + Send> {
        let queries = self.queries.clone();
        Box::new(move |lookup| queries.lookup(lookup))
    }

    fn archivist(&self) -> Box<dyn Fn(Job) + Send> {
        let jobs = self.jobs.clone();
        // The archive's thread outlives the partition's.
        Box::new(move |job| drop(jobs.send(job)))
    }

    fn engine(&self, queue_max: usize, space: Gauge) -> Engine {
        Engine {
            inputs: Arc::clone(&self.inputs),
            queries: self.queries.clone(),
            queued: Arc::default(),
            queue_max,
            members: Arc::default(),
            stopping: Arc::clone(&self.stopping),
            space,
            meters: Arc::clone(&self.meters),
        }
    }

    fn reader(&self, archive: Archive, queries: Receiver<(u64, Query)>, clock: Arc<dyn Clock>) -> Reader {
        Reader {
            archive,
            queries: Arc::new(Mutex::new(queries)),
            progress: Arc::clone(&self.progress),
            archiver: self.jobs.clone(),
            partition: Arc::clone(&self.inputs),
            clock,
        }
    }

    fn archiver(
        &self,
        (archive, runs): (Archive, Runs),
        clock: Arc<dyn Clock>,
        retention_ms: Option<u64>,
    ) -> Archiver {
        Archiver {
            archive,
            runs,
            pages_waiting: Arc::clone(&self.pages_waiting),
            partition: Arc::clone(&self.inputs),
            released: Arc::clone(&self.released),
            waiting: Arc::clone(&self.waiting),
            progress: Arc::clone(&self.progress),
            clock,
            meters: Arc::clone(&self.meters),
            retention_ms,
        }
    }

    fn writer(&self, journal: Box<dyn Journal>, deliver: Deliver) -> Writer {
        Writer {
            journal,
            partition: Arc::clone(&self.inputs),
            deliver,
            archiver: Frames { jobs: self.jobs.clone(), waiting: Arc::clone(&self.waiting) },
            meters: Arc::clone(&self.meters),
            durable: Arc::clone(&self.durable),
            released: Arc::clone(&self.released),
            recycled: 0,
            stopping: Arc::clone(&self.stopping),
        }
    }
}

impl Running {
    /// Takes no new work, keeps and answers what is under way, hands everything to the archive, ends the threads.
    pub fn stop(self) {
        let _ = self.engine.inputs.push(Input::Stop);
        for _ in 0..READERS {
            self.engine.queries.stop_one();
        }
        for thread in self.threads {
            // A thread that panicked has reported its fault.
            let _ = thread.join();
        }
    }
}

/// Takes into the archive what the journal holds beyond it; answers the time of the last frame.
pub(crate) fn catch_up(journal: &mut dyn Journal, archive: &Archive) -> Result<Time, Fault> {
    let (archived, first, last) =
        (archive.take_from() - 1, journal.first_sequence(), journal.last_sequence());
    let most = archive.applied().max(archive.history_applied());
    if most > last {
        return Err(Fault::ArchiveAhead { archived: most, last });
    }
    if archived + 1 < first {
        let why = match archive.history_damage() {
            Some(why) => {
                format!("the history of the ledger is damaged ({why}) and must be told anew from event 1")
            }
            None => format!("the archive holds events up to {archived}"),
        };
        return Err(Fault::HistoryMissing { why, first });
    }
    let (mut tail, mut time) = (Tail::default(), Time::START);
    // The last frame is read in any case: it tells the time.
    let from = (archived + 1).min(last).max(first);
    if last > 0 {
        let mut failed = None;
        let read = journal.read(from, &mut |frame| {
            time = Time(frame.time);
            tail.push(frame, archive).map_err(|fault| {
                failed = Some(fault);
                journal::Fault::Stopped { why: "see the engine's fault".to_owned() }
            })
        });
        if let Some(fault) = failed {
            return Err(fault);
        }
        read?;
    }
    tail.take_in(archive)?;
    archive.persist()?;
    Ok(time)
}

/// Frames of the journal that the archive does not hold yet.
#[derive(Default)]
struct Tail {
    frames: Vec<(u64, Vec<u8>)>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, frame: &journal::Frame<'_>, archive: &Archive) -> Result<(), Fault> {
        self.bytes += frame.payload.len();
        self.frames.push((frame.sequence, frame.payload.to_vec()));
        if self.bytes >= CATCH_UP_BYTES { self.take_in(archive) } else { Ok(()) }
    }

    fn take_in(&mut self, archive: &Archive) -> Result<(), Fault> {
        let payloads: Vec<(u64, &[u8])> =
            self.frames.iter().map(|(first, payload)| (*first, &**payload)).collect();
        archive.ingest_payloads(&payloads)?;
        *self = Tail::default();
        Ok(())
    }
}

/// The partition's thread.
struct Driver {
    partition: Partition,
    clock: Arc<dyn Clock>,
    queued: Arc<AtomicUsize>,
    meters: Arc<Meters>,
    frames_in_flight: usize,
}

impl Driver {
    fn run(mut self, inputs: &Mailbox, work: &SyncSender<Work>) -> Result<(), Fault> {
        let (mut in_flight, mut stop_by) = (0_usize, None);
        let mut taken = Vec::new();
        loop {
            let now = self.clock.now();
            self.partition.tick(now);
            self.partition.let_calls_go();
            if stop_by.is_some_and(|by| Instant::now() >= by || self.partition.calls_in_flight() == 0) {
                let refusal = refusal::STOPPING.because("the process is going down");
                inputs.close().into_iter().for_each(|input| input.refuse(&refusal));
                self.partition.release_waiters();
                return self.finish(work);
            }
            let may_seal = in_flight < self.frames_in_flight;
            if may_seal || self.partition.is_full() {
                in_flight += usize::from(self.seal(work)?);
            }
            let appetite = if in_flight < self.frames_in_flight { Appetite::Any } else { Appetite::Progress };
            inputs.take(&mut taken, appetite, self.patience(now));
            let now = self.clock.now();
            for input in taken.drain(..) {
                match input {
                    Input::Durable(_) => in_flight = in_flight.saturating_sub(1),
                    Input::Stop => stop_by = Some(Instant::now() + STOP_CALLS),
                    _ => {}
                }
                if input.is_request() {
                    self.queued.fetch_sub(1, Ordering::AcqRel);
                }
                self.partition.handle(input, now);
                // A frame has a largest size: what comes beyond goes into the next one.
                if self.partition.is_full() {
                    in_flight += usize::from(self.seal(work)?);
                }
            }
            self.meters.queue.set(i64::try_from(self.queued.load(Ordering::Relaxed)).unwrap_or(i64::MAX));
        }
    }

    /// How long to wait for inputs: no longer than until something is due.
    fn patience(&self, now: Time) -> Duration {
        let Some(at) = self.partition.next_at(now) else { return PATIENCE };
        Duration::from_micros(u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0)).min(PATIENCE)
    }

    /// Hands the open batch to the writer; waits when the writer is behind.
    fn seal(&mut self, work: &SyncSender<Work>) -> Result<bool, Fault> {
        let Some(batch) = self.partition.seal() else { return Ok(false) };
        work.send(Work::Keep(batch)).map_err(|_| Fault::Writer)?;
        Ok(true)
    }

    fn finish(mut self, work: &SyncSender<Work>) -> Result<(), Fault> {
        while self.seal(work)? {}
        work.send(Work::Stop).map_err(|_| Fault::Writer)
    }
}

/// Reports the first fault, once.
#[derive(Clone)]
struct OnFault(Arc<Mutex<Option<Report>>>);

impl OnFault {
    fn report(&self, fault: Fault) {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(report) = first {
            report(fault);
        }
    }
}

/// Starts a thread whose fault or panic is reported.
fn spawn<E: Into<Ended> + 'static>(
    name: &'static str,
    on_fault: &OnFault,
    work: impl FnOnce() -> E + Send + 'static,
) -> Result<JoinHandle<()>, Fault> {
    let on_fault = on_fault.clone();
    let body = move || match catch_unwind(AssertUnwindSafe(work)).map(Into::into) {
        Ok(Ended(Ok(()))) => {}
        Ok(Ended(Err(fault))) => on_fault.report(fault),
        Err(_) => on_fault.report(Fault::Bug(name)),
    };
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(body)?)
}

/// How a thread's work ended.
struct Ended(Result<(), Fault>);

impl From<()> for Ended {
    fn from((): ()) -> Ended {
        Ended(Ok(()))
    }
}

impl From<Result<(), Fault>> for Ended {
    fn from(result: Result<(), Fault>) -> Ended {
        Ended(result)
    }
}
