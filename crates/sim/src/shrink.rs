//! Finds a shorter history that breaks the same promise: fewer kinds of faults, fewer actors.
//!
//! Leaves out whole kinds and halves, quarters, … of the actors as long as the promise stays broken (delta debugging:
//! Zeller, Hildebrandt, 2002). It finds a short one, not surely the shortest.

use crate::history::{History, history, replay};
use crate::plan::Fault;
use crate::violation::Violation;

/// The shortest history that was found.
#[derive(Clone, Debug)]
pub struct Shortest {
    /// It.
    pub history: History,
    /// What it breaks.
    pub violation: Violation,
    /// What happens in it, line by line.
    pub lines: Vec<String>,
    /// How many histories were tried for it.
    pub tried: usize,
}

/// Histories that are tried at most.
const TRIES: usize = 400;

struct Search {
    promise: &'static str,
    tried: usize,
}

impl Search {
    /// Whether this history breaks the same promise.
    fn breaks(&mut self, candidate: &History) -> bool {
        self.tried += 1;
        self.tried <= TRIES
            && history(candidate).violation.is_some_and(|violation| violation.promise == self.promise)
    }
}

/// Makes a history that breaks a promise as short as it can; `None` when it breaks none.
#[must_use]
pub fn shortest(long: &History) -> Option<Shortest> {
    let violation = history(long).violation?;
    let mut search = Search { promise: violation.promise, tried: 0 };
    let mut best = long.clone();
    for kind in Fault::ALL {
        let candidate = History { plan: best.plan.without(kind), ..best.clone() };
        if best.plan.has(kind) && search.breaks(&candidate) {
            best = candidate;
        }
    }
    let mut actors: Vec<usize> = (0..long.actor_count()).collect();
    let mut size = actors.len().div_ceil(2);
    while size > 0 && search.tried < TRIES {
        let mut at = 0;
        while at < actors.len() {
            let mut fewer = actors.clone();
            fewer.drain(at..(at + size).min(actors.len()));
            let candidate = History { actors: Some(fewer.clone()), ..best.clone() };
            if search.breaks(&candidate) {
                (actors, best) = (fewer, candidate);
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    let told = replay(&best);
    Some(Shortest {
        history: best,
        violation: told.violation.unwrap_or(violation),
        lines: told.lines,
        tried: search.tried,
    })
}
