//! Power cuts, kills and failing disks under a seed: what was told is there, and nothing else than what was written.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use journal::disk::FakeDisk;
use journal::disk::fake::{Call, Trouble};
use journal::file::{Preparer, Step};
use journal::{Fault, FileJournal, FileOptions, Frame, Journal, verify};

fn options() -> FileOptions {
    FileOptions {
        segment_bytes: 16384,
        small_segment_bytes: 8192,
        max_frame_bytes: 8000,
        retain_bytes: Some(40_000),
        salt: Some([3; 16]),
        ..FileOptions::default()
    }
}

fn open(disk: &FakeDisk) -> FileJournal {
    FileJournal::open(Arc::new(disk.clone()), options()).unwrap_or_else(|fault| panic!("{fault}"))
}

/// What the outside knows of a journal: one event per frame.
#[derive(Default)]
struct Books {
    /// Payload sizes of all frames that were told as durable.
    told: Vec<usize>,
    /// The one that was under way when the crash came.
    asked: Option<usize>,
}

impl Books {
    /// Everything told must be there; the frame under way may be.
    fn check(&mut self, journal: &mut FileJournal, what: &str) {
        let last = journal.last_sequence() as usize;
        if last == self.told.len() + 1 {
            self.told.push(self.asked.take().unwrap_or_else(|| panic!("{what}: a frame that nobody wrote")));
        }
        self.asked = None;
        assert_eq!(last, self.told.len(), "{what}: frames were lost");
        let first = journal.first_sequence();
        let mut next = first;
        let read = journal.read(first, &mut |frame| {
            assert_eq!((frame.sequence, frame.payload.len()), (next, self.told[next as usize - 1]), "{what}");
            assert!(frame.payload.iter().all(|byte| u64::from(*byte) == next % 251), "{what}");
            next += 1;
            Ok(())
        });
        read.unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!(next as usize, last + 1, "{what}");
    }

    fn append(&mut self, journal: &mut FileJournal, size: usize) -> Result<(), Fault> {
        let sequence = journal.last_sequence() + 1;
        let payload = vec![(sequence % 251) as u8; size];
        self.asked = Some(size);
        journal.append(&Frame { sequence, count: 1, time: 0, payload: &payload })?;
        self.told.push(size);
        self.asked = None;
        Ok(())
    }
}

/// Some life: appends, steps of the preparer, releases. Ends early when the journal is poisoned.
fn live(journal: &mut FileJournal, books: &mut Books, rng: &mut fastrand::Rng) {
    let mut preparer: Preparer = journal.preparer();
    for _ in 0..rng.u32(0..30) {
        match rng.u32(0..10) {
            0..6 => match books.append(journal, rng.usize(0..6000)) {
                Ok(()) => {}
                Err(Fault::Full) => books.asked = None,
                Err(_) => return,
            },
            6..9 => (0..rng.u32(1..6)).for_each(|_| {
                preparer.step();
            }),
            _ => journal.release(rng.u64(0..=journal.last_sequence())).unwrap(),
        }
    }
}

#[test]
fn power_cuts_lose_nothing_that_was_told() {
    for seed in 0..400 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (disk, mut books) = (FakeDisk::new(), Books::default());
        for round in 0..8 {
            let what = format!("seed {seed}, round {round}");
            let mut journal = open(&disk);
            assert_eq!(journal.epoch(), round + 1, "{what}");
            books.check(&mut journal, &what);
            arm(&disk, &mut rng);
            live(&mut journal, &mut books, &mut rng);
            match rng.u32(0..3) {
                0 => disk.kill(),
                1 => disk.crash(rng.u64(..)),
                // A failed process is started again, and only then the power goes.
                _ => {
                    disk.disarm();
                    disk.kill();
                    drop(journal);
                    let mut again = open(&disk);
                    books.check(&mut again, &format!("{what}, again"));
                    disk.crash(rng.u64(..));
                    drop(again);
                    disk.disarm();
                    let mut journal = open(&disk);
                    books.check(&mut journal, &format!("{what}, after the cut"));
                    // Two openings more than rounds: the epochs of later rounds would not match.
                    break;
                }
            }
            disk.disarm();
            drop(journal);
        }
        disk.kill();
        drop(open(&disk));
        assert!(verify(&disk, &options(), &mut |_| Ok(())).is_ok(), "seed {seed}");
    }
}

/// One random trouble, or none.
fn arm(disk: &FakeDisk, rng: &mut fastrand::Rng) {
    let calls = [Call::Create, Call::Rename, Call::Write, Call::Sync, Call::SyncDir];
    let after = rng.u32(0..25);
    match rng.u32(0..5) {
        0 | 1 => disk.arm(Trouble::Fail { call: calls[rng.usize(0..calls.len())], after }),
        2 => disk.arm(Trouble::Tear { after, taken: rng.usize(1..3000) }),
        3 => disk.arm(Trouble::Bites(rng.usize(1..700))),
        _ => {}
    }
}

#[test]
fn a_crash_inside_an_append_keeps_a_prefix_whatever_sectors_made_it() {
    let disk = FakeDisk::new();
    let mut before = Books::default();
    let mut journal = open(&disk);
    for size in BEFORE {
        before.append(&mut journal, size).unwrap();
    }
    drop(journal);
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..300 {
        let disk = disk.copy();
        let journal = open(&disk);
        // The sync never returns: the frame's sectors are still dirty when the power goes.
        write_without_sync(&disk, &journal, &[4; 1900]);
        disk.crash(seed);
        drop(journal);
        let mut journal = open(&disk);
        let last = journal.last_sequence();
        assert!(last == 3 || last == 4, "seed {seed}: {last}");
        outcomes.insert(last);
        let mut books = Books { told: before.told.clone(), asked: Some(1900) };
        books.check(&mut journal, &format!("seed {seed}"));
        books.append(&mut journal, 500).unwrap();
    }
    assert_eq!(outcomes.len(), 2, "both outcomes must have been seen");
}

