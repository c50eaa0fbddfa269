//! The runs on disk: who writes, merges and lists them.
//!
//! [`Runs`] belongs to the archive's thread; what it gives out, a [`RunSet`], is a view that never changes and that the
//! partition reads from. A run counts from the moment the manifest names it. Each level has fewer than [`FAN`] runs, and
//! those of the next are that much larger; levels merge beside each other, the lowest first, so that small runs never
//! pile up behind a large merge.
//!
//! It must never list a file that is not durable, nor remove one that is listed.
//! Read next: `lanes.rs` (what readers see), `manifest.rs`, `run.rs`, `merge.rs`.

use std::sync::Arc;

use journal::Disk;

use super::files::{damaged, failed};
use super::lanes::{Cohort, RunSet};
use super::manifest;
use super::merge::Merge;
use super::run::{About, Run};
use super::run_writer::{Progress, RunWriter};
use super::window::Sealed;
use crate::Fault;

/// Runs of a level that become one of the next.
const FAN: usize = 8;
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
    /// Oldest first.
    cohorts: Vec<Cohort>,
    merges: Vec<Merge>,
}

impl Runs {
    /// Opens the runs in a folder of their own, and removes what cut-off work left there. A fault names the file that is
    /// missing or damaged; the folder may then be moved away.
    pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<Runs, Fault> {
        let listed = manifest::read(&*disk)?;
        // A process killed between a name and its sync leaves a manifest that only the page cache knows: it must be
        // durable before anything it no longer lists is removed.
        disk.sync_dir().map_err(failed(&*disk, "sync the folder of", "manifest"))?;
        for name in disk.list().map_err(failed(&*disk, "list the folder of", "manifest"))? {
            if manifest::is_left_over(&name, &listed) {
                disk.remove(&name).map_err(failed(&*disk, "remove", &name))?;
            }
        }
        let runs = listed.iter().map(|about| Run::open(&disk, *about).map(Arc::new));
        let set = RunSet::new(runs.collect::<Result<_, _>>()?, &[]);
        Ok(Runs { disk, fan: FAN, set, cohorts: Vec::new(), merges: Vec::new() })
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
            rows.iter().try_for_each(|row| writer.push(*row))?;
            writer.end_rows()?;
            while writer.write_tail(usize::MAX)? == Progress::Going {}
            writer.finish()
        };
        let run = written().inspect_err(|_| self.give_up(&part))?;
        let mut cohorts = self.cohorts.clone();
        // Merges take the oldest of level 0, so cohorts and what is merged have the same bounds.
        let small = self.set.runs.iter().filter(|run| run.about.level == 0).count();
        let latest = cohorts.pop_if(|_| !small.is_multiple_of(self.fan));
        let latest = latest.unwrap_or_else(|| {
            let most = about.rows + about.rows / 16;
            Cohort::begin(about.from, most * self.fan as u64)
        });
        cohorts.push(latest.joined_by(&rows, about.upto));
        self.install(&[], run, cohorts)?;
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
        let upto = run.about.upto;
        let cohorts = self.cohorts.iter().filter(|cohort| !cohort.is_below(upto)).cloned().collect();
        self.install(&inputs, run, cohorts)?;
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
    fn install(&mut self, inputs: &[Arc<Run>], run: Run, cohorts: Vec<Cohort>) -> Result<(), Fault> {
        let name = run.about.name();
        let stays = |kept: &&Arc<Run>| !inputs.iter().any(|input| input.about == kept.about);
        let mut runs: Vec<Arc<Run>> = self.set.runs.iter().filter(stays).cloned().collect();
        let at = runs.partition_point(|kept| kept.about.from > run.about.from);
        runs.insert(at, Arc::new(run));
        if runs.windows(2).any(|pair| pair[0].about.from != pair[1].about.upto) {
            return Err(damaged(&*self.disk, &name, "it is no neighbour of the other runs"));
        }
        manifest::replace(&*self.disk, runs.iter().map(|run| run.about))?;
        self.set = RunSet::new(runs, &cohorts);
        self.cohorts = cohorts;
        Ok(())
    }

    /// Gives back the room of an unfinished file; what is left is removed at the next start.
    fn give_up(&self, part: &str) {
        let _ = self.disk.remove(part);
    }
}
