//! A short history, cut at every call that changes one of its disks: a part of the ways, for they are many.
//!
//! All of them: `cargo run -p sim --release -- --every-cut`.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::time::Duration;

use sim::every_cut::{Order, replay, run};
use sim::{Cut, Platter, Scope, Sight};

#[test]
fn no_cut_of_a_short_history_breaks_a_promise() {
    let report =
        run(&Order { ways: 13, calls_again: 22, ways_again: 61, ways_alone: 61, jobs: 2, most_broken: 20 });
    println!("{report}");
    assert!(report.broken.is_empty(), "{report}");
    let [journal, history, ids] = report.calls;
    assert!(journal >= 60 && history >= 10 && ids >= 30, "it has become shorter: {report}");
    let made =
        |from: &str, to: &str| report.made.iter().any(|call| call.starts_with(from) && call.ends_with(to));
    let moves = [
        ("a spare is filled", "journal: write to spare-", ".part"),
        ("a spare becomes a segment", "journal: rename spare-", ".seg"),
        ("a segment is recycled", "journal: rename 0", ".part"),
        ("what was recycled becomes a segment", "journal: rename spare-5 to ", ".seg"),
        ("a segment is removed", "journal: remove 0", ".seg"),
        ("the history is made durable", "history: sync 0", ".past"),
        ("a run of ids is written", "ids: sync ", ""),
    ];
    for (what, from, to) in moves {
        assert!(made(from, to), "{what}: never cut, only {:#?}", report.made);
    }
    let wanted = [
        Sight::PowerCutInCall,
        Sight::PowerCutInStart,
        Sight::TornTailCut,
        Sight::UntoldFrameKept,
        Sight::ArchiveTrailed,
        Sight::JournalReleased,
    ];
    for sight in wanted {
        assert!(report.sights.count(sight) > 0, "never seen: {}", sight.words());
    }
    assert!(report.took < Duration::from_secs(300), "it has become too long for a test: {report}");
}

#[test]
fn a_cut_is_told_and_repeats() {
    let cut = Cut { platter: Platter::Journal, after: 7, way: 1, scope: Scope::Life };
    let told = replay(&[cut]);
    assert!(told.violation.is_none());
    assert!(
        told.lines
            .iter()
            .any(|line| line.contains("CUT    in \"journal: ") && line.contains("Cut { disks: [All")),
        "{:#?}",
        told.lines
    );
    assert_eq!(told.digest, replay(&[cut]).digest);
}
