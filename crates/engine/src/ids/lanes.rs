//! What a look-up sees of the runs: a few filters, and behind each the runs it speaks for.
//!
//! A run of a higher level has a lane of its own. The many small runs of level 0 share: those that will be merged
//! together are a *cohort* with one more filter over all their rows, so a look-up of what is not there asks one filter
//! for eight of them. A run that was there before the process began has a lane of its own until it is merged.
//!
//! It must never leave a run without a lane. Read next: `runs.rs`, `filter.rs`.

use std::ops::Range;
use std::sync::Arc;

use super::filter::{Filter, Probe};
use super::run::Run;
use super::{Found, Row};
use crate::Fault;

/// Lanes beyond this many share one bit of what [`RunSet::hits`] says.
const SHARED: usize = 63;

/// The runs at one moment. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RunSet {
    /// Newest first; their ranges lie side by side down to 0.
    pub(super) runs: Arc<[Arc<Run>]>,
    lanes: Arc<[Lane]>,
}

struct Lane {
    filter: Arc<Filter>,
    /// Where its runs are among all.
    runs: Range<usize>,
}

impl RunSet {
    /// The view of these runs, newest first.
    pub(super) fn new(runs: Vec<Arc<Run>>, cohorts: &[Cohort]) -> RunSet {
        let mut lanes: Vec<Lane> = Vec::new();
        for (at, run) in runs.iter().enumerate() {
            let cohort = cohorts.iter().find(|cohort| cohort.range.contains(&run.about.from));
            let filter = cohort.map_or(&run.filter, |cohort| &cohort.filter);
            match lanes.last_mut() {
                Some(lane) if Arc::ptr_eq(&lane.filter, filter) => lane.runs.end = at + 1,
                _ => lanes.push(Lane { filter: Arc::clone(filter), runs: at..at + 1 }),
            }
        }
        RunSet { runs: runs.into(), lanes: lanes.into() }
    }

    /// Every row with a position below is in these runs.
    pub(crate) fn covered(&self) -> u64 {
        self.runs.first().map_or(0, |run| run.about.upto)
    }

    /// How many runs there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.runs.len()
    }

    /// Which lanes may have the hash, a bit for each, without a branch between one filter and the next.
    pub(super) fn hits(&self, probe: &Probe) -> u64 {
        let mut hits = 0;
        for (at, lane) in self.lanes.iter().enumerate() {
            hits |= u64::from(lane.filter.may_hold(probe)) << at.min(SHARED);
        }
        hits
    }

    /// The newest row of the hash in the lanes that `hits` names.
    pub(super) fn find(&self, probe: &Probe, hits: u64) -> Result<Option<Found>, Fault> {
        for (at, lane) in self.lanes.iter().enumerate() {
            if hits >> at.min(SHARED) & 1 == 0 {
                continue;
            }
            for run in &self.runs[lane.runs.clone()] {
                if run.filter.may_hold(probe)
                    && let Some(found) = run.find(probe.hash)?
                {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }
}

/// Runs of level 0 that will be merged together.
#[derive(Clone)]
pub(super) struct Cohort {
    /// The positions that its runs cover so far.
    range: Range<u64>,
    filter: Arc<Filter>,
    blocks: usize,
}

impl Cohort {
    /// An empty one that begins at `from`, for about `rows` rows.
    pub(super) fn begin(from: u64, rows: u64) -> Cohort {
        let blocks = Filter::blocks_for(rows);
        Cohort { range: from..from, filter: Arc::new(Filter::with_room(blocks)), blocks }
    }

    /// The same with one run more, of these rows by hash. Readers of the one before are not disturbed.
    pub(super) fn joined_by(&self, rows: &[Row], upto: u64) -> Cohort {
        let mut filter = self.filter.copy(self.blocks);
        rows.iter().for_each(|row| filter.add(row.hash, self.blocks));
        filter.fill_up(self.blocks);
        Cohort { range: self.range.start..upto, filter: Arc::new(filter), blocks: self.blocks }
    }

    /// Whether all its runs lie below this position.
    pub(super) fn is_below(&self, position: u64) -> bool {
        self.range.end <= position
    }
}
