//! Statements and balances of the past, from all directions, against a plain list.

use std::sync::Arc;

use transaction::Time;

use super::world::{ACCOUNTS, World};
use crate::history::{RawLine, RawStatement, balances_at, statement};
use crate::{Balances, Direction, StatementQuery};

fn ask(world: &World, account: u32, query: &StatementQuery) -> RawStatement {
    statement(&world.history, world.head(account), query).unwrap().unwrap()
}

/// All lines over all pages.
fn all(world: &World, account: u32, query: &StatementQuery) -> Vec<RawLine> {
    let mut query = query.clone();
    let mut told = Vec::new();
    loop {
        let page = ask(world, account, &query);
        assert!(page.lines.len() <= query.limit);
        let has_filter = query.transaction.is_some() || query.operator.is_some();
        assert!(page.next.is_none() || has_filter || page.lines.len() == query.limit, "a page is full");
        told.extend(page.lines);
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return told,
        }
    }
}

fn expected(world: &World, account: u32, query: &StatementQuery) -> Vec<RawLine> {
    let is_asked = |line: &&RawLine| {
        query.from.is_none_or(|from| line.at >= from)
            && query.until.is_none_or(|until| line.at < until)
            && (query.transaction.is_none()
                || query.transaction.as_deref() == line.cause.transaction.as_deref())
            && (query.operator.is_none() || query.operator.as_deref() == line.cause.operator.as_deref())
    };
    let mut lines: Vec<_> = world.accounts[account as usize].lines.iter().filter(is_asked).cloned().collect();
    if query.direction == Direction::NewestFirst {
        lines.reverse();
    }
    lines
}

fn query(world: &mut World) -> StatementQuery {
    let (now, rng) = (world.now(), &mut world.rng);
    let mut time = || (rng.u8(..) < 100).then(|| Time(rng.i64(990..now + 10)));
    let (from, until) = (time(), time());
    StatementQuery {
        account: Arc::from("a"),
        direction: if rng.bool() { Direction::OldestFirst } else { Direction::NewestFirst },
        from,
        until,
        transaction: (rng.u8(..) < 60).then(|| Arc::from(format!("t{}", rng.u8(..41)))),
        operator: (rng.u8(..) < 60).then(|| Arc::from("ann")),
        limit: [1, 2, 7, 100][rng.usize(..4)],
        cursor: None,
    }
}

#[test]
fn any_question_over_any_pages_is_answered_as_the_plain_list() {
    let mut told = 0;
    for (seed, steps) in [(1, 0), (2, 1), (3, 63), (4, 65), (5, 700), (6, 9_000)] {
        let mut world = World::after(seed, steps);
        for round in 0..200 {
            let query = query(&mut world);
            let account = round % ACCOUNTS;
            // Of long histories short pages would be many.
            if steps > 1_000 && query.limit < 100 && round % 16 != 0 {
                continue;
            }
            let found = all(&world, account, &query);
            assert!(found == expected(&world, account, &query), "{query:?}");
            told += found.len();
        }
    }
    assert!(told > 20_000, "{told}");
}

#[test]
fn balances_stand_as_they_did_at_any_time() {
    for steps in [0, 1, 2, 5_000] {
        let world = World::after(11, steps);
        for account in 0..ACCOUNTS {
            let lines = &world.accounts[account as usize].lines;
            for at in (990..world.now() + 10).step_by(1 + steps / 200).chain([i64::MIN, i64::MAX]) {
                let then = lines.iter().rev().find(|line| line.at <= Time(at));
                let expected = then.map_or(Balances::default(), |line| Balances {
                    posted: line.posted,
                    held: line.held,
                    version: line.version,
                });
                let found = balances_at(&world.history, world.head(account), Time(at)).unwrap();
                assert_eq!(found, expected, "{account} at {at}");
            }
        }
    }
}

#[test]
fn what_comes_between_two_pages_changes_neither_what_was_told_nor_what_follows() {
    let mut world = World::after(21, 300);
    let (oldest, newest) = (Direction::OldestFirst, Direction::NewestFirst);
    for direction in [oldest, newest] {
        let mut query = StatementQuery { direction, limit: 20, ..StatementQuery::default() };
        let before = world.head(0).version;
        let mut told = ask(&world, 0, &query);
        (0..50).for_each(|_| world.step());
        world.flush();
        let mut lines = told.lines;
        while let Some(next) = told.next {
            query.cursor = Some(next);
            told = ask(&world, 0, &query);
            lines.extend(told.lines.clone());
        }
        let mut expected = world.accounts[0].lines.clone();
        if direction == newest {
            expected.truncate(usize::try_from(before).unwrap());
            expected.reverse();
        }
        assert!(lines == expected, "{direction:?}");
    }
}

#[test]
fn a_cursor_that_was_never_given_out_for_this_is_refused() {
    let world = World::after(31, 300);
    let version = world.head(0).version;
    let beyond = [format!("o{:x}", version + 1), format!("n{:x}", version + 1)];
    let others = ["", "o", "o0", "n0", "5", "o05", "oA", "o+5", "s5", "o5 ", "\u{20ac}5"].map(String::from);
    for cursor in beyond.into_iter().chain(others) {
        for direction in [Direction::OldestFirst, Direction::NewestFirst] {
            let query =
                StatementQuery { direction, cursor: Some(cursor.clone()), ..StatementQuery::default() };
            let refusal = statement(&world.history, world.head(0), &query).unwrap().unwrap_err();
            assert_eq!(refusal.kind.code, "cursor_invalid", "{cursor}");
        }
    }
    let crossed = StatementQuery { cursor: Some("n5".to_owned()), ..StatementQuery::default() };
    assert!(statement(&world.history, world.head(0), &crossed).unwrap().is_err());
}

#[test]
fn a_thread_that_leads_to_another_account_is_a_fault() {
    let world = World::after(41, 300);
    let wrong = crate::history::Head { account: 1, ..world.head(0) };
    assert!(
        statement(&world.history, wrong, &StatementQuery { limit: 5, ..StatementQuery::default() }).is_err()
    );
    let wrong = crate::history::Head { version: world.head(0).version + 1, ..world.head(0) };
    assert!(balances_at(&world.history, wrong, Time(i64::MAX)).is_err());
}
