//! What each state of a branch counts as, and that a transaction is counted once however often the sums are kept.

use super::*;

/// `loaded sold reserved unsettled` of a branch of five units.
fn line(pattern: Pattern, state: BranchState) -> String {
    let Sums { loaded, sold, reserved, unsettled } = sums(pattern, state, 5);
    format!("{loaded} {sold} {reserved} {unsettled}")
}

#[test]
fn every_state_counts_as_what_it_has_done() {
    use BranchState as B;
    let states = [
        B::Registered,
        B::Trying,
        B::Tried,
        B::Refused,
        B::Confirming,
        B::Confirmed,
        B::Cancelling,
        B::Cancelled,
    ];
    let of = |pattern| states.map(|state| line(pattern, state));
    let (none, open) = ("0 0 0 0", "0 0 0 5");
    assert_eq!(of(Pattern::Tcc), [none, open, "0 0 5 0", none, "0 0 5 5", "0 5 0 0", open, none]);
    assert_eq!(of(Pattern::Saga), [none, open, "0 5 0 0", none, "0 5 0 0", "0 5 0 0", open, none]);
    assert_eq!(of(Pattern::Message), [none, open, open, none, open, "5 0 0 0", open, none]);
}

#[test]
fn what_is_settled_before_the_oldest_that_is_open_moves_into_the_kept_sums() {
    let walk = |newest, oldest_open| {
        let settled =
            [(1, 3), (4, 7)].map(|(at, sold)| (Time(at), "A".to_owned(), Sums { sold, ..Sums::default() }));
        let walk = Walk {
            newest: Some(Time(newest)),
            oldest_open,
            settled: settled.into(),
            ..Walk::new(&Kept::default())
        };
        let kept = walk.end().kept;
        (kept.through, kept.counters.get("A").map(|sums| sums.sold))
    };
    assert_eq!(walk(4, None), (4, Some(3)), "the newest is still counted by itself");
    assert_eq!(walk(9, None), (9, Some(10)));
    assert_eq!(walk(9, Some(Time(4))), (4, Some(3)));
    assert_eq!(walk(9, Some(Time(1))), (1, None));
    let later = Kept { through: 20, ..Kept::default() };
    let walk = Walk { newest: Some(Time(9)), ..Walk::new(&later) };
    assert_eq!(walk.end().kept, later, "it never goes back");
}
