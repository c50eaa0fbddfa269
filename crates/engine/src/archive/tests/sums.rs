//! A byte of the ledger's history that changed is found by verifying, also where the journal has released what it was.

use std::path::Path;

use journal::{Frame, Journal, Memory, MemoryOptions, MemoryStore};
use ledger::{Event, Kept};
use transaction::Time;

use super::checks::compare;
use super::on_disk;
use crate::archive::rows::{META_HISTORY, Told};
use crate::archive::store::{Changes, Table};
use crate::archive::{Archive, Ingest};
use crate::assembly::catch_up;
use crate::entry::{Entry, ReplyRow};

/// Entries of the ledger that make a history of some blocks, and a result under its key.
fn entries() -> Vec<Ingest> {
    let text = "x".repeat(900);
    let entry = |sequence| {
        let event = Event::AssetDeclared { asset: 1, code: &text, scale: 2 };
        let mut encoded = Vec::new();
        Kept { sequence, at: Time(5), content: 7, event }.encode(&mut encoded);
        Ingest { sequence, entry: Entry::Ledger(encoded) }
    };
    let row = ReplyRow { scope: "post k".into(), fingerprint: [1; 32], at: Time(6), reply: vec![1] };
    let last = Ingest { sequence: 401, entry: Entry::Reply(row) };
    (1..=400).map(entry).chain([last]).collect()
}

const PAST: &str = "archive/history/0000000000000000.past";
const SUMS: &str = "archive/history/sums";

fn made(folder: &Path) -> Vec<Ingest> {
    let archive = on_disk(folder);
    let entries = entries();
    archive.ingest(&entries).unwrap();
    archive.persist().unwrap();
    let checked = compare(&archive, &entries).unwrap();
    assert_eq!(checked.blocks, archive.history().end() / 65_536);
    assert!(checked.blocks > 4);
    entries
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

/// What verifying finds of an archive whose journal has released all that is the ledger's.
fn found(archive: &Archive, entries: &[Ingest]) -> String {
    compare(archive, &entries[entries.len() - 1..]).unwrap_err().what
}

#[test]
fn a_flipped_byte_below_what_the_journal_holds_is_found_by_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let entries = made(&live);
    let bytes = std::fs::metadata(live.join(PAST)).unwrap().len();
    let end = usize::try_from(bytes).unwrap();
    // A length, a room, the middle of an event, the last block, the tail that is not full.
    for (index, offset) in [0, 4, 500, 70_001, 200_000, end - 70_000, end - 30].into_iter().enumerate() {
        let copy = folder.path().join(format!("past-{index}"));
        super::cuts::copy(&live, &copy);
        flip(&copy.join(PAST), offset);
        let archive = on_disk(&copy);
        // The last full block and what follows it are looked at by the open.
        assert_eq!(archive.history_damage().is_some(), offset / 65_536 + 1 >= end / 65_536);
        let told = found(&archive, &entries);
        let expected = format!("from byte {} of ", offset / 65_536 * 65_536);
        assert!(told.contains(&expected) && told.contains(PAST), "{offset}: {told}");
    }
}

#[test]
fn a_flipped_byte_of_the_sums_is_found_and_the_last_ones_are_mended_by_the_open() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let entries = made(&live);
    let end = usize::try_from(std::fs::metadata(live.join(SUMS)).unwrap().len()).unwrap();
    for offset in 0..end {
        let copy = folder.path().join(format!("sums-{offset}"));
        super::cuts::copy(&live, &copy);
        flip(&copy.join(SUMS), offset);
        let archive = on_disk(&copy);
        assert_eq!(archive.history_damage(), None);
        let told = found(&archive, &entries);
        assert!(told.contains(&format!("byte {} of ", offset / 8 * 8)) && told.contains(SUMS), "{told}");
        drop(archive);
        let again = compare(&on_disk(&copy), &entries[400..]);
        assert_eq!(again.is_ok(), offset >= end - 16, "{offset}: {again:?}");
        std::fs::remove_file(copy.join(SUMS)).unwrap();
        drop(on_disk(&copy));
        compare(&on_disk(&copy), &entries).unwrap();
        std::fs::remove_dir_all(copy).unwrap();
    }
}

#[test]
fn a_history_from_before_there_were_sums_gets_them_with_the_next_persist() {
    let folder = tempfile::tempdir().unwrap();
    let entries = made(folder.path());
    let archive = on_disk(folder.path());
    let told = super::super::past::told(&*archive.shared.store).unwrap();
    let mut changes = Changes::default();
    let mut before = told;
    before.reach.sum = None;
    changes.put(Table::Meta, META_HISTORY, &before.encode());
    archive.shared.store.commit(&changes).unwrap();
    archive.shared.store.persist().unwrap();
    drop(archive);
    std::fs::remove_file(folder.path().join(SUMS)).unwrap();
    let archive = on_disk(folder.path());
    compare(&archive, &entries).unwrap();
    archive.persist().unwrap();
    let row = archive.shared.store.get(Table::Meta, META_HISTORY).unwrap().unwrap();
    assert_eq!(Told::decode(&row).unwrap(), told);
}

#[test]
fn a_damaged_history_that_the_journal_cannot_tell_anew_is_refused_with_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let entries = made(folder.path());
    let options = MemoryOptions { retain_bytes: Some(0), ..MemoryOptions::default() };
    let mut journal = Memory::open(&MemoryStore::default(), options);
    let (released, held) = entries.split_at(400);
    for part in [released, held] {
        let count = u32::try_from(part.len()).unwrap();
        let frame = Frame { sequence: part[0].sequence, count, time: 1, payload: &super::payload(part) };
        journal.append(&frame).unwrap();
    }
    journal.release(400).unwrap();
    assert_eq!(journal.first_sequence(), 401);
    catch_up(&mut journal, &on_disk(folder.path())).unwrap();
    let end = usize::try_from(std::fs::metadata(folder.path().join(PAST)).unwrap().len()).unwrap();
    flip(&folder.path().join(PAST), end - 10);
    let refused = catch_up(&mut journal, &on_disk(folder.path())).unwrap_err().to_string();
    let from = format!("from byte {} of ", end / 65_536 * 65_536);
    for part in [&from, PAST, "the journal begins at 401", "restore"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    // Nothing was touched: mended from a backup it goes on.
    flip(&folder.path().join(PAST), end - 10);
    catch_up(&mut journal, &on_disk(folder.path())).unwrap();
}
