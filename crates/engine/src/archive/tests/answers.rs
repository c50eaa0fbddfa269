//! Whatever the cuts between batches, the archive answers what a plain fold of the entries says.

use std::sync::Arc;

use fastrand::Rng;
use transaction::{Command, Event, Kept, Mode, Pattern, Spec, Time, Transaction, timeline_entry};

use super::history::{Model, World};
use super::{on_disk, over_each_store, payload};
use crate::archive::rows::{Summary, number_key};
use crate::archive::store::Table;
use crate::archive::{Archive, Ingest};
use crate::entry::Entry;
use crate::{Filter, TimelineQuery};

/// Takes the entries in, in batches of random length.
pub(super) fn ingest_in_cuts(archive: &Archive, entries: &[Ingest], seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let longest = [1, 5, 60, 1_000][rng.usize(..4)];
    let mut rest = entries;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(rng.usize(1..=longest).min(rest.len()));
        if rng.bool() {
            archive.ingest(batch).unwrap();
        } else {
            // As the journal holds them, in two frames of which the first begins with what is applied already.
            let (one, two) = batch.split_at(rng.usize(..batch.len()));
            let first = entries.len() - rest.len();
            let again = first - rng.usize(0..=first.min(3));
            let one = &entries[again..first + one.len()];
            let frames = [(first_sequence(one), &payload(one)[..]), (first_sequence(two), &payload(two)[..])];
            archive.ingest_payloads(&frames).unwrap();
        }
        rest = after;
    }
}

fn first_sequence(entries: &[Ingest]) -> u64 {
    entries.first().map_or(1, |ingest| ingest.sequence)
}

/// Asks everything that can be asked, and compares it with the fold of `entries`.
pub(super) fn assert_answers(archive: &Archive, entries: &[Ingest]) {
    let model = Model::of(entries);
    assert_eq!(archive.applied(), entries.len() as u64);
    let view = archive.view().unwrap();
    for (number, expected) in &model.transactions {
        assert_eq!(archive.load(*number).unwrap().as_ref(), Some(expected));
        assert_eq!(archive.number_of(&expected.spec.id).unwrap(), Some(*number));
        let row = view.get(Table::Summary, &number_key(*number)).unwrap().unwrap();
        assert_eq!(Summary::decode(&row).unwrap(), Summary::of(expected), "{expected:?}");
    }
    assert_eq!(archive.number_of("").unwrap(), None);
    assert_eq!(archive.number_of("order-").unwrap(), None);
    assert_eq!(archive.load(entries.len() as u64 + 1).unwrap(), None);
    for (scope, row) in &model.keys {
        assert_eq!(archive.key(scope).unwrap().as_ref(), Some(row));
    }
    assert_eq!(archive.key("POST").unwrap(), None);
    assert_eq!(open(archive), model.open());
    let filter = Filter { limit: 1_000, ..Filter::default() };
    let page = archive.list(&filter).unwrap().unwrap();
    let newest_first: Vec<_> = model.transactions.values().rev().cloned().map(Arc::new).take(1_000).collect();
    assert_eq!((page.items, page.sequence), (newest_first, archive.applied()));
}

pub(super) fn open(archive: &Archive) -> Vec<Transaction> {
    let mut open = Vec::new();
    archive
        .open_transactions(&mut |transaction| {
            open.push(transaction);
            Ok(())
        })
        .unwrap();
    open
}

#[test]
fn any_history_in_any_cuts_is_answered_as_its_fold() {
    for seed in 0..60 {
        let world = World::after(seed, 200 + 20 * usize::try_from(seed).unwrap());
        let archive = Archive::in_memory();
        ingest_in_cuts(&archive, &world.entries, seed);
        assert_answers(&archive, &world.entries);
    }
}

#[test]
fn both_stores_answer_alike_and_what_is_applied_is_passed_over() {
    let world = World::after(4, 3_000);
    over_each_store(|archive| {
        let (first, half) = (&world.entries[..100], &world.entries[..world.entries.len() / 2]);
        archive.ingest(first).unwrap();
        archive.ingest(half).unwrap();
        archive.ingest(first).unwrap();
        assert_answers(archive, half);
        ingest_in_cuts(archive, &world.entries[50..], 9);
        assert_answers(archive, &world.entries);
    });
}

