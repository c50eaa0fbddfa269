//! Seeds that once found something, and what the simulator promises of itself.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::time::Duration;

use sim::run::{Order, run};
use sim::{Fault, History, Plan, Sight, history, replay};

/// What each of them found is told beside the test of the room that had it.
const FOUND: &[u64] = &[
    // A breaker whose probes all went to one call: engine, `probes_of_a_breaker_go_to_all_who_wait_for_it_in_turn`.
    9820,
    // A rename that was carried out and answered as failed, and a journal that looked full for ever: journal,
    // `a_rename_or_removal_that_was_carried_out_and_answered_as_failed_does_not_look_like_a_full_disk`.
    55635,
];

#[test]
fn what_was_found_stays_mended() {
    for seed in FOUND {
        let verdict = history(&History::of(*seed));
        assert!(verdict.violation.is_none(), "seed {seed}: {}", verdict.violation.unwrap());
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [3, 14, 159] {
        let (one, other) = (replay(&History::of(seed)), replay(&History::of(seed)));
        assert_eq!(one.lines, other.lines, "seed {seed}");
        assert_eq!((one.digest, one.figures.events), (other.digest, other.figures.events));
        assert!(one.lines.len() > 50, "it tells what happens");
        assert_ne!(one.digest, history(&History::of(seed + 1)).digest);
    }
}

#[test]
fn a_slice_is_clean_and_sees_hazards() {
    let report = run(&Order { seeds: 500..620, jobs: 2, most: Some(Duration::from_secs(120)) });
    assert!(report.broken.is_none(), "{:?}", report.broken);
    let wanted = [Sight::LateTry, Sight::CancelBeforeTry, Sight::DuplicateConfirm, Sight::AttentionReached];
    for sight in wanted {
        assert!(report.sights.count(sight) > 0, "never seen: {}", sight.words());
    }
}

#[test]
fn a_kind_of_fault_that_is_left_out_does_not_happen() {
    let seed = (0..).find(|seed| Plan::of(*seed).has(Fault::PowerCut)).unwrap();
    let without = History { plan: Plan::of(seed).without(Fault::PowerCut), ..History::of(seed) };
    let told = replay(&without);
    assert!(told.violation.is_none());
    // The one at the very end is part of every history.
    let cuts = told.lines.iter().filter(|line| line.contains("PowerCut")).count();
    assert_eq!(cuts, 1, "{:#?}", told.lines);
}
