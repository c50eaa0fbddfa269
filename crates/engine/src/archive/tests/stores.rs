//! What every store promises, in the same words for all: order, spans, prefixes, views that stand still, atomic batches.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::archive::fjall_store::FjallStore;
use crate::archive::memory::MemoryStore;
use crate::archive::store::{Changes, Flow, Order, Span, Store, Table, View};

fn over_each(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::default());
    let folder = tempfile::tempdir().unwrap();
    test(&FjallStore::open(folder.path()).unwrap());
}

fn put(store: &dyn Store, rows: &[(Table, &[u8], &[u8])]) {
    let mut changes = Changes::default();
    for (table, key, value) in rows {
        changes.put(*table, key, value);
    }
    store.commit(&changes).unwrap();
}

fn keys(view: &dyn View, (start, end): (&[u8], Option<&[u8]>), order: Order) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let span = Span { table: Table::Labels, start, end, order };
    view.scan(span, &mut |key, value| {
        assert_eq!(key, value);
        keys.push(key.to_vec());
        Ok(Flow::Go)
    })
    .unwrap();
    keys
}

#[test]
fn spans_are_half_open_and_sorted_by_bytes() {
    let sorted: [&[u8]; 6] = [b"\0", b"a", b"a\0", b"aa", b"b", b"\xff\xff"];
    over_each(|store| {
        for key in sorted {
            put(store, &[(Table::Labels, key, key), (Table::Summary, key, b"other")]);
        }
        let view = store.view().unwrap();
        let bounds: [&[u8]; 9] = [b"", b"\0", b"a", b"a\0", b"aa", b"ab", b"b", b"\xff\xff", b"\xff\xff\xff"];
        for start in bounds {
            for end in bounds.into_iter().map(Some).chain([None]) {
                let within = |key: &&[u8]| *key >= start && end.is_none_or(|end| *key < end);
                let mut expected: Vec<_> = sorted.into_iter().filter(within).map(<[u8]>::to_vec).collect();
                assert_eq!(keys(&*view, (start, end), Order::Ascending), expected, "{start:?} {end:?}");
                expected.reverse();
                assert_eq!(keys(&*view, (start, end), Order::Descending), expected, "{start:?} {end:?}");
            }
        }
    });
}

#[test]
fn a_key_is_found_exactly_and_not_by_its_prefix() {
    over_each(|store| {
        put(store, &[(Table::Ids, b"order-1", b"1"), (Table::Ids, b"order-11", b"11")]);
        for (key, value) in
            [("order-1", Some("1")), ("order-11", Some("11")), ("order-", None), ("order-111", None)]
        {
            let expected = value.map(|value| value.as_bytes().to_vec());
            assert_eq!(store.get(Table::Ids, key.as_bytes()).unwrap(), expected);
            assert_eq!(store.view().unwrap().get(Table::Ids, key.as_bytes()).unwrap(), expected);
            assert_eq!(store.get(Table::Live, key.as_bytes()).unwrap(), None);
        }
    });
}

#[test]
fn a_view_stands_still_and_a_visit_stops_when_told() {
    over_each(|store| {
        put(store, &[(Table::Labels, b"a", b"a"), (Table::Labels, b"b", b"b")]);
        let before = store.view().unwrap();
        let mut changes = Changes::default();
        changes.remove(Table::Labels, b"a");
        changes.put(Table::Labels, b"c", b"c");
        store.commit(&changes).unwrap();
        let (old, new) = ([b"a", b"b"], [b"b", b"c"]);
        assert_eq!(keys(&*before, (b"", None), Order::Ascending), old);
        assert_eq!(keys(&*store.view().unwrap(), (b"", None), Order::Ascending), new);
        let mut visits = 0;
        let span = Span { table: Table::Labels, start: b"", end: None, order: Order::Descending };
        before
            .scan(span, &mut |_, _| {
                visits += 1;
                Ok(Flow::Stop)
            })
            .unwrap();
        assert_eq!(visits, 1);
    });
}

/// Two tables are always changed alike: nobody may ever see them differ.
#[test]
fn a_batch_is_seen_whole_by_any_reader() {
    over_each(|store| {
        let (stop, looked) = (AtomicBool::new(false), AtomicU32::new(0));
        let read = || {
            while !stop.load(Ordering::Acquire) {
                let first = store.get(Table::Meta, b"x").unwrap();
                let view = store.view().unwrap();
                let (x, y) = (view.get(Table::Meta, b"x").unwrap(), view.get(Table::Summary, b"y").unwrap());
                assert_eq!(x, y);
                assert!(first <= x, "a later view is older");
                looked.fetch_add(1, Ordering::AcqRel);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(read);
            scope.spawn(read);
            let mut round = 0_u32;
            while round < 2_000 || looked.load(Ordering::Acquire) < 500 {
                let value = round.to_be_bytes();
                put(store, &[(Table::Meta, b"x", &value), (Table::Summary, b"y", &value)]);
                round += 1;
            }
            stop.store(true, Ordering::Release);
        });
    });
}

#[test]
fn reopening_keeps_what_was_committed_and_views_are_let_go() {
    over_each(|store| {
        put(store, &[(Table::Labels, b"a", b"a")]);
        store.persist().unwrap();
        store.reopen().unwrap();
        assert_eq!(store.get(Table::Labels, b"a").unwrap(), Some(b"a".to_vec()));
        put(store, &[(Table::Labels, b"b", b"b")]);
        assert_eq!(keys(&*store.view().unwrap(), (b"", None), Order::Ascending), [b"a", b"b"]);
    });
}

#[test]
fn a_second_opening_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = FjallStore::open(folder.path()).unwrap();
    let second = FjallStore::open(folder.path()).err().unwrap();
    assert!(second.to_string().contains("another process"), "{second}");
}
