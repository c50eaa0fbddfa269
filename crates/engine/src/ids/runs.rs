//! The runs on disk: what readers see of them, and the one who writes, merges and lists them.
//!
//! [`Runs`] belongs to the archive's thread; what it gives out, a [`RunSet`], is a view that never changes and that the
//! partition reads from. A run counts from the moment the manifest names it. Each level has fewer than [`FAN`] runs, and
//! those of the next are that much larger; levels merge beside each other, the lowest first, so that small runs never
//! pile up behind a large merge.
//!
//! It must never list a file that is not durable, nor remove one that is listed.
//! Read next: `manifest.rs`, `run.rs`, `merge.rs`.

use std::sync::Arc;

use journal::Disk;

use super::files::{damaged, failed};
use super::filter::Probe;
use super::merge::Merge;
use super::run::{About, Run};
use super::run_writer::{Progress, RunWriter};
use super::window::Sealed;
use super::{Found, manifest};
use crate::Fault;

/// Runs of a level that become one of the next.
const FAN: usize = 8;
/// Runs beyond this many share one bit of what [`RunSet::hits`] says.
const SHARED: usize = 63;

/// The runs at one moment. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RunSet {
    /// Newest first; their ranges lie side by side down to 0.
    runs: Arc<[Arc<Run>]>,
}

impl RunSet {
    /// Every row with a position below is in these runs.
    pub(crate) fn covered(&self) -> u64 {
        self.runs.first().map_or(0, |run| run.about.upto)
    }

    /// How many runs there are.
    pub(crate) fn count(&self) -> usize {
        self.runs.len()
    }

    /// Which runs may have the hash, a bit for each, without a branch between one filter and the next.
    pub(super) fn hits(&self, probe: &Probe) -> u64 {
        let hit = |(at, run): (usize, &Arc<Run>)| u64::from(run.filter.may_hold(probe)) << at.min(SHARED);
        self.runs.iter().enumerate().map(hit).fold(0, |all, hit| all | hit)
    }

