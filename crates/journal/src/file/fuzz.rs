//! What opening a journal promises about any bytes at all, checked by a function of the bytes.
//!
//! The fuzz target `journal_reader` and the replay of its corpus call it; it is built for tests and fuzzing only. Its
//! own walk of the chain shares nothing with `file/recover.rs` but the layout of a frame.
//! Read next: `file/recover.rs`, `docs/internals/fuzzing.md`.

mod forge;

use std::sync::Arc;

use crate::chain::{self, ORIGIN};
use crate::disk::{Disk, FakeDisk};
use crate::file::{Report, frame, segment};
use crate::{Fault, FileJournal, FileOptions, Frame, Journal, verify};

/// A segment may say 1 GiB, which is right and slow to fill up. An event near 2^64 is a forger's: counting on from it
/// overflows, and no journal gets there.
const LARGEST: u64 = 1 << 20;
const LATEST: u64 = 1 << 62;

/// A frame as it was visited.
type Seen = (u64, u32, i64, Vec<u8>);

/// Reads `data` as a journal, and panics where a promise is broken. Its first byte says how: as a segment, as changes
/// to a whole journal, or as frames to be sealed with right checksums.
pub fn reader(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else { return };
    let disk = match way % 3 {
        0 => forge::raw(rest),
        1 => forge::changed(rest),
        _ => forge::sealed(rest),
    };
    if headers(&disk).iter().all(|header| header.bytes <= LARGEST && header.first < LATEST) {
        judge(&disk);
    }
}

fn options() -> FileOptions {
    FileOptions {
        segment_bytes: 8192,
        small_segment_bytes: 8192,
        max_frame_bytes: 4000,
        salt: Some([9; 16]),
        ..FileOptions::default()
    }
}

fn judge(disk: &FakeDisk) {
    let before = files(disk);
    let mut seen: Vec<Seen> = Vec::new();
    let verified = verify(disk, &options(), &mut |frame| {
        seen.push((frame.sequence, frame.count, frame.time, frame.payload.to_vec()));
        Ok(())
    });
    assert!(files(disk) == before, "verify changes nothing");
    let copy = disk.copy();
    let opened = FileJournal::open(Arc::new(copy.clone()), options());
    match (verified, opened) {
        (Ok(report), Ok(journal)) => {
            holds(&report, &seen);
            chained(disk, &report);
            goes_on(&copy, journal, (&report, &seen));
        }
        (Ok(_), Err(Fault::Options { .. })) => {
            assert!(headers(disk).iter().all(|header| header.partition != 0), "only another's is refused");
            assert!(files(&copy) == before, "a refused start changes nothing");
        }
        (Err(verified), Err(opened)) => {
            assert!(matches!(opened, Fault::Damaged { .. }), "{opened}");
            assert_eq!(verified.to_string(), opened.to_string(), "verify and a start say the same");
            assert!(files(&copy) == before, "a refused start changes nothing");
        }
        (Ok(_), Err(fault)) => panic!("a journal that verifies does not open: {fault}"),
        (Err(fault), Ok(_)) => panic!("a journal opens that does not verify: {fault}"),
    }
}

/// What the report counts is what was visited.
fn holds(report: &Report, seen: &[Seen]) {
    let mut last = report.first - 1;
    for (sequence, count, ..) in seen {
        assert_eq!(*sequence, last + 1, "frames follow each other");
        assert!(*count > 0, "a frame holds an event");
        last += u64::from(*count);
    }
    let bytes: usize = seen.iter().map(|(.., payload)| payload.len()).sum();
    assert_eq!((report.frames, report.bytes), (seen.len() as u64, bytes as u64));
    assert_eq!((report.last, report.events), (last, last - (report.first - 1)));
}

/// Walks every segment once more: each frame carries the hash of the one before it, and the last is the report's.
fn chained(disk: &FakeDisk, report: &Report) {
    let headers = headers(disk);
    let mut previous = headers.first().map_or(ORIGIN, |header| header.previous);
    let mut frames = 0;
    for header in &headers {
        assert_eq!(header.previous, previous, "a segment carries the hash before it");
        let mut bytes = disk.bytes(&segment::name(header.number)).expect("its header was read");
        bytes.resize(usize::try_from(header.bytes).expect("small"), 0);
        let seed = frame::seed(&header.salt, header.number);
        let mut rest = &bytes[4096..];
        while let Some(prefix) = frame::prefix(rest, seed) {
            let size = frame::size(prefix.head.length as usize);
            let whole = rest
                .get(..size)
                .filter(|whole| frame::checksum(seed, &whole[frame::PREFIX..]) == prefix.body);
            let Some(whole) = whole else { break };
            assert_eq!(prefix.head.previous, previous, "a frame carries the hash of the one before it");
            let payload = &whole[frame::PREFIX..][..prefix.head.length as usize];
            previous = chain::hash(&prefix.head.encode(), payload);
            frames += 1;
            rest = &rest[size..];
        }
    }
    assert_eq!((previous, frames), (report.head, report.frames), "the last hash vouches for every frame");
}

/// The open journal holds what was verified, takes another frame, and is whole afterwards.
fn goes_on(disk: &FakeDisk, mut journal: FileJournal, (report, seen): (&Report, &[Seen])) {
    assert_eq!((journal.last_sequence(), journal.head()), (report.last, report.head));
    let mut read: Vec<Seen> = Vec::new();
    let all = journal.read(journal.first_sequence(), &mut |frame| {
        read.push((frame.sequence, frame.count, frame.time, frame.payload.to_vec()));
        Ok(())
    });
    assert!(all.is_ok() && read == seen, "an open journal holds what was verified: {all:?}");
    let next = Frame { sequence: report.last + 1, count: 2, time: 1, payload: b"after" };
    journal.append(&next).expect("an open journal takes a frame");
    drop(journal);
    let after = verify(disk, &options(), &mut |_| Ok(())).expect("it stays whole");
    assert_eq!((after.frames, after.last, after.torn_tail), (report.frames + 1, report.last + 2, None));
}

/// The headers that can be read, in order.
fn headers(disk: &FakeDisk) -> Vec<segment::Header> {
    let numbers = segment::numbers(disk).expect("the fake disk lists");
    numbers.into_iter().filter_map(|number| segment::read_header(disk, number).ok()).collect()
}

fn files(disk: &FakeDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let names = disk.list().expect("the fake disk lists");
    names.into_iter().map(|name| (name.clone(), disk.bytes(&name))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_corpus_breaks_no_promise() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/journal_reader");
        let mut replayed = 0;
        for seed in std::fs::read_dir(&folder).unwrap() {
            let path = seed.unwrap().path();
            eprintln!("{}", path.display());
            super::reader(&std::fs::read(&path).unwrap());
            replayed += 1;
        }
        assert!(replayed >= 12, "{replayed} seeds in {}", folder.display());
    }
}
