//! The process under test: the real engine over simulated disks, opened, turned, killed and opened again.
//!
//! One life lasts from a start to a crash, a fault, or a stop. What leaves it (answers, calls) lies in trays until the
//! world takes it. Nothing here judges. Read next: `world/lives.rs`, which lets it live and die.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::archive::Archive;
use engine::{Answers, Config, Heard, Meters, Network, ParticipantLimits, Parts, Stepped};
use journal::file::{FileJournal, FileOptions};
use journal::{Disk, Fault as JournalFault, Journal};
use transaction::Call;

use crate::auditor::{CONCURRENCY, Told};
use crate::clock::{SimClock, TrueTime};
use crate::dice::Dice;
use crate::log::{Appended, Watch, WatchedJournal};
use crate::storage::Storage;

/// Something that is handed from one thread to another in production, and lies here until the world takes it.
pub(crate) struct Tray<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Tray<T> {
    fn default() -> Self {
        Tray(Arc::default())
    }
}

impl<T> Clone for Tray<T> {
    fn clone(&self) -> Self {
        Tray(Arc::clone(&self.0))
    }
}

impl<T> Tray<T> {
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, thing: T) {
        self.lock().push(thing);
    }

    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.lock())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

/// Which request an answer belongs to: actor, step, attempt.
pub(crate) type Ask = (usize, usize, u32);

/// What has left the process and was not taken yet.
#[derive(Clone, Default)]
pub(crate) struct Trays {
    /// Answers of durable frames, not given yet.
    pub(crate) frames: Tray<Answers>,
    /// Answers that were given.
    pub(crate) told: Tray<(Ask, Told)>,
    pub(crate) calls: Tray<(Call, Heard)>,
}

struct Line(Tray<(Call, Heard)>);

impl Network for Line {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        calls.into_iter().for_each(|call| self.0.put(call));
    }
}

/// How the process is set up in this seed.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    journal: FileOptions,
}

impl Setup {
    pub(crate) fn of(seed: u64) -> Setup {
        let mut dice = Dice::of(seed, "setup", &[]);
        let limits = ParticipantLimits {
            concurrency: CONCURRENCY,
            queue: 12,
            breaker_failures: 6,
            breaker_ms: 300,
            ..ParticipantLimits::default()
        };
        let config = Config {
            queue: 64,
            open_max: 200,
            waiters_max: 6,
            frames_in_flight: usize::try_from(dice.within(1, 3)).unwrap_or(1),
            frame_bytes: *dice.pick(&[700, 2_000, 4_000]),
            participant: limits,
            calls_max: 14,
            retention_ms: None,
            ids_in_memory: *dice.pick(&[24, 80, 1_000]),
            sweep_bytes: *dice.pick(&[1_500, 6_000, 1 << 20]),
            seed,
            ..Config::default()
        };
        // A frame is at most three times its own size, and one member beyond it.
        let (segment, most) =
            if config.frame_bytes > 2_000 { (24 << 10, 16 << 10) } else { (16 << 10, 11 << 10) };
        let journal = FileOptions {
            segment_bytes: segment,
            small_segment_bytes: 12 << 10,
            max_frame_bytes: most,
            retain_bytes: dice.one_in(2).then_some(30 << 10),
            // As good as the one that a journal draws for itself: contents are told apart by it.
            salt: Some((u128::from(dice.roll()) << 64 | u128::from(dice.roll())).to_le_bytes()),
            ..FileOptions::default()
        };
        Setup { config, journal }
    }

    /// For a short history: segments, windows of ids and sweeps so small that it goes through several of each.
    pub(crate) fn short() -> Setup {
        let Setup { config, journal } = Setup::of(0);
        let config =
            Config { frames_in_flight: 1, frame_bytes: 2_000, ids_in_memory: 12, sweep_bytes: 400, ..config };
        let journal = FileOptions {
            segment_bytes: 8 << 10,
            small_segment_bytes: 8 << 10,
            max_frame_bytes: 3 << 10,
            retain_bytes: Some(16 << 10),
            ..journal
        };
        Setup { config, journal }
    }

