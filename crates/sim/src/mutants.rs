//! Every planted bug, one after another: how many seeds it takes to be caught, and by which promise.
//!
//! The process is the judge's own: one bug is on at a time, for all threads. Read next: the room `planted`.

use std::time::Duration;

use planted::{Bug, plant};

use crate::run::{Order, run};
use crate::violation::Violation;

/// What became of one bug.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The bug.
    pub bug: Bug,
    /// The first seed that broke a promise, and what was found; `None`: it got away.
    pub by: Option<(u64, Violation)>,
    /// How long it took.
    pub took: Duration,
}

impl Caught {
    /// A promise that the bug breaks was seen to be broken, and no other one.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.by.as_ref().is_some_and(|(_, violation)| self.bug.breaks(violation.promise))
    }
}

/// Runs the seeds `0..most` with this bug on, until one breaks a promise. On one thread, so that it is always the same seed.
#[must_use]
pub fn hunt(bug: Bug, most: u64) -> Caught {
    plant(Some(bug));
    let report = run(&Order { seeds: 0..most, jobs: 1, most: None });
    plant(None);
    Caught { bug, by: report.broken, took: report.took }
}