/// Payload sizes of the frames before the torn one, all in the first segment.
const BEFORE: [usize; 3] = [100, 300, 700];

/// Writes a frame's bytes as an append would and leaves them unsynced.
fn write_without_sync(disk: &FakeDisk, journal: &FileJournal, payload: &[u8]) {
    use journal::Disk;
    let mut buffer = Vec::new();
    let link = journal::chain::Link { epoch: journal.epoch(), partition: 0, previous: journal.head() };
    let frame = Frame { sequence: journal.last_sequence() + 1, count: 1, time: 0, payload };
    let seed = journal::file::frame::seed(&[3; 16], 1);
    journal::file::frame::encode(&frame, &link, seed, &mut buffer);
    let at = BEFORE.iter().map(|size| journal::file::frame::size(*size) as u64).sum::<u64>() + 4096;
    let file = disk.open("00000001.seg").unwrap();
    assert_eq!(file.write_at(&buffer, at).unwrap(), buffer.len());
}

#[test]
fn after_a_failed_sync_nothing_is_taken_and_the_restart_is_honest() {
    for call in [Call::Sync, Call::Write] {
        let disk = FakeDisk::new();
        let mut books = Books::default();
        let mut journal = open(&disk);
        books.append(&mut journal, 100).unwrap();
        disk.arm(Trouble::Fail { call, after: 0 });
        let failed = books.append(&mut journal, 200);
        assert!(matches!(failed, Err(Fault::Io { .. })), "{failed:?}");
        let sequence = journal.last_sequence() + 1;
        assert_eq!(sequence, 2);
        let later = journal.append(&Frame { sequence, count: 1, time: 0, payload: b"x" });
        assert!(matches!(later, Err(Fault::Poisoned { .. })), "{later:?}");
        // The process ends. Its frame may be readable, but only from the page cache.
        disk.kill();
        drop(journal);
        let mut journal = open(&disk);
        books.check(&mut journal, "restart");
        let seen = journal.last_sequence();
        assert_eq!(seen, if call == Call::Sync { 2 } else { 1 });
        // Told now, so it must outlive the power cut that shows what never reached the disk.
        disk.crash(1);
        drop(journal);
        let journal = open(&disk);
        assert_eq!(journal.last_sequence(), seen, "after a failed {call:?}");
    }
}

#[test]
fn short_writes_are_carried_on() {
    let disk = FakeDisk::new();
    disk.arm(Trouble::Bites(13));
    let mut books = Books::default();
    let mut journal = open(&disk);
    for size in [0, 5, 3000, 5000, 77] {
        books.append(&mut journal, size).unwrap();
    }
    disk.crash(5);
    drop(journal);
    books.check(&mut open(&disk), "short writes");
}

#[test]
fn a_recycled_segment_holds_nothing_of_its_earlier_life() {
    let disk = FakeDisk::new();
    let mut books = Books::default();
    let mut journal = open(&disk);
    let mut preparer = journal.preparer();
    for round in 0..60 {
        books.append(&mut journal, 5000).unwrap();
        journal.release(journal.last_sequence()).unwrap();
        while preparer.step() != Step::Idle {}
        let held = disk.used();
        assert!(held < 40_000 + 3 * 16_384 + 8_192, "round {round}: {held} bytes");
    }
    assert!(journal.first_sequence() > 40);
    disk.kill();
    drop(journal);
    let report = verify(&disk, &options(), &mut |_| Ok(())).unwrap();
    assert_eq!(report.torn_tail, None);
    books.check(&mut open(&disk), "recycled");
}

#[test]
fn the_preparer_hurries_only_when_the_writer_catches_up() {
    let disk = FakeDisk::new();
    let big = FileOptions { segment_bytes: 4 << 20, ..options() };
    let mut journal = FileJournal::open(Arc::new(disk), big).unwrap();
    let mut preparer = journal.preparer();
    assert_eq!(preparer.step(), Step::Worked { pause: Duration::ZERO }, "the first segment holds little");
    while matches!(preparer.step(), Step::Worked { .. }) {}
    assert_eq!(preparer.step(), Step::Idle);
    // This takes the spare, of which it uses little: there is time to make the next one.
    Books::default().append(&mut journal, 7000).unwrap();
    let step = preparer.step();
    assert!(matches!(step, Step::Worked { pause } if !pause.is_zero()), "{step:?}");
}

#[test]
fn a_rename_that_was_never_synced_may_be_lost_or_not() {
    let mut segments = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let (disk, mut books) = (FakeDisk::new(), Books::default());
        let mut journal = open(&disk);
        books.append(&mut journal, 3000).unwrap();
        // The next frame needs a new segment, whose name never becomes durable: nothing may be told in it.
        disk.arm(Trouble::Fail { call: Call::SyncDir, after: 0 });
        assert!(matches!(books.append(&mut journal, 3000), Err(Fault::Io { .. })));
        assert!(matches!(books.append(&mut journal, 3000), Err(Fault::Poisoned { .. })));
        books.asked = None;
        disk.crash(seed);
        drop(journal);
        let mut journal = open(&disk);
        books.check(&mut journal, &format!("seed {seed}"));
        segments.insert(journal.gauge().segments());
        books.append(&mut journal, 3000).unwrap();
        disk.crash(seed + 1);
        drop(journal);
        books.check(&mut open(&disk), &format!("seed {seed}, after"));
    }
    assert_eq!(segments.len(), 2, "the name was kept by some seeds and lost by others");
}
