//! What goes wrong from outside, and when: kills, power cuts, pauses, failing and full disks, outages, partitions.
//!
//! Drawn once per seed. To add one: a kind of [`What`], where it is drawn, and what it does. Read next: `plan.rs`.

use journal::disk::fake::{Call, Trouble};

use super::happening::Happening;
use super::lives::End;
use super::traffic::{Partition, Route};
use super::{Stage, World};
use crate::auditor::Auditor;
use crate::dice::Dice;
use crate::plan::{Fault, Plan};
use crate::process::{Setup, Start, Trays, second_is_refused, start};
use crate::script::HOSTS;
use crate::sight::Sight;
use crate::storage::Storage;
use crate::violation::{Judged, Must, Violation};

/// Something that goes wrong at a time, counted from the beginning of activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mishap {
    pub(super) at: i64,
    what: What,
    /// How long it lasts, in microseconds.
    lasts: i64,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug)]
enum What {
    End(End),
    /// At the next chance of this kind.
    Doomed(Doom),
    /// The power goes in the middle of a disk call; a number that chooses which.
    CutInCall(u64),
    Pause,
    Disk(Trouble),
    Full,
    Archive,
    Outage(u64),
    Partition(Route),
    /// A stop in good order.
    Stop,
    /// A second process on the folder.
    Second,
    /// A copy of the disks crashes, while the history goes on.
    Copy,
}

/// The next frame, or call, is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doom {
    BeforeAnswers,
    BeforeCall,
}

/// All that goes wrong from outside in one seed.
pub(super) fn drawn(plan: &Plan, activity: i64) -> Vec<Mishap> {
    let mut mishaps = Vec::new();
    if plan.is_calm() {
        return mishaps;
    }
    let mut draw = |kind: Fault, most: u64, what: &dyn Fn(&mut Dice) -> What| {
        let mut dice = Dice::of(plan.seed, "mishap", &[kind as u64]);
        if plan.has(kind) {
            for _ in 0..=dice.below(most) {
                let (at, lasts) = (dice.within(0, activity), dice.within(100_000, 3_500_000));
                mishaps.push(Mishap { at, what: what(&mut dice), lasts });
            }
        }
    };
    draw(Fault::Kill, 2, &|dice| match dice.below(4) {
        0 => What::Doomed(Doom::BeforeCall),
        1 => What::Stop,
        _ => What::End(End::Kill),
    });
    draw(Fault::PowerCut, 2, &|dice| match dice.below(4) {
        0 => What::Doomed(Doom::BeforeAnswers),
        1 | 2 => What::CutInCall(dice.roll()),
        _ => What::End(End::PowerCut),
    });
    draw(Fault::Pause, 2, &|_| What::Pause);
    draw(Fault::DiskError, 1, &|dice| What::Disk(trouble(dice)));
    draw(Fault::DiskFull, 1, &|_| What::Full);
    draw(Fault::ArchiveError, 2, &|_| What::Archive);
    draw(Fault::Outage, 3, &|dice| What::Outage(dice.roll()));
    draw(Fault::Partition, 3, &|dice| What::Partition(*dice.pick(&Route::ALL)));
    let mut dice = Dice::of(plan.seed, "mishap", &[]);
    if dice.one_in(4) {
        mishaps.push(Mishap { at: dice.within(0, activity), what: What::Second, lasts: 0 });
    }
    for _ in 0..dice.below(2) {
        mishaps.push(Mishap { at: dice.within(0, activity), what: What::Copy, lasts: 0 });
    }
    mishaps
}

/// A disk call that fails, or is done and answered as failed.
fn trouble(dice: &mut Dice) -> Trouble {
    let calls =
        [Call::Write, Call::Sync, Call::Create, Call::Rename, Call::Remove, Call::SyncDir, Call::Read];
    let call = *dice.pick(&calls);
    let after = u32::try_from(dice.below(6)).unwrap_or(0);
    match dice.below(3) {
        0 => Trouble::Applied { call, after },
        1 => Trouble::Tear { after, taken: usize::try_from(dice.within(1, 900)).unwrap_or(1) },
        _ => Trouble::Fail { call, after },
    }
}

