//! Puts an engine together: brings the archive up to date, takes over what is open, ties its parts to one another.
//!
//! Nothing moves here yet: `run.rs` gives each part a thread, `stepped.rs` turns them by hand. It must never let an
//! engine exist whose journal and archive do not fit together.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use journal::{Gauge, Journal};
use transaction::{Reply, Time};

use crate::archive::Archive;
use crate::archiver::{Archiver, Frames, Job, Pending, Progress};
use crate::batch::Deliver;
use crate::driver::Driver;
use crate::ids::Runs;
use crate::mailbox::Mailbox;
use crate::opening;
use crate::partition::{Input, Lookup, Partition, Ports, Ticket};
use crate::reader::{Queries, Query, Reader};
use crate::writer::Writer;
use crate::{Answers, Clock, Config, Engine, Fault, Meters, Network, SystemClock};

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

impl Parts {
    /// Parts that keep nothing beyond the process, with the system's clock: for tests and fuzzing. A fault panics.
    #[must_use]
    pub fn in_memory(network: impl Network + 'static) -> Parts {
        Parts {
            journal: Box::new(journal::Memory::new()),
            archive: Archive::in_memory(),
            network: Box::new(network),
            clock: Box::new(|floor| Arc::new(SystemClock::starting_after(floor))),
            meters: Arc::new(Meters::default()),
            deliver: Box::new(Answers::give),
            on_fault: Box::new(|fault| panic!("{fault}")),
        }
    }
}

/// The parts of an engine, tied together, none of them moving.
pub(crate) struct Assembled {
    pub engine: Engine,
    /// Open transactions found at start-up.
    pub restored: usize,
    pub driver: Driver,
    pub writer: Writer,
    pub archiver: Archiver,
    pub reader: Reader,
    /// What the archive's thread is given to do.
    pub jobs: Receiver<Job>,
    pub on_fault: Report,
}

/// Brings the archive up to date with the journal, as both were given; answers the time of the last frame.
///
/// # Errors
/// When journal or archive cannot be read, or do not fit together. It may be asked again.
pub(crate) fn caught_up(parts: &mut Parts) -> Result<Time, Fault> {
    parts.archive.belongs_to(parts.journal.salt())?;
    catch_up(parts.journal.as_mut(), &parts.archive)
}

/// Takes over what is open, and makes the parts. The archive is up to date; the clock starts at `floor` at the earliest;
/// a reader waits `patience` for the archive.
///
/// # Errors
/// When the archive cannot be read, or does not fit the journal.
pub(crate) fn assemble(
    config: &Config,
    parts: Parts,
    (floor, patience): (Time, Duration),
) -> Result<Assembled, Fault> {
    let clock = (parts.clock)(floor);
    let last = parts.journal.last_sequence();
    #[cfg(feature = "planted")]
    let last = last - u64::from(last > 0 && planted::is(planted::Bug::SequenceReused));
    parts.meters.durable.set(last);
    parts.meters.archived.set(parts.archive.applied());
    let (jobs, job_queue) = channel();
    let (queries, query_queue) = channel();
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
    let (vault, runs) = opening::vault(&parts.archive, config.ids_in_memory)?;
    let mut partition = Partition::after(
        (last, vault, parts.archive.swept()?),
        config.clone(),
        (ports, Arc::clone(&parts.meters)),
    );
    parts.archive.topics(&mut |topic| {
        partition.restore_topic(topic);
        Ok(())
    })?;
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
        inputs: Arc::clone(&wires.inputs),
        queued: Arc::clone(&engine.queued),
        meters: Arc::clone(&parts.meters),
        frames_in_flight: config.frames_in_flight,
        in_flight: 0,
        stop_by: None,
    };
    let asked = (query_queue, patience);
    Ok(Assembled {
        engine,
        restored,
        driver,
        reader: wires.reader(parts.archive.clone(), asked, Arc::clone(&clock)),
        archiver: wires.archiver((parts.archive, runs), clock, config.retention_ms),
        writer: wires.writer(parts.journal, parts.deliver),
        jobs: job_queue,
        on_fault: parts.on_fault,
    })
}

/// What the parts share.
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

    fn reader(
        &self,
        archive: Archive,
        (queries, patience): (Receiver<(u64, Query)>, Duration),
        clock: Arc<dyn Clock>,
    ) -> Reader {
        Reader {
            archive,
            patience,
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
        self.progress.reach(archive.applied());
        Archiver {
            pending: Pending::since(clock.now()),
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
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::ReplaySkipsFrame) && frame.sequence == archive.take_from() {
            return Ok(());
        }
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
