//! Torn tails are cut, damage is refused, and nothing is ever accepted silently.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use journal::disk::FakeDisk;
use journal::file::frame;
use journal::{Fault, FileJournal, FileOptions, Frame, Journal, verify};
use proptest::prelude::*;

const BLOCK: usize = 4096;

fn options() -> FileOptions {
    FileOptions {
        segment_bytes: 8192,
        small_segment_bytes: 8192,
        max_frame_bytes: 4000,
        salt: Some([9; 16]),
        ..FileOptions::default()
    }
}

fn open(disk: &FakeDisk) -> Result<FileJournal, Fault> {
    FileJournal::open(Arc::new(disk.clone()), options())
}

/// Appends one frame of two events.
fn append(journal: &mut FileJournal, payload: &[u8]) {
    let sequence = journal.last_sequence() + 1;
    journal.append(&Frame { sequence, count: 2, time: 1, payload }).unwrap();
}

fn payloads(journal: &mut FileJournal) -> Vec<Vec<u8>> {
    let mut read = Vec::new();
    journal
        .read(journal.first_sequence(), &mut |frame| {
            read.push(frame.payload.to_vec());
            Ok(())
        })
        .unwrap();
    read
}

/// A closed journal of these frames.
fn journal_of(payloads: &[Vec<u8>]) -> FakeDisk {
    let disk = FakeDisk::new();
    let mut journal = open(&disk).unwrap();
    for payload in payloads {
        append(&mut journal, payload);
    }
    drop(journal);
    disk
}

/// Two segments: three frames in the first, two in the second.
fn two_segments() -> (FakeDisk, Vec<Vec<u8>>) {
    let written: Vec<Vec<u8>> =
        [1000, 1500, 1001, 900, 333].iter().map(|size| vec![*size as u8; *size]).collect();
    let disk = journal_of(&written);
    assert!(disk.bytes("00000002.seg").is_some() && disk.bytes("00000003.seg").is_none());
    (disk, written)
}

/// Opens, checks that exactly `expected` is there, and that the journal goes on and stays whole.
fn holds(disk: &FakeDisk, expected: &[Vec<u8>], what: &str) {
    let mut journal = open(disk).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    assert!(payloads(&mut journal) == expected, "{what}: other frames than expected");
    append(&mut journal, b"after");
    drop(journal);
    let report = verify(disk, &options(), &mut |_| Ok(())).unwrap();
    assert_eq!((report.frames, report.torn_tail), (expected.len() as u64 + 1, None), "{what}");
}

