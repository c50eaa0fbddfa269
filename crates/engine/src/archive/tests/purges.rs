//! Retention: what is past it goes, oldest first and in small steps; what is open or recent stays.

use transaction::Time;

use super::answers::ingest_in_cuts;
use super::history::{Model, World};
use super::{on_disk, over_each_store};
use crate::archive::rows::number_key;
use crate::archive::store::{Changes, Flow, Order, Span, Table};
use crate::archive::{Archive, Difference};
use crate::entry;

fn rows(archive: &Archive, table: Table) -> usize {
    let mut rows = 0;
    let span = Span { table, start: &[], end: None, order: Order::Ascending };
    let view = archive.view().unwrap();
    view.scan(span, &mut |_, _| {
        rows += 1;
        Ok(Flow::Go)
    })
    .unwrap();
    rows
}

fn purge_all(archive: &Archive, before: Time, at_most: usize) -> usize {
    let mut total = 0;
    loop {
        match archive.purge(before, at_most).unwrap() {
            0 => return total,
            count => {
                assert!(count <= at_most);
                total += count;
            }
        }
    }
}

#[test]
fn what_finished_before_goes_and_all_else_stays() {
    let world = World::after(31, 2_500);
    let model = Model::of(&world.entries);
    let before = Time::START.plus_ms(world.entries.len() as u64 * 2 / 3);
    over_each_store(|archive| {
        ingest_in_cuts(archive, &world.entries, 1);
        let is_gone = |finished: Option<Time>| finished.is_some_and(|at| at < before);
        let gone = model.transactions.values().filter(|one| is_gone(one.finished_at)).count();
        let uses = world.entries.iter().filter(|one| matches!(one.entry, entry::Entry::Key(_))).count();
        assert!(gone > 20 && model.keys.len() > 5);
        purge_all(archive, before, 7);
        for (number, one) in &model.transactions {
            let expected = (!is_gone(one.finished_at)).then_some(one);
            assert_eq!(archive.load(*number).unwrap().as_ref(), expected);
            assert_eq!(archive.number_of(&one.spec.id).unwrap(), expected.map(|one| one.number));
        }
        assert_eq!(rows(archive, Table::Summary), model.transactions.len() - gone);
        assert_eq!(rows(archive, Table::Live), model.open().len());
        for (scope, row) in &model.keys {
            assert_eq!(archive.key(scope).unwrap(), (row.at >= before).then(|| row.clone()));
        }
        assert!(rows(archive, Table::KeyAges) < uses);
        // Everything else that is final goes with time; what is open never does.
        purge_all(archive, Time(i64::MAX), 1_000);
        let left = [Table::Summary, Table::Ids, Table::Live].map(|table| rows(archive, table));
        assert_eq!(left, [model.open().len(); 3]);
        assert_eq!([Table::Keys, Table::KeyAges].map(|table| rows(archive, table)), [0, 0]);
    });
}

#[test]
fn a_round_begins_again_at_what_was_left() {
    let mut world = World::after(32, 500);
    let archive = Archive::in_memory();
    archive.ingest(&world.entries).unwrap();
    purge_all(&archive, Time(i64::MAX), 10);
    let left = world.transactions.values().filter(|one| !one.phase.is_final()).count();
    assert!(left > 0 && rows(&archive, Table::Summary) == left);
    (0..4_000).for_each(|_| world.step());
    archive.ingest(&world.entries).unwrap();
    purge_all(&archive, Time(i64::MAX), 10);
    purge_all(&archive, Time(i64::MAX), 10);
    assert_eq!(rows(&archive, Table::Summary), Model::of(&world.entries).open().len());
}

#[test]
fn what_is_purged_is_no_difference_to_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::after(33, 1_500);
    let archive = on_disk(folder.path());
    ingest_in_cuts(&archive, &world.entries, 1);
    purge_all(&archive, Time::START.plus_ms(world.entries.len() as u64 / 2), 100);
    let checked: Result<_, Difference> = super::checks::compare(&archive, &world.entries);
    let checked = checked.unwrap();
    assert!(checked.purged > 0);
    assert_eq!(checked.entries + checked.purged, world.entries.len() as u64);
    // But one that was not finished, and one that finished since, are.
    let model = Model::of(&world.entries);
    let (open, recent) = (model.open(), model.transactions.values().rev().find(|one| one.phase.is_final()));
    for lost in [&open[0], recent.unwrap()] {
        let mut changes = Changes::default();
        let prefix = number_key(lost.number);
        for table in [Table::Chunks, Table::Summary, Table::Live] {
            let end = number_key(lost.number + 1);
            let span = Span { table, start: &prefix, end: Some(&end), order: Order::Ascending };
            let view = archive.view().unwrap();
            view.scan(span, &mut |key, _| {
                changes.remove(table, key);
                Ok(Flow::Go)
            })
            .unwrap();
        }
        archive.shared.store.commit(&changes).unwrap();
        let difference = super::checks::compare(&archive, &world.entries).unwrap_err();
        assert!(difference.what.contains("lacks"), "{difference:?}");
    }
}
