//! Decides whether a machine makes sense: every fault at once, each with its place and how to mend it.
//!
//! Places are JSON pointers into the form in which machines are declared: `/states/NAME/expires_to`, `/moves/NAME/from`.
//! What passes here can be decided upon without a further check; nothing here looks at items. The guards' part is in
//! `machine_check/guards.rs`, the part about ways through the machine in `machine_check/ways.rs`.

mod guards;
mod ways;

use std::collections::HashSet;

use transaction::{Refusal, is_id};

use crate::machine::{Expires, Machine, MachineMove, MachineState, When};
use crate::refusal::MACHINE_INVALID;

/// The most states of a machine.
pub(crate) const STATES_MAX: usize = 64;
/// The most moves of a machine.
pub(crate) const MOVES_MAX: usize = 256;
/// The most guards of a move.
pub(crate) const GUARDS_MAX: usize = 16;
/// The longest name of a state or a move, in bytes.
pub(crate) const NAME_MAX: usize = 64;
/// The longest literal text in a guard, in bytes.
pub(crate) const TEXT_MAX: usize = 256;
/// The longest a state may last before it expires: a hundred years, in milliseconds.
pub(crate) const AFTER_MAX_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;
/// The most bytes of a machine as it is kept.
pub(crate) const KEPT_MAX: usize = 64 * 1024;
/// The most faults told at once.
const FAULTS_MAX: usize = 100;

impl Machine {
    /// Whether items can live by this machine.
    ///
    /// # Errors
    /// All its faults, at least one and at most a hundred, in the order of the declaration: each `machine_invalid`.
    pub fn check(&self) -> Result<(), Vec<Refusal>> {
        let mut faults = Faults::default();
        check_sizes(self, &mut faults);
        if faults.0.is_empty() {
            check_names(self, &mut faults);
            for state in &self.states {
                check_state(self, state, &mut faults);
            }
            for found in &self.moves {
                check_move(self, found, &mut faults);
            }
            ways::check(self, &mut faults);
        }
        faults.0.truncate(FAULTS_MAX);
        if faults.0.is_empty() { Ok(()) } else { Err(faults.0) }
    }
}

/// What is wrong so far.
#[derive(Default)]
struct Faults(Vec<Refusal>);

impl Faults {
    fn add(&mut self, at: &str, detail: String) {
        self.0.push(MACHINE_INVALID.at(at, detail));
    }
}

/// A name as a step of a JSON pointer.
fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The pointer to a field of a state; an empty field: to the state.
fn of_state(state: &str, field: &str) -> String {
    format!("/states/{}{field}", step(state))
}

/// The pointer to a field of a move; an empty field: to the move.
fn of_move(name: &str, field: &str) -> String {
    format!("/moves/{}{field}", step(name))
}

/// Sizes first: whoever declares a million states is not told of each.
fn check_sizes(machine: &Machine, faults: &mut Faults) {
    if machine.states.len() > STATES_MAX {
        let told =
            format!("{} states, at most {STATES_MAX} are allowed: split the machine", machine.states.len());
        faults.add("/states", told);
    }
    if machine.moves.len() > MOVES_MAX {
        let told =
            format!("{} moves, at most {MOVES_MAX} are allowed: split the machine", machine.moves.len());
        faults.add("/moves", told);
    }
    let kept = postcard::to_stdvec(machine).map_or(usize::MAX, |bytes| bytes.len());
    if faults.0.is_empty() && kept > KEPT_MAX {
        faults.add(
            "",
            format!("{kept} bytes as it is kept, at most {KEPT_MAX} are allowed: use shorter names"),
        );
    }
}

fn check_names(machine: &Machine, faults: &mut Faults) {
    if !is_id(&machine.name) {
        faults.add(
            "/name",
            format!("{} is no name: use 1 to 128 characters of A-Z a-z 0-9 . _ : / -", brief(&machine.name)),
        );
    }
    if machine.states.is_empty() {
        faults.add(
            "/states",
            "a machine needs states: declare at least the initial one and a final one".into(),
        );
    }
    let states = machine.states.iter().map(|state| (&*state.name, of_state(&state.name, "")));
    check_each_name(states, "state", faults);
    let moves = machine.moves.iter().map(|found| (&*found.name, of_move(&found.name, "")));
    check_each_name(moves, "move", faults);
    match machine.states.iter().find(|state| state.name == machine.initial) {
        None if machine.states.is_empty() => {}
        None => faults.add("/initial", unknown(machine, &machine.initial)),
        Some(initial) if initial.is_final => {
            let told = format!("{} is final, nothing could ever move: begin in another state", initial.name);
            faults.add("/initial", told);
        }
        Some(_) => {}
    }
}

