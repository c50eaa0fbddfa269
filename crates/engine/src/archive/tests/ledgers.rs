//! The ledger's entries: its events lie in the history byte by byte, its results under their keys, after any end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use transaction::Time;

use super::answers::{assert_answers, ingest_in_cuts};
use super::checks::compare;
use super::history::World;
use super::{on_disk, over_each_store, payload};
use crate::archive::rows::{FORMAT_BEFORE_LEDGER, META_FORMAT, META_HISTORY, META_KEYS, number_key};
use crate::archive::store::{Changes, Table};
use crate::archive::{Archive, Ingest, Used};
use crate::entry::{self, Entry};
use crate::history::Walker;

/// What the history must hold after these entries.
fn expected(entries: &[Ingest]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Ingest { entry, .. } in entries {
        if let Entry::Ledger(encoded) = entry {
            entry::push_ledger(&mut bytes, encoded);
        }
    }
    bytes
}

/// What the history holds.
fn held(archive: &Archive) -> Vec<u8> {
    let mut bytes = Vec::new();
    let history = &archive.shared.history;
    let mut walker = Walker::new(history, 0);
    while let Some((position, encoded)) = walker.next().unwrap() {
        assert_eq!(position, bytes.len() as u64);
        assert_eq!(history.read(position).unwrap().event(), encoded);
        entry::push_ledger(&mut bytes, encoded);
    }
    assert_eq!(history.end(), bytes.len() as u64);
    bytes
}

fn assert_whole(archive: &Archive, entries: &[Ingest]) {
    assert_answers(archive, entries);
    assert!(held(archive) == expected(entries), "the history is the journal's entries");
    assert_eq!(archive.history_applied(), entries.len() as u64);
    assert_eq!(archive.take_from(), entries.len() as u64 + 1);
    let mut latest = BTreeMap::new();
    for Ingest { entry, .. } in entries {
        if let Entry::Reply(row) = entry {
            latest.insert(Arc::clone(&row.scope), row);
        }
    }
    for (scope, row) in latest {
        assert_eq!(archive.used(&scope).unwrap(), Some(Used::Reply(row.clone())));
        assert_eq!(archive.key(&scope).unwrap(), None);
    }
    assert_eq!(compare(archive, entries).unwrap().entries, entries.len() as u64);
}

#[test]
fn any_cuts_lead_to_the_same_history_and_results() {
    let world = World::with_ledger(71, 700);
    over_each_store(|archive| {
        for seed in 0..4 {
            ingest_in_cuts(archive, &world.entries, seed);
            assert_whole(archive, &world.entries);
        }
    });
}

#[test]
fn a_kill_takes_back_what_was_not_said_durable_and_the_journal_gives_it_again() {
    let world = World::with_ledger(72, 600);
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let archive = on_disk(&live);
    let mut persisted = 0;
    for (round, batch) in world.entries.chunks(200).enumerate() {
        archive.ingest_payloads(&[(batch[0].sequence, &payload(batch))]).unwrap();
        if round % 3 == 1 {
            persisted = archive.persist().unwrap();
            assert_eq!(persisted, batch.last().unwrap().sequence);
        }
        let killed = folder.path().join(format!("kill-{round}"));
        super::cuts::copy(&live, &killed);
        let reopened = on_disk(&killed);
        assert_eq!(reopened.applied(), archive.applied());
        assert_eq!((reopened.history_applied(), reopened.take_from()), (persisted, persisted + 1));
        let reached = usize::try_from(reopened.applied()).unwrap();
        let again = usize::try_from(persisted).unwrap();
        if again + 1 < reached {
            assert!(reopened.ingest(&world.entries[again + 1..reached]).is_err(), "a gap in the history");
        }
        reopened.ingest(&world.entries[again..reached]).unwrap();
        assert_whole(&reopened, &world.entries[..reached]);
        // What was not said durable yet must not be released from the journal.
        assert_eq!(reopened.persist().unwrap(), reopened.applied());
    }
}

/// Reopens a damaged copy: the tables are as they were, the history is told anew from the first entry.
fn assert_told_anew(folder: &Path, entries: &[Ingest]) {
    let archive = on_disk(folder);
    assert_eq!(archive.applied(), entries.len() as u64);
    assert_eq!((archive.history_applied(), archive.take_from()), (0, 1));
    let difference = compare(&archive, entries).unwrap_err();
    assert!(difference.what.contains("history of the ledger is damaged"), "{difference:?}");
    let (first, rest) = entries.split_at(entries.len() / 2);
    archive.ingest(first).unwrap();
    assert_eq!(archive.persist().unwrap(), first.len() as u64);
    ingest_in_cuts(&archive, rest, 3);
    drop(archive);
    let archive = on_disk(folder);
    archive.ingest(&entries[first.len()..]).unwrap();
    assert_whole(&archive, entries);
}