    /// The newest row of the hash in the runs that `hits` names.
    pub(super) fn find(&self, probe: &Probe, hits: u64) -> Result<Option<Found>, Fault> {
        for (at, run) in self.runs.iter().enumerate() {
            let named = hits >> at.min(SHARED) & 1 == 1;
            if named
                && run.filter.may_hold(probe)
                && let Some(found) = run.find(probe.hash)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// What a step of merging came to.
pub(crate) enum Step {
    /// Nothing is to be merged.
    Idle,
    /// There is more to do.
    Going,
    /// These runs are now on disk: give them to the partition.
    Installed(RunSet),
}

/// Writes, merges and lists runs. Owned by the archive's thread.
pub(crate) struct Runs {
    disk: Arc<dyn Disk>,
    fan: usize,
    set: RunSet,
    merges: Vec<Merge>,
}

impl Runs {
    /// Opens the runs in a folder of their own, and removes what cut-off work left there. A fault names the file that is
    /// missing or damaged; the folder may then be moved away.
    pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<Runs, Fault> {
        let listed = manifest::read(&*disk)?;
        for name in disk.list().map_err(failed(&*disk, "list the folder of", "manifest"))? {
            if manifest::is_left_over(&name, &listed) {
                disk.remove(&name).map_err(failed(&*disk, "remove", &name))?;
            }
        }
        let runs = listed.iter().map(|about| Run::open(&disk, *about).map(Arc::new));
        let set = RunSet { runs: runs.collect::<Result<_, _>>()? };
        Ok(Runs { disk, fan: FAN, set, merges: Vec::new() })
    }

    /// The same with another fan, for tests that want many levels of few rows.
    #[cfg(test)]
    pub(super) fn with_fan(mut self, fan: usize) -> Runs {
        self.fan = fan;
        self
    }

    /// The runs as they are now.
    pub(crate) fn set(&self) -> RunSet {
        self.set.clone()
    }

    /// Writes a window as a run. After a fault nothing has changed, and it may be tried again. A window that is covered
    /// already is passed over.
    pub(crate) fn write(&mut self, sealed: &Sealed) -> Result<RunSet, Fault> {
        if sealed.upto() <= self.set.covered() {
            return Ok(self.set());
        }
        assert_eq!(sealed.from(), self.set.covered(), "windows are written in their order");
        let rows = sealed.sorted();
        let about = About { level: 0, rows: rows.len() as u64, from: sealed.from(), upto: sealed.upto() };
        let mut writer = RunWriter::begin(&self.disk, about)?;
        let part = writer.part().to_owned();
        let written = || {
            rows.into_iter().try_for_each(|row| writer.push(row))?;
            writer.end_rows()?;
            while writer.write_tail(usize::MAX)? == Progress::Going {}
            writer.finish()
        };
        let run = written().inspect_err(|_| self.give_up(&part))?;
        self.install(&[], run)?;
        Ok(self.set())
    }

    /// Merges on by about `budget` rows (some 20 ns each). After a fault the merge begins anew with the next call.
    pub(crate) fn merge_step(&mut self, budget: usize) -> Result<Step, Fault> {
        self.begin_merges()?;
        let lowest = (0..self.merges.len()).min_by_key(|at| self.merges[*at].level());
        let Some(at) = lowest else { return Ok(Step::Idle) };
        match self.merges[at].step(budget) {
            Ok(Progress::Going) => return Ok(Step::Going),
            Ok(Progress::Done) => {}
            Err(fault) => {
                let merge = self.merges.swap_remove(at);
                self.give_up(merge.part());
                return Err(fault);
            }
        }
        let merge = self.merges.swap_remove(at);
        let part = merge.part().to_owned();
        let (inputs, run) = merge.finish().inspect_err(|_| self.give_up(&part))?;
        self.install(&inputs, run)?;
        for input in inputs {
            let name = input.about.name();
            // Left there, it is removed at the next start.
            if let Err(error) = self.disk.remove(&name) {
                tracing::warn!("a merged run of ids, {name}, could not be removed: {error}");
            }
        }
        Ok(Step::Installed(self.set()))
    }

    /// Begins a merge on each level that has enough runs and none under way.
    fn begin_merges(&mut self) -> Result<(), Fault> {
        let highest = self.set.runs.iter().map(|run| run.about.level).max().unwrap_or(0);
        for level in 0..=highest {
            if self.merges.iter().any(|merge| merge.level() == level) {
                continue;
            }
            let of_level = self.set.runs.iter().rev().filter(|run| run.about.level == level);
            let oldest: Vec<Arc<Run>> = of_level.take(self.fan).cloned().collect();
            if oldest.len() == self.fan {
                self.merges.push(Merge::begin(oldest)?);
            }
        }
        Ok(())
    }

    /// Lists `run` in place of `inputs`, durably, and shows it to readers.
    fn install(&mut self, inputs: &[Arc<Run>], run: Run) -> Result<(), Fault> {
        let name = run.about.name();
        let stays = |kept: &&Arc<Run>| !inputs.iter().any(|input| input.about == kept.about);
        let mut runs: Vec<Arc<Run>> = self.set.runs.iter().filter(stays).cloned().collect();
        let at = runs.partition_point(|kept| kept.about.from > run.about.from);
        runs.insert(at, Arc::new(run));
        if runs.windows(2).any(|pair| pair[0].about.from != pair[1].about.upto) {
            return Err(damaged(&*self.disk, &name, "it is no neighbour of the other runs"));
        }
        manifest::replace(&*self.disk, runs.iter().map(|run| run.about))?;
        self.set = RunSet { runs: runs.into() };
        Ok(())
    }

    /// Gives back the room of an unfinished file; what is left is removed at the next start.
    fn give_up(&self, part: &str) {
        let _ = self.disk.remove(part);
    }
}