    /// Nothing of the journal is ever given up: a lost archive can be made anew.
    pub(crate) fn keeps_all(&self) -> bool {
        self.journal.retain_bytes.is_none()
    }
}

/// One life of the process.
pub(crate) struct Life {
    pub(crate) stepped: Stepped,
    pub(crate) clock: SimClock,
    preparer: journal::file::Preparer,
    /// Frames found at the start: the first event asked for, and the frames from there on.
    pub(crate) found: (u64, Vec<Appended>),
    /// The first event that the journal still has.
    pub(crate) first: u64,
    /// How far the archive was when it was opened.
    pub(crate) archived: u64,
}

/// What a start is given.
pub(crate) struct Start<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) storage: &'a Storage,
    pub(crate) time: &'a TrueTime,
    /// Skew of the wall clock in microseconds, and rate of the monotonic one per mille.
    pub(crate) clock: (i64, i64),
    pub(crate) meters: &'a Arc<Meters>,
    pub(crate) trays: &'a Trays,
    pub(crate) watch: &'a Watch,
    /// From which event on the journal is read and compared; what is before is tied to it by its hashes.
    pub(crate) read_from: u64,
}

/// Opens the process as `tercet serve` does: the archive, then the journal, which must hold what the archive does.
pub(crate) fn start(start: &Start<'_>) -> Result<Life, String> {
    let archive = start.storage.shelf.open().map_err(|fault| fault.to_string())?;
    let archived = archive.applied();
    let (mut journal, preparer) = open_journal(start.setup, start.storage, &archive)?;
    let found = read_from(&mut journal, start.read_from)?;
    let first = journal.first_sequence();
    let clock = Arc::new(Mutex::new(None));
    let (time, kept, how) = (start.time.clone(), Arc::clone(&clock), start.clock);
    let frames = start.trays.frames.clone();
    let parts = Parts {
        journal: Box::new(WatchedJournal { inner: Box::new(journal), watch: start.watch.clone() }),
        archive,
        network: Box::new(Line(start.trays.calls.clone())),
        clock: Box::new(move |floor| {
            let clock = SimClock::start(&time, how, floor);
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock.clone());
            Arc::new(clock)
        }),
        meters: Arc::clone(start.meters),
        deliver: Box::new(move |answers| frames.put(answers)),
        on_fault: Box::new(|_| {}),
    };
    let stepped = Stepped::open(&start.setup.config, parts).map_err(|fault| fault.to_string())?;
    let clock = clock.lock().unwrap_or_else(PoisonError::into_inner).take();
    let clock = clock.ok_or("the engine made no clock")?;
    Ok(Life { stepped, clock, preparer, found, first, archived })
}

fn open_journal(
    setup: &Setup,
    storage: &Storage,
    archive: &Archive,
) -> Result<(FileJournal, journal::file::Preparer), String> {
    let options = FileOptions { need: archive.persisted(), ..setup.journal.clone() };
    let disk: Arc<dyn Disk> = Arc::new(storage.journal.clone());
    let journal = FileJournal::open(disk, options).map_err(|fault| fault.to_string())?;
    let preparer = journal.preparer();
    Ok((journal, preparer))
}

fn read_from(journal: &mut FileJournal, from: u64) -> Result<(u64, Vec<Appended>), String> {
    let (first, mut found) = (journal.first_sequence().max(from), Vec::new());
    let read = journal.read(first, &mut |frame| {
        found.push(Appended::of(frame));
        Ok(())
    });
    read.map_err(|fault| fault.to_string())?;
    Ok((first, found))
}

/// Whether a second process on the folder is refused.
pub(crate) fn second_is_refused(setup: &Setup, storage: &Storage) -> bool {
    let disk: Arc<dyn Disk> = Arc::new(storage.journal.clone());
    matches!(FileJournal::open(disk, setup.journal.clone()), Err(JournalFault::Locked { .. }))
}

impl Life {
    /// Prepares segments for a while.
    pub(crate) fn prepare(&mut self) {
        for _ in 0..4 {
            if self.preparer.step() == journal::file::Step::Idle {
                return;
            }
        }
    }
}