#[test]
fn a_history_that_is_lost_cut_or_torn_is_told_anew() {
    let world = World::with_ledger(73, 300);
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let archive = on_disk(&live);
    archive.ingest(&world.entries).unwrap();
    archive.persist().unwrap();
    drop(archive);
    let damages: [fn(&Path); 4] = [
        |past| std::fs::remove_dir_all(past.parent().unwrap()).unwrap(),
        |past| std::fs::remove_file(past).unwrap(),
        |past| std::fs::write(past, &std::fs::read(past).unwrap()[1..]).unwrap(),
        |past| {
            let mut bytes = std::fs::read(past).unwrap();
            let last = bytes.len() - 3;
            bytes.truncate(last);
            bytes.extend_from_slice(&[0xFF; 3]);
            std::fs::write(past, bytes).unwrap();
        },
    ];
    for (index, damage) in damages.iter().enumerate() {
        let copy = folder.path().join(format!("copy-{index}"));
        super::cuts::copy(&live, &copy);
        damage(&copy.join("archive/history/0000000000000000.past"));
        assert_told_anew(&copy, &world.entries);
    }
    assert_whole(&on_disk(&live), &world.entries);
}

#[test]
fn an_archive_from_before_the_ledger_opens_with_an_empty_history() {
    let world = World::after(74, 400);
    let folder = tempfile::tempdir().unwrap();
    let archive = on_disk(folder.path());
    archive.ingest(&world.entries).unwrap();
    let mut changes = Changes::default();
    changes.put(Table::Meta, META_FORMAT, &number_key(FORMAT_BEFORE_LEDGER));
    for name in [META_HISTORY, META_KEYS[0], META_KEYS[1]] {
        changes.remove(Table::Meta, name);
    }
    archive.shared.store.commit(&changes).unwrap();
    archive.shared.store.persist().unwrap();
    drop(archive);
    let archive = on_disk(folder.path());
    let reached = world.entries.len() as u64;
    assert_eq!((archive.history_applied(), archive.take_from()), (reached, reached + 1));
    assert_answers(&archive, &world.entries);
    let mut world = world;
    (0..50).for_each(|_| world.ledger());
    archive.ingest(&world.entries).unwrap();
    archive.persist().unwrap();
    drop(archive);
    assert_whole(&on_disk(folder.path()), &world.entries);
}

#[test]
fn a_journal_that_says_otherwise_is_found_where_it_does() {
    let world = World::with_ledger(75, 200);
    let archive = Archive::in_memory();
    archive.ingest(&world.entries).unwrap();
    let ledgers = world.entries.iter().filter(|one| matches!(one.entry, Entry::Ledger(_) | Entry::Reply(_)));
    for changed in ledgers.step_by(13) {
        let mut entries = world.entries.clone();
        match &mut entries[usize::try_from(changed.sequence).unwrap() - 1].entry {
            Entry::Ledger(encoded) => *encoded.last_mut().unwrap() ^= 1,
            Entry::Reply(row) => row.scope = Arc::from("another"),
            Entry::Event { .. } | Entry::Key(_) | Entry::Topic(_) => unreachable!("filtered"),
        }
        assert_eq!(compare(&archive, &entries).unwrap_err().sequence, Some(changed.sequence));
    }
    // From the middle on, as when the journal's beginning was released.
    for from in [1, 100, world.entries.len() / 2] {
        let tail = &world.entries[from..];
        assert_eq!(compare(&archive, tail).unwrap().entries, tail.len() as u64);
        // The last of them is not in the journal: the history goes on beyond it.
        let last = tail.iter().rposition(|one| matches!(one.entry, Entry::Ledger(_))).unwrap();
        let mut shorter = tail.to_vec();
        let Entry::Reply(row) =
            tail.iter().map(|one| &one.entry).find(|one| matches!(one, Entry::Reply(_))).unwrap()
        else {
            unreachable!("found")
        };
        shorter[last].entry = Entry::Reply(row.clone());
        assert!(compare(&archive, &shorter).is_err());
    }
}

#[test]
fn results_past_their_retention_go_and_the_history_stays() {
    let world = World::with_ledger(76, 900);
    over_each_store(|archive| {
        archive.ingest(&world.entries).unwrap();
        let before = Time::START.plus_ms(world.entries.len() as u64 / 2);
        while archive.purge(before, 50).unwrap() > 0 {}
        let mut latest = BTreeMap::new();
        for Ingest { entry, .. } in &world.entries {
            if let Entry::Reply(row) = entry {
                latest.insert(&row.scope, row);
            }
        }
        assert!(latest.len() > 10);
        for (scope, row) in latest {
            let expected = (row.at >= before).then(|| Used::Reply(row.clone()));
            assert_eq!(archive.used(scope).unwrap(), expected);
        }
        assert!(held(archive) == expected(&world.entries));
        assert!(compare(archive, &world.entries).unwrap().purged > 0);
        while archive.purge(Time(i64::MAX), 50).unwrap() > 0 {}
        let gone = world.entries.iter().find_map(|one| match &one.entry {
            Entry::Reply(row) => Some(archive.used(&row.scope).unwrap()),
            _ => None,
        });
        assert_eq!(gone, Some(None));
    });
}
