//! Which rows of a page may go.

use std::time::Duration;

use super::{Aged, Cleaning, old};
use crate::barrier::{Coordinator, Kept, Told};
use crate::call::Branch;

const HORIZON: Duration = Duration::from_hours(30 * 24);
const OLD: i64 = 31 * 24 * 3_600_000;

fn row(branch: &str, phase: i64, operation: &str, told: Told) -> Aged {
    let branch = Branch { transaction: "t".to_owned(), branch: branch.to_owned() };
    let kept = Kept { operation: operation.to_owned(), told, content: None, answer: None };
    Aged { branch, phase, kept, age_ms: OLD }
}

fn gone(rows: &[Aged]) -> Vec<&str> {
    let cleaning = Cleaning::new(HORIZON, Coordinator::default()).unwrap();
    gone_by(rows, &cleaning)
}

fn gone_by<'r>(rows: &'r [Aged], cleaning: &Cleaning) -> Vec<&'r str> {
    old(rows, cleaning).map(|branch| branch.branch.as_str()).collect()
}

#[test]
fn what_still_holds_something_stays_however_old_it_is() {
    let rows = [
        row("action-held", 1, "action", Told::Done),
        row("cancelled", 1, "try", Told::Done),
        row("cancelled", 2, "cancel", Told::Done),
        row("confirmed", 1, "try", Told::Done),
        row("confirmed", 2, "confirm", Told::Done),
        row("delivered", 2, "deliver", Told::Done),
        row("refused", 1, "try", Told::Refused),
        row("submitted", 1, "submit", Told::Done),
        row("tombstone", 1, "cancel", Told::Void),
        row("try-held", 1, "try", Told::Done),
    ];
    assert_eq!(gone(&rows), ["cancelled", "confirmed", "delivered", "refused", "submitted", "tombstone"]);
}

#[test]
fn actions_go_only_where_an_age_was_said_and_never_before_the_horizon() {
    let rows = [row("action-held", 1, "action", Told::Done), row("try-held", 1, "try", Told::Done)];
    let day = Duration::from_hours(24);
    let after = |days: u32| Cleaning::new(HORIZON, Coordinator::default()).unwrap().actions_after(day * days);
    assert_eq!(gone_by(&rows, &after(1)), ["action-held"]);
    assert!(gone_by(&rows, &after(31)).is_empty());
    let young = [Aged { age_ms: 29 * 24 * 3_600_000, ..rows[0].clone() }];
    assert!(gone_by(&young, &after(1)).is_empty());
}

#[test]
fn a_branch_is_as_young_as_its_youngest_row() {
    let young = |age: i64| Aged { age_ms: age, ..row("b", 2, "confirm", Told::Done) };
    assert_eq!(gone(&[row("b", 1, "try", Told::Done), young(OLD)]), ["b"]);
    for age in [0, -5, 30 * 24 * 3_600_000] {
        assert!(gone(&[row("b", 1, "try", Told::Done), young(age)]).is_empty(), "{age}");
    }
}

#[test]
fn a_horizon_that_a_late_call_can_pass_is_refused() {
    let coordinator = Coordinator::default();
    assert!(Cleaning::new(HORIZON, coordinator).is_ok());
    let longest = coordinator.deadline + coordinator.retry;
    let fault = Cleaning::new(longest, coordinator).unwrap_err();
    assert_eq!((fault.horizon, fault.longest), (longest, longest));
    assert!(fault.to_string().contains("keep rows longer"), "{fault}");
}
