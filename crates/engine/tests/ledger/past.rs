//! The past: statements from both ends, balances as of any time, the histories of holds.

use std::sync::Arc;

use engine::archive::Archive;
use engine::{Direction, Found, HistoryQuery, Line, Question, StatementQuery};
use ledger::{Capture, Cause, Command, Expiry, Linked, Origin};

use super::world::{World, entry, hold, until};

const ENTRIES: usize = 700;

/// All lines, page by page.
fn lines(world: &World, query: &StatementQuery) -> Vec<Line> {
    let mut query = query.clone();
    let mut lines = Vec::new();
    loop {
        match world.ask(Question::Statement(query.clone())).unwrap() {
            Found::Statement(page) => {
                lines.extend(page.lines);
                query.cursor = page.next;
            }
            other => panic!("{other:?}"),
        }
        if query.cursor.is_none() {
            return lines;
        }
    }
}

fn query(limit: usize) -> StatementQuery {
    StatementQuery { account: Arc::from("ann"), limit, ..StatementQuery::default() }
}

fn filled() -> World {
    let world = World::new();
    for n in 0..ENTRIES {
        let id = format!("e-{n}");
        let pair = if n % 3 == 2 { ("ann", "bank") } else { ("bank", "ann") };
        world.done(&[entry(&id, pair, 1 + n as i128 % 5)]);
    }
    world
}

#[test]
fn a_statement_tells_every_line_once_from_either_end_and_the_balance_after_each() {
    let mut world = filled();
    for archive in [None, Some(Archive::in_memory())] {
        let oldest = lines(&world, &query(64));
        assert_eq!(oldest.len(), ENTRIES);
        let mut posted = 0;
        for (n, line) in oldest.iter().enumerate() {
            let sign = if n % 3 == 2 { -1 } else { 1 };
            posted += sign * (1 + n as i128 % 5);
            assert_eq!((&*line.id, line.version), (&*format!("e-{n}"), n as u64 + 1));
            assert_eq!((line.posted, line.amount), (posted, sign * (1 + n as i128 % 5)));
            assert_eq!((line.other.as_deref(), line.cause.operator.as_deref()), (Some("bank"), Some("olga")));
        }
        assert_eq!(world.balance("ann"), (posted, 0));
        let mut newest = lines(&world, &StatementQuery { direction: Direction::NewestFirst, ..query(37) });
        newest.reverse();
        assert_eq!(newest, oldest);
        let none = StatementQuery { operator: Some(Arc::from("nobody")), ..query(50) };
        assert_eq!(lines(&world, &none), []);
        let (from, until) = (Some(oldest[100].at), Some(oldest[400].at));
        let span: Vec<_> =
            oldest.iter().filter(|line| Some(line.at) >= from && Some(line.at) < until).cloned().collect();
        assert_eq!(lines(&world, &StatementQuery { from, until, ..query(64) }), span);
        world = world.restarted(archive);
    }
    world.stop();
}

#[test]
fn balances_of_any_past_time_are_those_of_the_last_line_until_then() {
    let world = filled();
    let told = lines(&world, &query(1_000));
    let then = |at| match world.ask(Question::Account(Arc::from("ann"), Some(at))).unwrap() {
        Found::Then(then) => then.then,
        other => panic!("{other:?}"),
    };
    for index in (0..told.len()).step_by(41).chain([told.len() - 1]) {
        let at = told[index].at;
        let last = told.iter().rev().find(|line| line.at <= at).unwrap();
        assert_eq!((then(at).posted, then(at).version), (last.posted, last.version));
    }
    let before = transaction::Time(told[0].at.0 - 1);
    assert_eq!((then(before).posted, then(before).version), (0, 0), "zero is an answer");
    world.stop();
}

#[test]
fn the_history_of_a_hold_tells_each_step() {
    let world = World::new();
    world.done(&[entry("e-1", ("bank", "ann"), 100), hold("h-1", 60, Expiry::In(400))]);
    let capture = |id| {
        let (linked, origin, cause) = (Linked::No, Origin::Direct, Cause::default());
        Command::Capture(Capture {
            id,
            hold: "h-1",
            amount: Some(ledger::Amount::Units(20)),
            linked,
            origin,
            cause,
        })
    };
    world.done(&[capture("c-1"), capture("c-2")]);
    until(|| world.balance("ann") == (60, 0));
    let query = HistoryQuery { id: Arc::from("h-1"), limit: 10, cursor: None };
    let Found::History(history) = world.ask(Question::HoldHistory(query)).unwrap() else { panic!() };
    let steps: Vec<_> = history.steps.iter().map(|step| (step.event, step.operation.as_deref())).collect();
    assert_eq!(
        steps,
        [("held", None), ("captured", Some("c-1")), ("captured", Some("c-2")), ("expired", None)]
    );
    world.stop();
}
