//! Bugs that a power cut shows, switched on: the short history that is cut everywhere must show them.
//!
//! A process of its own: a bug is on for all of it. Read next: `every_cut.rs`, the room `planted`.
#![cfg(feature = "planted")]

use planted::{Bug, plant};
use sim::every_cut::{Order, run};

#[test]
fn bugs_that_a_power_cut_shows_are_found() {
    let bugs = [
        Bug::FolderNotSynced,
        Bug::SyncSkipped,
        Bug::LastFrameNotMended,
        Bug::AnswerBeforeDurable,
        Bug::ReleasedTooEarly,
        Bug::SweepTooEarly,
        Bug::IdsNotLearnt,
        Bug::ReplaySkipsFrame,
    ];
    let mut got_away = Vec::new();
    for bug in bugs {
        plant(Some(bug));
        let report = run(&Order {
            ways: 13,
            calls_again: 22,
            ways_again: 61,
            ways_alone: 61,
            jobs: 2,
            most_broken: 1,
        });
        plant(None);
        let first = report.broken.first().map(|(cuts, violation)| format!("{cuts}: {violation}"));
        println!("{}: {first:?}", bug.name());
        got_away.extend(first.is_none().then(|| bug.name()));
    }
    assert!(got_away.is_empty(), "{got_away:?} got away");
}
