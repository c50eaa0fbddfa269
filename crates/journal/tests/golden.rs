//! The bytes of a released format: they must always read, and be written the same.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;

use journal::disk::FakeDisk;
use journal::{FileJournal, FileOptions, Frame, Journal, verify};

const NAME: &str = "00000001.seg";

fn frames() -> [Frame<'static>; 3] {
    [
        Frame { sequence: 1, count: 1, time: 1_700_000_000_000_000, payload: b"begun" },
        Frame { sequence: 2, count: 3, time: 1_700_000_000_000_250, payload: b"tried, tried, confirmed" },
        Frame { sequence: 5, count: 1, time: 1_700_000_000_001_000, payload: b"" },
    ]
}

fn options() -> FileOptions {
    let salt = Some(*b"golden salt here");
    FileOptions {
        partition: 7,
        segment_bytes: 8192,
        small_segment_bytes: 8192,
        max_frame_bytes: 4000,
        salt,
        ..FileOptions::default()
    }
}

fn golden() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(NAME);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    let disk = FakeDisk::new();
    let mut journal = FileJournal::open(Arc::new(disk.clone()), options()).unwrap();
    for frame in frames() {
        journal.append(&frame).unwrap();
    }
    let written = disk.bytes(NAME).unwrap();
    if std::env::var_os("TERCET_WRITE_GOLDEN").is_some() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(NAME), &written).unwrap();
    }
    assert!(
        written == golden(),
        "the format changed: a journal of an earlier release would not read the same"
    );
}

#[test]
fn the_golden_segment_still_reads() {
    let disk = FakeDisk::new();
    disk.put(NAME, &golden());
    let mut read = Vec::new();
    let report = verify(&disk, &options(), &mut |frame| {
        read.push((frame.sequence, frame.count, frame.time, frame.payload.to_vec()));
        Ok(())
    })
    .unwrap();
    let expected = frames().map(|frame| (frame.sequence, frame.count, frame.time, frame.payload.to_vec()));
    assert_eq!(read, expected);
    assert_eq!((report.frames, report.events, report.last, report.torn_tail), (3, 5, 5, None));
    let mut journal = FileJournal::open(Arc::new(disk), options()).unwrap();
    assert_eq!((journal.head(), journal.epoch()), (report.head, 2), "frames carry epoch 1");
    journal.append(&Frame { sequence: 6, count: 1, time: 0, payload: b"goes on" }).unwrap();
}