#[test]
fn a_gap_is_refused_and_changes_nothing() {
    let world = World::after(5, 300);
    over_each_store(|archive| {
        archive.ingest(&world.entries[..10]).unwrap();
        let fault = archive.ingest(&world.entries[11..20]).unwrap_err();
        assert!(fault.to_string().starts_with("journal entry 12:"), "{fault}");
        let gap_inside = [&world.entries[10..15], &world.entries[16..20]].concat();
        assert!(archive.ingest(&gap_inside).is_err());
        assert_answers(archive, &world.entries[..10]);
    });
}

#[test]
fn an_event_without_a_beginning_is_a_fault() {
    let mut world = World::after(6, 300);
    let kept = Kept { number: 77, at: Time::START, event: Event::Finished };
    world.entries[0].entry = Entry::event(kept);
    over_each_store(|archive| {
        let fault = archive.ingest(&world.entries[..1]).unwrap_err();
        assert!(fault.to_string().contains("transaction 77"), "{fault}");
        assert_eq!(archive.applied(), 0);
    });
}

#[test]
fn timelines_tell_every_event_once_over_pages() {
    let world = World::after(7, 800);
    let archive = Archive::in_memory();
    ingest_in_cuts(&archive, &world.entries, 2);
    for transaction in world.transactions.values() {
        let mut expected = Vec::new();
        let mut before: Option<Transaction> = None;
        for Ingest { sequence, entry } in &world.entries {
            let Entry::Event { kept, .. } = entry else { continue };
            if kept.number != transaction.number {
                continue;
            }
            let until = Model::of(&world.entries[..usize::try_from(*sequence).unwrap()]);
            let after = &until.transactions[&kept.number];
            expected.push(timeline_entry(*sequence, kept, after));
            before = Some(after.clone());
        }
        assert_eq!(before.as_ref(), Some(transaction));
        let mut query = TimelineQuery { id: Arc::clone(&transaction.spec.id), limit: 3, cursor: None };
        let mut told = Vec::new();
        loop {
            let page = archive.timeline(&query).unwrap().unwrap();
            assert!(page.items.len() <= 3 && (page.next.is_none() || page.items.len() == 3));
            told.extend(page.items);
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(told, expected);
    }
    let unknown = TimelineQuery { id: Arc::from("order-"), limit: 3, cursor: None };
    assert_eq!(archive.timeline(&unknown).unwrap().unwrap_err().kind.code, "transaction_unknown");
}

#[test]
fn a_reopened_archive_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::after(8, 2_000);
    let (first, _) = world.entries.split_at(world.entries.len() / 2);
    {
        let archive = on_disk(folder.path());
        ingest_in_cuts(&archive, first, 3);
        assert!(archive.persisted() < archive.applied());
        assert_eq!(archive.persist().unwrap(), archive.applied());
        assert_eq!(archive.persisted(), archive.applied());
    }
    let archive = on_disk(folder.path());
    assert_eq!(archive.persisted(), first.len() as u64);
    assert_answers(&archive, first);
    ingest_in_cuts(&archive, &world.entries, 4);
    assert_answers(&archive, &world.entries);
}

#[test]
fn open_transactions_far_apart_and_close_together_are_all_found() {
    let mut world = World::new(11);
    let first = world.begin();
    // Nothing is to be called, so that a cancel is final at once.
    let spec = Spec {
        pattern: Pattern::Tcc,
        mode: Mode::Interactive,
        deadline_ms: Some(1_000_000),
        check: None,
        branches: Vec::new(),
        ..Spec::clone(&world.transactions[&first].spec)
    };
    let mut begun = 0;
    let mut begin = |world: &mut World| {
        begun += 1;
        world.begin_as(&Arc::new(Spec { id: Arc::from(format!("far-{begun}")), ..spec.clone() }))
    };
    for gap in [0, 3, 300, 1, 1, 2_000, 400, 0] {
        for _ in 0..gap {
            let number = begin(&mut world);
            world.command_to(number, &Command::Cancel { detail: None });
        }
        begin(&mut world);
    }
    let archive = Archive::in_memory();
    ingest_in_cuts(&archive, &world.entries, 5);
    assert_eq!(open(&archive), Model::of(&world.entries).open());
    let numbers: Vec<_> = open(&archive).iter().map(|one| one.number).collect();
    let gaps: Vec<_> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().any(|gap| *gap > 256) && gaps.iter().any(|gap| *gap < 256), "{gaps:?}");
}
