//! Comparing with the journal: an archive that says the same passes, and each planted difference is found.

use transaction::Kept;

use super::answers::ingest_in_cuts;
use super::history::World;
use super::payload;
use crate::archive::rows::number_key;
use crate::archive::store::{Changes, Flow, Order, Span, Table};
use crate::archive::{Archive, Checked, Difference, Ingest};
use crate::entry::{self, Entry};

/// The entries as one payload, compared.
pub(super) fn compare(archive: &Archive, entries: &[Ingest]) -> Result<Checked, Difference> {
    let mut check = archive.check().unwrap();
    let mut found = Ok(());
    let first = entries.first().map_or(1, |ingest| ingest.sequence);
    entry::read(&payload(entries), first, |sequence, entry| {
        if found.is_ok() {
            found = check.entry(sequence, &entry)?;
        }
        Ok(())
    })
    .unwrap();
    found?;
    check.finish().unwrap()
}

fn archived(entries: &[Ingest]) -> Archive {
    let archive = Archive::in_memory();
    ingest_in_cuts(&archive, entries, 3);
    archive
}

#[test]
fn the_same_history_passes_in_whole_in_part_and_when_the_archive_is_behind() {
    let world = World::after(41, 1_200);
    let all = world.entries.len() as u64;
    let archive = archived(&world.entries);
    let whole = compare(&archive, &world.entries).unwrap();
    let transactions = world.transactions.len() as u64;
    assert_eq!(whole, Checked { entries: all, purged: 0, transactions, blocks: 0 });
    let tail = compare(&archive, &world.entries[500..]).unwrap();
    assert_eq!(tail.entries, all - 500);
    let behind = compare(&archived(&world.entries[..700]), &world.entries).unwrap();
    assert_eq!(behind.entries, 700);
}

#[test]
fn an_archive_ahead_of_the_journal_is_found() {
    let world = World::after(42, 300);
    let difference = compare(&archived(&world.entries), &world.entries[..200]).unwrap_err();
    assert!(difference.what.contains("the journal ends at 200"), "{difference:?}");
}

#[test]
fn another_event_in_the_journal_is_found_where_it_is() {
    let world = World::after(43, 400);
    let archive = archived(&world.entries);
    let is_plain = |ingest: &&Ingest| match &ingest.entry {
        Entry::Event { kept, .. } => kept.event.begun().is_none(),
        Entry::Key(_) | Entry::Ledger(_) | Entry::Reply(_) | Entry::Topic(_) => false,
    };
    for changed in world.entries.iter().filter(is_plain).step_by(17) {
        let mut entries = world.entries.clone();
        let index = usize::try_from(changed.sequence).unwrap() - 1;
        let Entry::Event { kept, .. } = &changed.entry else { unreachable!("filtered") };
        entries[index].entry = Entry::event(Kept { at: kept.at.plus_ms(1), ..kept.clone() });
        assert_eq!(compare(&archive, &entries).unwrap_err().sequence, Some(changed.sequence));
        entries[index].entry = Entry::event(Kept { number: 1_000_000, ..kept.clone() });
        let difference = compare(&archive, &entries).unwrap_err();
        assert_eq!(difference.sequence, Some(changed.sequence));
        assert!(difference.what.contains("lacks transaction 1000000"), "{difference:?}");
    }
    for changed in world.entries.iter().filter(|ingest| matches!(ingest.entry, Entry::Key(_))) {
        let mut entries = world.entries.clone();
        let index = usize::try_from(changed.sequence).unwrap() - 1;
        let Entry::Key(row) = &mut entries[index].entry else { unreachable!("filtered") };
        row.scope = std::sync::Arc::from("another");
        assert_eq!(compare(&archive, &entries).unwrap_err().sequence, Some(changed.sequence));
    }
}

#[test]
fn a_row_lost_added_or_changed_in_any_table_is_found() {
    let world = World::after(44, 400);
    for table in [Table::Chunks, Table::Ids, Table::Live, Table::Labels, Table::Summary] {
        let archive = archived(&world.entries);
        let (mut first, mut second) = (None, None);
        let span = Span { table, start: &[], end: None, order: Order::Ascending };
        let view = archive.view().unwrap();
        view.scan(span, &mut |key, value| {
            first = first.take().or(second.take());
            second = Some((key.to_vec(), value.to_vec()));
            Ok(if first.is_some() { Flow::Stop } else { Flow::Go })
        })
        .unwrap();
        let (key, value) = first.unwrap();
        let commit = |key: &[u8], value: Option<Vec<u8>>| {
            let mut changes = Changes::default();
            match value {
                Some(value) => changes.put(table, key, &value),
                None => changes.remove(table, key),
            }
            archive.shared.store.commit(&changes).unwrap();
        };
        commit(&key, None);
        assert!(compare(&archive, &world.entries).is_err(), "{table:?} lost");
        commit(&key, Some(value.clone()));
        assert!(compare(&archive, &world.entries).is_ok(), "{table:?} put back");
        if matches!(table, Table::Ids | Table::Live | Table::Labels) {
            let mut added = key.clone();
            let last = added.last_mut().unwrap();
            *last = last.wrapping_add(99);
            let value = if table == Table::Ids { number_key(1).to_vec() } else { Vec::new() };
            commit(&added, Some(value));
            assert!(compare(&archive, &world.entries).is_err(), "{table:?} added");
        } else {
            let mut changed = value;
            *changed.last_mut().unwrap() ^= 1;
            commit(&key, Some(changed));
            assert!(compare_or_fault(&archive, &world.entries), "{table:?} changed");
        }
    }
}

/// Whether a comparison finds anything, a chunk that cannot be decoded included.
fn compare_or_fault(archive: &Archive, entries: &[Ingest]) -> bool {
    compare(archive, entries).is_err()
}