fn check_each_name<'a>(
    names: impl Iterator<Item = (&'a str, String)>,
    what: &'static str,
    faults: &mut Faults,
) {
    let mut seen = HashSet::new();
    for (name, at) in names {
        if !is_name(name) {
            let told = format!(
                "{} is no name of a {what}: use 1 to {NAME_MAX} characters of A-Z a-z 0-9 . _ : / -",
                brief(name)
            );
            faults.add(&at, told);
        }
        if !seen.insert(name) {
            faults.add(&at, format!("two {what}s are called {}: rename one", brief(name)));
        }
    }
}

fn check_state(machine: &Machine, state: &MachineState, faults: &mut Faults) {
    let Some(Expires { to, lapsed_to, when }) = &state.expires else { return };
    let at = |field: &str| of_state(&state.name, field);
    if state.is_final {
        let told =
            format!("{} is final and cannot expire: remove `final` or `expires_to`", brief(&state.name));
        faults.add(&at("/expires_to"), told);
    }
    if *to == state.name {
        faults.add(&at("/expires_to"), format!("{} expires to itself: name another state", brief(to)));
    }
    check_target(machine, to, (&at("/expires_to"), faults));
    if let Some(lapsed_to) = lapsed_to {
        check_target(machine, lapsed_to, (&at("/lapsed_to"), faults));
    }
    match when {
        When::After(ms) if *ms == 0 || *ms > AFTER_MAX_MS => {
            let told =
                format!("{ms} ms: give at least 1 and at most {AFTER_MAX_MS}, which is a hundred years");
            faults.add(&at("/after_ms"), told);
        }
        When::At(attribute) if !is_id(attribute) => {
            faults.add(&at("/at"), format!("{} is no name of an attribute", brief(attribute)));
        }
        When::After(_) | When::At(_) => {}
    }
}

fn check_move(machine: &Machine, found: &MachineMove, faults: &mut Faults) {
    let at = |field: &str| of_move(&found.name, field);
    if found.from.is_empty() {
        faults.add(&at("/from"), "a move needs states it leads out of: name at least one".into());
    }
    let mut seen = HashSet::new();
    for (index, from) in found.from.iter().enumerate() {
        let place = at(&format!("/from/{index}"));
        match machine.states.iter().find(|state| state.name == *from) {
            None => faults.add(&place, unknown(machine, from)),
            Some(state) if state.is_final => {
                let told =
                    format!("{from} is final, nothing moves out of it: remove it here, or `final` there");
                faults.add(&place, told);
            }
            Some(_) => {}
        }
        if !seen.insert(from) {
            faults.add(&place, format!("{} is named twice: remove one", brief(from)));
        }
    }
    check_target(machine, &found.to, (&at("/to"), faults));
    if let Some(lapsed_to) = &found.lapsed_to {
        check_target(machine, lapsed_to, (&at("/lapsed_to"), faults));
    }
    guards::check(machine, found, faults);
}

fn check_target(machine: &Machine, state: &str, (at, faults): (&str, &mut Faults)) {
    if machine.state(state).is_none() {
        faults.add(at, unknown(machine, state));
    }
}

fn unknown(machine: &Machine, state: &str) -> String {
    let names: Vec<&str> = machine.states.iter().map(|state| &*state.name).collect();
    format!("{} is no state of this machine; they are: {}", brief(state), brief_of(&names.join(", "), 512))
}

fn is_name(name: &str) -> bool {
    is_id(name) && name.len() <= NAME_MAX
}

/// The beginning of a text that may be anything and of any size, fit to be shown.
fn brief(text: &str) -> String {
    if text.is_empty() { "the empty text".into() } else { brief_of(text, NAME_MAX) }
}

fn brief_of(text: &str, at_most: usize) -> String {
    let mut shown: String = text.chars().take(at_most).flat_map(char::escape_debug).collect();
    if text.chars().nth(at_most).is_some() {
        shown.push('…');
    }
    shown
}