#[test]
fn a_tail_torn_at_any_byte_is_cut() {
    let written = [vec![1; 100], vec![2; 50], vec![0xEE; 301]];
    let disk = journal_of(&written);
    let name = "00000001.seg";
    let whole = disk.bytes(name).unwrap();
    let start = BLOCK + frame::size(100) + frame::size(50);
    let end = start + frame::size(301);
    assert!(whole[end - 8] == 0xEE && whole[end..].iter().all(|byte| *byte == 0));
    for cut in start..end {
        let mut early = whole.clone();
        early[cut..end].fill(0);
        let mut late = whole.clone();
        late[start..=cut].fill(0);
        let mut garbage = whole.clone();
        garbage[cut..end].fill(0x5A);
        let shorter = whole[..cut].to_vec();
        for (kind, bytes) in [("early", early), ("late", late), ("garbage", garbage), ("shorter", shorter)] {
            let torn = disk.copy();
            torn.put(name, &bytes);
            let padded: Vec<u8> = bytes.iter().copied().chain(std::iter::repeat(0)).take(8192).collect();
            let expected = if padded == whole { &written[..] } else { &written[..2] };
            holds(&torn, expected, &format!("{kind} at {cut}"));
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_cut_as_tail_or_refused() {
    let (disk, written) = two_segments();
    let (mut cut, mut refused) = (0, 0);
    for name in ["00000001.seg", "00000002.seg"] {
        let whole = disk.bytes(name).unwrap();
        for at in 0..whole.len() {
            let flipped = disk.copy();
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            flipped.put(name, &bytes);
            match open(&flipped) {
                Ok(mut journal) => {
                    let read = payloads(&mut journal);
                    let lost = written.len() - read.len();
                    assert!(lost <= 1 && read[..] == written[..read.len()], "{name} byte {at}");
                    cut += lost;
                    drop(journal);
                    holds(&flipped, &read, &format!("{name} byte {at}"));
                }
                Err(Fault::Damaged { file, .. }) => {
                    assert_eq!(file, format!("fake/{name}"));
                    assert_eq!(flipped.bytes(name).unwrap(), bytes, "a refused start changes nothing");
                    refused += 1;
                }
                Err(other) => panic!("{name} byte {at}: {other}"),
            }
        }
    }
    // The last frame's bytes are cut; both headers and the four other frames are refused. Whatever follows the
    // frames holds nothing and is cleared.
    assert_eq!(cut, frame::size(333));
    let others: usize = [1000, 1500, 1001, 900].iter().map(|size| frame::size(*size)).sum();
    assert_eq!(refused, 2 * BLOCK + others);
}

#[test]
fn damage_names_file_and_offset() {
    let (disk, _) = two_segments();
    let mut bytes = disk.bytes("00000001.seg").unwrap();
    bytes[BLOCK + frame::size(1000) + 500] ^= 1;
    disk.put("00000001.seg", &bytes);
    let fault = open(&disk).err().unwrap();
    let place = (BLOCK + frame::size(1000)) as u64;
    assert!(matches!(&fault, Fault::Damaged { offset, .. } if *offset == place), "{fault}");
    let said = fault.to_string();
    assert!(said.contains("fake/00000001.seg at byte"), "{said}");
    assert!(matches!(verify(&disk, &options(), &mut |_| Ok(())), Err(Fault::Damaged { .. })));
}

#[test]
fn a_hole_in_front_of_a_whole_frame_is_damage() {
    let written = [vec![1; 100], vec![2; 50], vec![3; 30]];
    let disk = journal_of(&written);
    let mut bytes = disk.bytes("00000001.seg").unwrap();
    let start = BLOCK + frame::size(100);
    bytes[start..start + frame::size(50)].fill(0);
    disk.put("00000001.seg", &bytes);
    let fault = open(&disk).err().unwrap();
    assert!(matches!(&fault, Fault::Damaged { offset, .. } if *offset == start as u64), "{fault}");
}

#[test]
fn a_missing_segment_is_refused() {
    let written: Vec<Vec<u8>> = (0..6).map(|_| vec![7; 3500]).collect();
    let disk = journal_of(&written);
    for (gone, kind) in [("00000003.seg", "middle"), ("00000006.seg", "last")] {
        let short = disk.copy();
        journal::Disk::remove(&short, gone).unwrap();
        let options = FileOptions { need: 12, ..options() };
        match FileJournal::open(Arc::new(short), options) {
            Err(Fault::Damaged { why, .. }) if kind == "middle" => {
                assert!(why.contains("is missing"), "{why}");
            }
            Err(Fault::Behind { have: 10, need: 12 }) if kind == "last" => {}
            other => panic!("{kind}: {:?}", other.err()),
        }
    }
    let empty = FileJournal::open(Arc::new(FakeDisk::new()), FileOptions { need: 1, ..options() });
    assert!(matches!(empty, Err(Fault::Behind { have: 0, need: 1 })));
}

#[test]
fn a_whole_frame_of_another_chain_is_damage() {
    let disk = journal_of(&[vec![1; 100], vec![2; 50], vec![3; 30]]);
    let mut forged = Vec::new();
    let link = journal::chain::Link { epoch: 1, partition: 0, previous: [5; 32] };
    let second = Frame { sequence: 3, count: 2, time: 1, payload: &[2; 50] };
    frame::encode(&second, &link, frame::seed(&[9; 16], 1), &mut forged);
    let mut bytes = disk.bytes("00000001.seg").unwrap();
    let start = BLOCK + frame::size(100);
    bytes[start..start + forged.len()].copy_from_slice(&forged);
    disk.put("00000001.seg", &bytes);
    let fault = open(&disk).err().unwrap();
    let named = matches!(&fault, Fault::Damaged { offset, why, .. }
        if *offset == start as u64 && why.contains("hash of the frame before"));
    assert!(named, "{fault}");
}

#[test]
fn anothers_segment_is_refused() {
    let disk = journal_of(&[vec![1; 3500], vec![2; 3500]]);
    let other = FakeDisk::new();
    let theirs = FileOptions { salt: Some([8; 16]), ..options() };
    let mut journal = FileJournal::open(Arc::new(other.clone()), theirs).unwrap();
    append(&mut journal, &[1; 3500]);
    append(&mut journal, &[2; 3500]);
    drop(journal);
    disk.put("00000002.seg", &other.bytes("00000002.seg").unwrap());
    let fault = open(&disk).err().unwrap();
    assert!(matches!(&fault, Fault::Damaged { why, .. } if why.contains("another journal")), "{fault}");

    let partition = FileOptions { partition: 3, ..options() };
    let fault = FileJournal::open(Arc::new(other), partition).err().unwrap();
    assert!(matches!(fault, Fault::Options { .. }), "{fault}");
}

#[test]
fn bytes_in_a_payload_never_pass_for_a_frame() {
    // A payload that holds a later frame of this very segment, but under another journal's salt.
    let mut later = Vec::new();
    let link = journal::chain::Link { epoch: 1, partition: 0, previous: [0; 32] };
    let inner = Frame { sequence: 50, count: 1, time: 0, payload: b"forged" };
    frame::encode(&inner, &link, frame::seed(&[0; 16], 1), &mut later);
    let disk = journal_of(&[vec![1; 100], later.clone()]);
    let mut bytes = disk.bytes("00000001.seg").unwrap();
    // Tear the frame around it: its first byte.
    bytes[BLOCK + frame::size(100)] ^= 1;
    disk.put("00000001.seg", &bytes);
    holds(&disk, &[vec![1; 100]], "a forged frame in a torn one");
}

#[test]
fn skimming_still_reads_the_tail_and_all_headers() {
    let written: Vec<Vec<u8>> = (0..6).map(|_| vec![7; 3500]).collect();
    let disk = journal_of(&written);
    let skimming = FileOptions { skim: 9, ..options() };
    let mut old = disk.bytes("00000002.seg").unwrap();
    old[BLOCK + 200] ^= 1;
    let damaged = disk.copy();
    damaged.put("00000002.seg", &old);
    assert!(open(&damaged).is_err());
    let mut journal = FileJournal::open(Arc::new(damaged), skimming.clone()).unwrap();
    assert_eq!((journal.first_sequence(), journal.last_sequence()), (1, 12));
    assert!(matches!(journal.read(1, &mut |_| Ok(())), Err(Fault::Damaged { .. })), "a read checks again");
    let mut recent = disk.bytes("00000005.seg").unwrap();
    recent[BLOCK + 200] ^= 1;
    disk.put("00000005.seg", &recent);
    let fault = FileJournal::open(Arc::new(disk), skimming).err().unwrap();
    assert!(matches!(fault, Fault::Damaged { .. }), "{fault}");
}

#[test]
fn a_second_process_is_refused_and_told_who() {
    let folder = tempfile::tempdir().unwrap();
    let real = || Arc::new(journal::RealDisk::create(folder.path()).unwrap());
    let first = FileJournal::open(real(), options()).unwrap();
    let fault = FileJournal::open(real(), options()).err().unwrap();
    let holder = format!("pid {}", std::process::id());
    assert!(matches!(&fault, Fault::Locked { holder: told, .. } if *told == holder), "{fault}");
    drop(first);
    FileJournal::open(real(), options()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any bytes anywhere: a prefix, a refusal, never a panic, never other frames.
    #[test]
    fn garbage_is_never_accepted(
        segment in 1..=2_u8,
        at in 0..8192_usize,
        garbage in prop::collection::vec(any::<u8>(), 1..300),
    ) {
        let (disk, written) = two_segments();
        let name = format!("0000000{segment}.seg");
        let mut bytes = disk.bytes(&name).unwrap();
        let end = (at + garbage.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&garbage[..end - at]);
        disk.put(&name, &bytes);
        // All but the last frame is known to have been durable, as an archive would know.
        let known = FileOptions { need: 2 * (written.len() as u64 - 1), ..options() };
        match FileJournal::open(Arc::new(disk), known) {
            Ok(mut journal) => {
                let read = payloads(&mut journal);
                prop_assert!(read.len() + 1 >= written.len() && read[..] == written[..read.len()]);
            }
            // Garbage over the last two frames leaves nothing behind it: only what is known tells.
            Err(Fault::Behind { have, .. }) => prop_assert!(segment == 2 && have == 2 * (written.len() as u64 - 2)),
            Err(fault) => prop_assert!(matches!(fault, Fault::Damaged { .. }), "{fault}"),
        }
    }
}
