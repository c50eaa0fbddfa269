//! An account with 300,000 events: any page of it, and its balances at any time, cost a bounded number of reads.

use ledger::Cause;
use transaction::Time;

use super::world::{World, on_disk};
use crate::history::{RawStatement, balances_at, statement};
use crate::{Direction, StatementQuery};

const EVENTS: usize = 300_000;
/// Reads beside the lines of a page: one descent by number and two by time.
const DESCENT: u64 = 400;

fn counted<T>(world: &World, ask: impl FnOnce() -> T) -> (T, u64) {
    let before = world.history.reads();
    let answer = ask();
    (answer, world.history.reads() - before)
}

fn page(world: &World, query: &StatementQuery) -> RawStatement {
    statement(&world.history, world.head(0), query).unwrap().unwrap()
}

#[test]
fn any_page_and_any_time_costs_a_bounded_number_of_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::over(on_disk(folder.path()), 1);
    for index in 0..EVENTS {
        world.posted("entry", (0, 1, 5), Cause::default());
        if index % 1_000 == 0 {
            world.flush();
            // Time moves on with the steps of other accounts too.
            world.step();
        }
    }
    world.flush();
    let lines = world.accounts[0].lines.clone();
    let most = |query: &StatementQuery| {
        let times = u64::from(query.from.is_some()) + u64::from(query.until.is_some());
        101 + DESCENT * (1 + times)
    };
    for round in 0..300 {
        let version = world.rng.usize(1..lines.len());
        let at = |version: usize| lines[version].at;
        let mut query = StatementQuery { limit: 100, ..StatementQuery::default() };
        match round % 5 {
            0 => query.cursor = Some(format!("o{version:x}")),
            1 => {
                query.direction = Direction::NewestFirst;
                query.cursor = Some(format!("n{version:x}"));
            }
            2 => query.from = Some(at(version)),
            3 => query.until = Some(at(version)),
            _ => {
                query.direction = Direction::NewestFirst;
                query.until = Some(at(version));
            }
        }
        let (found, reads) = counted(&world, || page(&world, &query));
        assert!(reads <= most(&query), "{reads} reads for {query:?}");
        let first = usize::try_from(found.lines[0].version).unwrap();
        match round % 5 {
            0 => assert_eq!(first, version + 1),
            1 => assert_eq!(first, version - 1),
            2 => assert_eq!(first, lines.partition_point(|line| line.at < at(version)) + 1),
            3 => assert_eq!(first, 1),
            _ => assert_eq!(first, lines.partition_point(|line| line.at < at(version))),
        }
        for line in &found.lines {
            assert_eq!(*line, lines[usize::try_from(line.version).unwrap() - 1]);
        }
        let time = Time(world.rng.i64(900..world.now() + 10));
        let (then, reads) = counted(&world, || balances_at(&world.history, world.head(0), time).unwrap());
        assert!(reads <= DESCENT + 2, "{reads} reads at {time:?}");
        let seen = lines.partition_point(|line| line.at <= time);
        assert_eq!(then.version, seen as u64);
        assert_eq!(then.posted, seen.checked_sub(1).map_or(0, |last| lines[last].posted));
    }
}