impl World<'_> {
    /// Something goes wrong.
    pub(super) fn mishap(&mut self, index: usize) -> Judged {
        let Mishap { what, lasts, .. } = self.mishaps[index];
        if self.stage != Stage::Active {
            return Ok(());
        }
        self.transcript.tell(self.time.now(), index as u64, || format!("MISHAP {what:?}"));
        self.queue.put(self.now() + lasts, Happening::Over(index));
        match what {
            What::End(end) if self.life.is_some() => return self.dies(end, "from outside"),
            What::Doomed(doom) => self.doom = Some(doom),
            What::CutInCall(choice) if self.life.is_some() => {
                let trouble = Trouble::Cut { after: u32::try_from(choice % 5).unwrap_or(0) };
                match choice % 7 {
                    0 => self.storage.shelf.history().arm(trouble),
                    1 => self.storage.shelf.ids().arm(trouble),
                    _ => self.storage.journal.arm(trouble),
                }
            }
            What::Pause if self.life.is_some() => {
                self.paused_until = self.now() + lasts;
                if lasts > 1_000_000 {
                    self.auditor.sights.see(Sight::Paused);
                }
            }
            What::Disk(trouble) if self.life.is_some() => {
                let mut dice = Dice::of(self.plan.seed, "which disk", &[index as u64]);
                let disks: Vec<_> = self.storage.disks().collect();
                dice.pick(&[disks[0], disks[0], disks[0], disks[1], disks[2]]).arm(trouble);
            }
            What::Full => self.fill_disk(),
            What::Archive => {
                self.storage.shelf.trouble(Some("it cannot be written"));
                self.is_archive_sick = true;
            }
            What::Outage(choice) => {
                let host = HOSTS[usize::try_from(choice % 3).unwrap_or(0)];
                let until = self.now() + lasts;
                self.participants.entry(host.to_owned()).or_default().gone_until = until;
            }
            What::Partition(route) => {
                self.partition = Some(Partition { route, until: self.now() + lasts });
            }
            What::Stop => {
                if let Some(life) = &mut self.life {
                    life.stepped.stop();
                    return self.drive();
                }
            }
            What::Second if self.life.is_some() => {
                self.auditor.sights.see(Sight::SecondProcessRefused);
                return second_is_refused(&self.setup, &self.storage)
                    .must("P6", || "a second process opened the folder".to_owned());
            }
            What::Copy => return self.copy_crashes(index as u64),
            What::End(_) | What::CutInCall(_) | What::Pause | What::Disk(_) | What::Second => {}
        }
        Ok(())
    }

    /// What went wrong is over.
    pub(super) fn mishap_over(&mut self, index: usize) -> Judged {
        match self.mishaps[index].what {
            What::Full => self.free_disk(),
            What::Archive => self.cure_archive(),
            _ => {}
        }
        Ok(())
    }

    fn fill_disk(&mut self) {
        let room = self.dice.below(3) * 6_000;
        self.storage.journal.set_capacity(Some(self.storage.journal.used() + room));
        self.storage.shelf.history().set_capacity(Some(self.storage.shelf.history().used()));
        self.storage.shelf.ids().set_capacity(Some(self.storage.shelf.ids().used()));
        self.storage.shelf.trouble(Some("No space left on device"));
        self.is_full = true;
    }

    fn cure_archive(&mut self) {
        self.storage.shelf.trouble(None);
        self.is_archive_sick = false;
    }

    fn free_disk(&mut self) {
        self.storage.journal.set_capacity(None);
        self.storage.shelf.history().set_capacity(None);
        self.storage.shelf.ids().set_capacity(None);
        self.cure_archive();
        let was_full = std::mem::take(&mut self.is_full);
        self.awaits_room |= was_full && self.auditor.sights.count(Sight::StorageFull) > 0;
    }

    /// While the process is down its folder may come to harm.
    pub(super) fn while_down(&mut self, dice: &mut Dice) {
        if self.is_full {
            return;
        }
        let is_whole = self.setup.keeps_all();
        if self.plan.has(Fault::ArchiveLoss) && is_whole && dice.one_in(2) {
            self.storage.lose_archive();
            self.is_archive_lost = true;
        }
        if self.plan.has(Fault::PowerCut) && dice.one_in(3) {
            // The power goes again, in the middle of the next start.
            let disk = *dice.pick(&[&self.storage.journal, self.storage.shelf.history()]);
            disk.arm(Trouble::Cut { after: u32::try_from(dice.below(8)).unwrap_or(0) });
        }
        if self.plan.has(Fault::Damage)
            && dice.one_in(2)
            && let Some(payload) = self.auditor.last_frame()
        {
            // What the archive has for good is known to have been durable: even the last frame may not be missing then.
            let persisted = self.storage.copy().shelf.open().map_or(0, |archive| archive.persisted());
            let is_harmed = if persisted == self.auditor.last() && dice.one_in(2) {
                self.storage.lose_last_frame(&payload)
            } else {
                self.storage.damage_journal(&payload, dice)
            };
            self.transcript
                .tell(self.time.now(), 1, || format!("MISHAP the journal is damaged: {is_harmed}"));
        }
        if self.plan.has(Fault::Damage) && !self.storage.is_damaged() {
            self.storage.grows_older();
        }
    }

    /// A copy of the disks loses its power: a process must start on it, and find what was told.
    fn copy_crashes(&mut self, number: u64) -> Judged {
        if self.life.is_none() || self.is_full || self.storage.is_dead() {
            return Ok(());
        }
        let mut dice = Dice::of(self.plan.seed, "copy", &[number]);
        let copy = self.storage.copy();
        copy.cut(dice.roll());
        crashed_copy(&self.setup, &copy, (&self.auditor, &self.watch))
    }

    /// Faults end: everything works from now on.
    pub(super) fn heal(&mut self) -> Judged {
        self.transcript.tell(self.time.now(), 2, || "HEALED".to_owned());
        self.stage = Stage::Healed;
        self.storage.disarm();
        self.free_disk();
        self.cure_archive();
        self.doom = None;
        self.partition = None;
        self.participants.values_mut().for_each(|participant| participant.gone_until = 0);
        self.queue.put(self.now() + 100_000, Happening::Look);
        if self.storage.is_dead() {
            return self.dies(End::PowerCut, "the power had gone");
        }
        Ok(())
    }
}

/// Starts a process on a crashed copy, and judges what it finds.
fn crashed_copy(setup: &Setup, copy: &Storage, (auditor, watch): (&Auditor, &crate::log::Watch)) -> Judged {
    let (time, meters, trays) =
        (crate::clock::TrueTime::default(), std::sync::Arc::default(), Trays::default());
    time.set(crate::transcript::BEGINNING);
    let own = crate::log::Watch::default();
    let started = start(&Start {
        setup,
        storage: copy,
        time: &time,
        clock: (0, 1_000),
        meters: &meters,
        trays: &trays,
        watch: &own,
        read_from: auditor.recent(),
    });
    match started {
        Err(why) => Err(Violation::new("P3", format!("a crashed copy is refused: {why}"))),
        Ok(life) => auditor.copy_found((life.found.0, &life.found.1), watch.tried().as_ref()),
    }
}
