//! Decides whether every state can be come to and left, and whether time always moves on.
//!
//! Faults of single states and moves are found next door, in `machine_check.rs`; unknown names are passed over here.

use std::collections::HashSet;

use super::{Faults, brief, of_state};
use crate::machine::{Machine, When};

pub(super) fn check(machine: &Machine, faults: &mut Faults) {
    let reached = reached(machine);
    for state in &machine.states {
        let name = &*state.name;
        if !state.is_final
            && state.expires.is_none()
            && !machine.moves.iter().any(|found| found.from.contains(&state.name))
        {
            let told =
                format!("nothing leads out of {}: mark it `final`, or declare a move from it", brief(name));
            faults.add(&of_state(name, ""), told);
        }
        // Without an initial state nothing is reached: that is the one fault to mend then.
        if !reached.is_empty() && !reached.contains(name) {
            let told = format!("no item can come to {}: declare a move to it, or remove it", brief(name));
            faults.add(&of_state(name, ""), told);
        }
    }
    for state in &machine.states {
        if goes_round_at_once(machine, &state.name) {
            let told = format!(
                "{} expires at a time of the item, and so by others back to itself, without end: let one of them last `after_ms`",
                brief(&state.name)
            );
            faults.add(&of_state(&state.name, "/at"), told);
        }
    }
}

/// All states that an item can come to.
fn reached(machine: &Machine) -> HashSet<&str> {
    let mut reached = HashSet::new();
    let mut open: Vec<&str> =
        machine.state(&machine.initial).map(|_| &*machine.initial).into_iter().collect();
    while let Some(state) = open.pop() {
        if reached.insert(state) {
            open.extend(next(machine, state));
        }
    }
    reached
}

fn next<'a>(machine: &'a Machine, state: &'a str) -> impl Iterator<Item = &'a str> {
    let moves = machine.moves.iter().filter(move |found| found.from.iter().any(|from| **from == *state));
    let moved = moves.flat_map(|found| [Some(&*found.to), found.lapsed_to.as_deref()]);
    let expires =
        machine.states.iter().find(|found| *found.name == *state).and_then(|found| found.expires.as_ref());
    let expired = expires.into_iter().flat_map(|expires| [Some(&*expires.to), expires.lapsed_to.as_deref()]);
    moved.chain(expired).flatten()
}

/// States that expire at an item's own times expire one after the other in no time: such a chain must end.
fn goes_round_at_once<'a>(machine: &'a Machine, start: &'a str) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        let found = machine.states.iter().find(|found| *found.name == *state);
        let Some(expires) = found.and_then(|found| found.expires.as_ref()) else { continue };
        if matches!(expires.when, When::After(_)) {
            continue;
        }
        for to in [Some(&*expires.to), expires.lapsed_to.as_deref()].into_iter().flatten() {
            if to == start {
                return true;
            }
            if seen.insert(to) {
                open.push(to);
            }
        }
    }
    false
}
