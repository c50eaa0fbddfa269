//! A full disk: the reserve, the refusal, and the return without hand work.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use journal::disk::FakeDisk;
use journal::disk::fake::{Call, Trouble};
use journal::file::{Preparer, Step};
use journal::{Fault, FileJournal, FileOptions, Frame, Journal, Space, verify};

const SEGMENT: u64 = 64 << 10;

fn options() -> FileOptions {
    FileOptions {
        segment_bytes: SEGMENT,
        small_segment_bytes: 8192,
        max_frame_bytes: 8000,
        ..FileOptions::default()
    }
}

fn append(journal: &mut FileJournal) -> Result<(), Fault> {
    let sequence = journal.last_sequence() + 1;
    journal.append(&Frame { sequence, count: 1, time: 0, payload: &[4; 3000] })
}

/// Steps until there is nothing to do, or nothing can be done.
fn settle(preparer: &mut Preparer) -> Step {
    loop {
        match preparer.step() {
            Step::Worked { .. } => {}
            other => return other,
        }
    }
}

#[test]
fn ample_then_reserve_then_full_then_ample_again() {
    let disk = FakeDisk::new();
    let mut journal = FileJournal::open(Arc::new(disk.clone()), options()).unwrap();
    let (gauge, mut preparer) = (journal.gauge(), journal.preparer());
    assert_eq!(settle(&mut preparer), Step::Idle);
    disk.set_capacity(Some(disk.used() + SEGMENT / 2));

    // The first segment is used up; the spare is taken and no other can be made.
    while journal.gauge().segments() == 1 {
        assert_eq!(gauge.space(), Space::Ample);
        append(&mut journal).unwrap();
    }
    assert_eq!(settle(&mut preparer), Step::Blocked);
    assert_eq!(gauge.space(), Space::Reserve);
    assert!(journal.space_trouble().is_some());
    assert!(disk.used() < SEGMENT + 3 * 8192, "half a spare is given back");

    // What is open goes on: nearly a whole segment.
    let mut finished = 0;
    while append(&mut journal).is_ok() {
        finished += 1;
    }
    assert!(finished * 3088 > SEGMENT - 4096 - 2 * 3088, "{finished} frames out of the reserve");
    assert_eq!(gauge.space(), Space::Full);

    // Refused without harm, as often as it is asked.
    let last = journal.last_sequence();
    for _ in 0..3 {
        assert!(matches!(append(&mut journal), Err(Fault::Full)));
        assert_eq!(settle(&mut preparer), Step::Blocked);
    }
    assert_eq!(journal.last_sequence(), last);

    // Room comes back: so does the service, with the same journal.
    disk.set_capacity(None);
    assert_eq!(settle(&mut preparer), Step::Idle);
    assert_eq!((gauge.space(), journal.space_trouble()), (Space::Ample, None));
    append(&mut journal).unwrap();
    disk.crash(1);
    let report = verify(&disk, &options(), &mut |_| Ok(())).unwrap();
    assert_eq!((report.last, report.torn_tail), (last + 1, None));
}

#[test]
fn a_hasty_segment_that_finds_no_room_refuses_too() {
    let disk = FakeDisk::new();
    let mut journal = FileJournal::open(Arc::new(disk.clone()), options()).unwrap();
    disk.set_capacity(Some(disk.used()));
    append(&mut journal).unwrap();
    assert!(matches!(append(&mut journal), Err(Fault::Full)));
    assert_eq!(journal.gauge().space(), Space::Full);
    disk.set_capacity(None);
    assert_eq!(settle(&mut journal.preparer()), Step::Idle);
    append(&mut journal).unwrap();
    assert_eq!(journal.gauge().space(), Space::Ample);
}

#[test]
fn without_a_preparer_small_segments_carry_on() {
    let disk = FakeDisk::new();
    let mut journal = FileJournal::open(Arc::new(disk.clone()), options()).unwrap();
    for _ in 0..5 {
        append(&mut journal).unwrap();
    }
    assert_eq!(journal.gauge().segments(), 5);
    assert_eq!(journal.gauge().bytes(), 5 * 8192);
    disk.kill();
    assert_eq!(verify(&disk, &options(), &mut |_| Ok(())).unwrap().last, 5);
}

#[test]
fn released_segments_make_room_on_a_full_disk() {
    let disk = FakeDisk::new();
    let options = FileOptions { retain_bytes: Some(0), small_segment_bytes: SEGMENT, ..options() };
    let mut journal = FileJournal::open(Arc::new(disk.clone()), options).unwrap();
    let mut preparer = journal.preparer();
    settle(&mut preparer);
    disk.set_capacity(Some(disk.used()));
    while journal.gauge().segments() == 1 {
        append(&mut journal).unwrap();
    }
    assert_eq!(settle(&mut preparer), Step::Blocked);
    assert_eq!(journal.gauge().space(), Space::Reserve);
    journal.release(journal.last_sequence()).unwrap();
    assert_eq!(settle(&mut preparer), Step::Idle);
    assert_eq!(journal.gauge().space(), Space::Ample);
}

#[test]
fn the_thread_makes_a_spare_and_brings_the_service_back() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(journal::RealDisk::create(folder.path()).unwrap());
    let mut journal = FileJournal::start(disk, options()).unwrap();
    for _ in 0..200 {
        append(&mut journal).unwrap();
    }
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let ready = || {
        std::fs::read_dir(folder.path()).unwrap().any(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.starts_with("spare-") && !name.ends_with(".part")
        })
    };
    while !ready() {
        assert!(std::time::Instant::now() < until, "no spare after ten seconds");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(journal.gauge().segments() > 2);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let bad = [
        FileOptions { segment_bytes: 10_000, ..options() },
        FileOptions { small_segment_bytes: 4096, ..options() },
        FileOptions { max_frame_bytes: SEGMENT, ..options() },
        FileOptions { spares: 0, ..options() },
    ];
    for options in bad {
        let refused = FileJournal::open(Arc::new(FakeDisk::new()), options.clone()).err();
        assert!(matches!(refused, Some(Fault::Options { .. })), "{options:?}");
    }
}

/// Found by the simulator (seed 55635): the journal looked full for ever, for it went on asking for a file that was gone.
#[test]
fn a_rename_or_removal_that_was_carried_out_and_answered_as_failed_does_not_look_like_a_full_disk() {
    for (retain, call) in [(20_000, Call::Rename), (8_192, Call::Rename), (8_192, Call::Remove)] {
        for after in 0..6 {
            let disk = FakeDisk::new();
            let options = FileOptions { segment_bytes: 8192, retain_bytes: Some(retain), ..options() };
            let options = FileOptions { max_frame_bytes: 3_900, ..options };
            let mut journal = FileJournal::open(Arc::new(disk.clone()), options).unwrap();
            let (gauge, mut preparer) = (journal.gauge(), journal.preparer());
            settle(&mut preparer);
            disk.arm(Trouble::Applied { call, after });
            for _ in 0..12 {
                // A roll that meets the trouble itself poisons the journal, as it must.
                if append(&mut journal).is_err() {
                    break;
                }
                journal.release(journal.last_sequence()).unwrap();
                settle(&mut preparer);
                settle(&mut preparer);
                assert_eq!(
                    gauge.space(),
                    Space::Ample,
                    "{call:?} after {after}: {:?}",
                    journal.space_trouble()
                );
            }
        }
    }
}
