//! Every planted bug, one after another: how many seeds it takes to be caught, and by which promise.
//!
//! The process is the judge's own: one bug is on at a time, for all threads. Read next: the room `planted`.

use std::time::Duration;

use planted::{Bug, plant};

use crate::run::{Order, run};

/// What became of one bug.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The bug.
    pub bug: Bug,
    /// The first seed that broke a promise, and the promise; `None`: it got away.
    pub by: Option<(u64, String)>,
    /// How long it took.
    pub took: Duration,
}

/// Runs the seeds `0..most` with this bug on, until one breaks a promise.
#[must_use]
pub fn hunt(bug: Bug, most: u64, jobs: usize) -> Caught {
    plant(Some(bug));
    let report = run(&Order { seeds: 0..most, jobs, most: None });
    plant(None);
    let by = report.broken.map(|(seed, violation)| (seed, violation.to_string()));
    Caught { bug, by, took: report.took }
}
