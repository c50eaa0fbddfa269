//! Lists: each filter against a plain one, paging while new transactions arrive, cursors, bounded walks.

use transaction::{Pattern, Phase, Time, Transaction};

use super::history::{Model, World};
use super::over_each_store;
use crate::archive::{Archive, list};
use crate::{Filter, Page};

fn matches(one: &Transaction, filter: &Filter) -> bool {
    let has = |(key, value): &(String, String)| {
        one.spec.labels.iter().any(|label| (&*label.0, &*label.1) == (key.as_str(), value.as_str()))
    };
    filter.state.as_ref().is_none_or(|state| one.state_name() == state)
        && filter.pattern.is_none_or(|pattern| one.spec.pattern == pattern)
        && filter.needs_attention.is_none_or(|needs| one.needs_attention() == needs)
        && filter.labels.iter().all(has)
        && filter.created_after.is_none_or(|after| one.created_at >= after)
        && filter.created_before.is_none_or(|before| one.created_at < before)
}

fn filters(world: &World) -> Vec<Filter> {
    let some = |from: u64| Some(Time::START.plus_ms(from));
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut filters = vec![
        Filter::default(),
        Filter { needs_attention: Some(true), ..Filter::default() },
        Filter { needs_attention: Some(false), ..Filter::default() },
        Filter { labels: vec![label("a", "b")], ..Filter::default() },
        Filter { labels: vec![label("shop", "x")], pattern: Some(Pattern::Saga), ..Filter::default() },
        Filter { labels: vec![label("a", "b"), label("shop", "x\0y")], ..Filter::default() },
        Filter { labels: vec![label("ab", "")], needs_attention: Some(true), ..Filter::default() },
        Filter { labels: vec![label("none", "such")], ..Filter::default() },
        Filter { state: Some("nonsense".to_owned()), ..Filter::default() },
        Filter { created_before: some(0), ..Filter::default() },
        Filter { created_before: some(1 << 40), ..Filter::default() },
        Filter { created_after: some(1 << 40), ..Filter::default() },
    ];
    for pattern in Pattern::ALL {
        for phase in Phase::ALL {
            let state = Some(phase.name(pattern).to_owned());
            filters.push(Filter { state: state.clone(), ..Filter::default() });
            filters.push(Filter { state, pattern: Some(pattern), ..Filter::default() });
        }
    }
    let length = world.entries.len() as u64;
    for (after, before) in [(1, 2), (length / 3, length / 2), (length / 2, length / 2), (0, length)] {
        filters.push(Filter {
            created_after: some(after),
            created_before: some(before),
            ..Filter::default()
        });
        let labels = vec![label("shop", "x")];
        filters.push(Filter { created_before: some(before), labels, ..Filter::default() });
    }
    filters
}

/// Walks all pages; `between` may change the archive between two.
fn pages(archive: &Archive, filter: &Filter, mut between: impl FnMut()) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut filter = filter.clone();
    loop {
        let Page { items, next, .. } = archive.list(&filter).unwrap().unwrap();
        assert!(items.len() <= filter.limit);
        numbers.extend(items.iter().map(|one| one.number));
        match next {
            Some(next) => filter.cursor = Some(next),
            None => return numbers,
        }
        between();
    }
}

#[test]
fn every_filter_lists_what_a_plain_one_would() {
    let world = World::after(21, 2_500);
    let model = Model::of(&world.entries);
    over_each_store(|archive| {
        archive.ingest(&world.entries).unwrap();
        for filter in filters(&world) {
            let newest_first = model.transactions.values().rev();
            let expected: Vec<_> =
                newest_first.filter(|one| matches(one, &filter)).map(|one| one.number).collect();
            for limit in [1_000, 7] {
                let filter = Filter { limit, ..filter.clone() };
                assert_eq!(pages(archive, &filter, || ()), expected, "{filter:?}");
            }
        }
    });
}

#[test]
fn every_transaction_is_on_one_page_while_new_ones_arrive() {
    over_each_store(|archive| {
        let mut world = World::after(22, 800);
        archive.ingest(&world.entries).unwrap();
        let known: Vec<_> = world.transactions.keys().rev().copied().collect();
        let filter = Filter { limit: 9, ..Filter::default() };
        let listed = pages(archive, &filter, || {
            (0..5).for_each(|_| world.step());
            world.begin();
            archive.ingest(&world.entries).unwrap();
        });
        assert_eq!(listed, known);
        assert!(world.transactions.len() > known.len());
    });
}

#[test]
fn a_page_costs_a_bounded_walk_and_goes_on_from_there() {
    let world = World::after(23, 1_500);
    let archive = Archive::in_memory();
    archive.ingest(&world.entries).unwrap();
    let oldest = *world.transactions.keys().next().unwrap();
    let created_before = Some(world.transactions[&oldest].created_at.plus_ms(1));
    let view = archive.view().unwrap();
    // Halving finds the place at once, however many are newer.
    let filter = Filter { created_before, limit: 10, ..Filter::default() };
    let page = list::list(&*view, &filter, 1).unwrap().unwrap();
    assert_eq!(page.items.iter().map(|one| one.number).collect::<Vec<_>>(), [oldest]);
    // A state that few have is walked to in short pages.
    let mut filter = Filter { state: Some("confirmed".to_owned()), limit: 10, ..Filter::default() };
    let (mut rounds, mut found) = (0, Vec::new());
    loop {
        let page = list::list(&*view, &filter, 5).unwrap().unwrap();
        assert!(page.items.len() <= 5);
        found.extend(page.items.iter().map(|one| one.number));
        rounds += 1;
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => break,
        }
    }
    let expected = world.transactions.values().rev().filter(|one| one.state_name() == "confirmed");
    assert_eq!(found, expected.map(|one| one.number).collect::<Vec<_>>());
    assert_eq!(rounds, world.transactions.len().div_ceil(5));
}

#[test]
fn a_cursor_that_was_not_given_out_is_refused() {
    let archive = Archive::in_memory();
    for cursor in ["", "x", "-1", "+1", "01", "A", "10000000000000000", "1 ", "é"] {
        let filter = Filter { limit: 1, cursor: Some(cursor.to_owned()), ..Filter::default() };
        assert_eq!(archive.list(&filter).unwrap().unwrap_err().kind.code, "cursor_invalid", "{cursor}");
    }
    let filter = Filter { limit: 0, cursor: Some("ffffffffffffffff".to_owned()), ..Filter::default() };
    assert!(archive.list(&filter).unwrap().unwrap().items.is_empty());
}
