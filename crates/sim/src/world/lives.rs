//! The lives of the process: it starts, takes its turns, keeps frames, stops, dies, and is started again.
//!
//! Whatever it makes durable, tells or calls passes the auditor before it goes anywhere. Read next: `process.rs`.

use engine::{Kept, Turned};

use super::happening::Happening;
use super::mishaps::Doom;
use super::{Stage, World};
use crate::dice::Dice;
use crate::plan::Fault;
use crate::process::{Start, start};
use crate::sight::Sight;
use crate::violation::{Judged, Must};

/// How long the process leaves alone what is due and cannot be done yet, in microseconds.
const OVERDUE: i64 = 1_000;
const DAY: i64 = 86_400_000_000;

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The power goes: what was not synced is kept or lost.
    PowerCut,
    /// The process goes: what was written stays.
    Kill,
}

impl World<'_> {
    fn chance(&self, name: &str) -> Dice {
        Dice::of(self.plan.seed, name, &[self.lives, self.now().cast_unsigned()])
    }

    /// Skew and rate of the clocks of the next life.
    fn clocks(&mut self) -> (i64, i64) {
        let mut dice = self.chance("clock");
        if !self.is_active() {
            return (0, 1_000);
        }
        let mut skew = 0;
        if self.plan.has(Fault::ClockJump) && dice.one_in(2) {
            skew = dice.within(-DAY, DAY);
            self.auditor.sights.see(Sight::ClockJumped);
        }
        let rate =
            if self.plan.has(Fault::ClockRate) { *dice.pick(&[100, 500, 3_000, 10_000]) } else { 1_000 };
        (skew, rate)
    }

    /// The supervisor starts the process.
    pub(super) fn start_process(&mut self) -> Judged {
        if self.life.is_some() {
            return Ok(());
        }
        let (clock, last) = (self.clocks(), self.auditor.last());
        self.lives += 1;
        self.cuts.arm(&self.storage);
        let is_torn = self.watch.tried().is_some_and(|tried| self.storage.has_piece_of(&tried.payload));
        let started = start(&Start {
            setup: &self.setup,
            storage: &self.storage,
            time: &self.time,
            clock,
            meters: &self.meters,
            trays: &self.trays,
            watch: &self.watch,
            read_from: if self.stage == Stage::Over { 0 } else { self.auditor.recent() },
        });
        let life = match started {
            Ok(life) => life,
            Err(why) => return self.start_refused(&why),
        };
        self.transcript.tell(self.time.now(), self.lives, || {
            format!(
                "START  life {} finds events up to {}",
                self.lives,
                life.stepped.engine().meters().durable.get()
            )
        });
        self.cuts.started(&self.storage);
        let tried = self.watch.take_tried();
        let was = self.auditor.last();
        self.auditor.reopened((life.found.0, &life.found.1), tried.as_ref())?;
        if is_torn && self.auditor.last() == was {
            self.auditor.sights.see(Sight::TornTailCut);
        }
        if std::mem::take(&mut self.is_archive_lost) && last > 0 {
            self.auditor.sights.see(Sight::ArchiveRebuilt);
        } else if life.archived < last {
            self.auditor.sights.see(Sight::ArchiveTrailed);
        }
        if life.first > 1 {
            self.auditor.sights.see(Sight::JournalReleased);
        }
        self.storage.mended();
        self.life = Some(life);
        (self.is_syncing, self.due_at, self.paused_until) = (false, None, 0);
        self.queue.put(self.now() + 5_000, Happening::Behind(self.lives));
        self.drive()
    }

    /// A start that failed needs a reason; whatever it was is put right, as an operator would.
    fn start_refused(&mut self, why: &str) -> Judged {
        self.transcript.tell(self.time.now(), self.lives, || format!("START  refused: {why}"));
        let is_sick = self.is_full || self.is_archive_sick;
        let had_reason = is_sick || self.has_struck() || self.storage.is_dead();
        if !had_reason && self.storage.restore() {
            self.auditor.sights.see(Sight::DamageRefused);
            let names_it = why.contains(".seg at byte") || why.contains("its last segment is missing or cut");
            let ahead = why.contains("the archive holds events up to");
            (names_it || ahead)
                .must("P3", || format!("a damaged folder is refused without saying where: {why}"))?;
        } else {
            had_reason.must("P3", || format!("a start on a whole folder is refused: {why}"))?;
        }
        if self.storage.is_dead() {
            self.auditor.sights.see(Sight::PowerCutInStart);
            let seed = self.chance("start").roll();
            self.loses_power(seed);
        } else {
            self.storage.kill();
        }
        self.storage.disarm();
        self.struck_before = self.storage.struck();
        self.queue.put(self.now() + 200_000, Happening::Start);
        Ok(())
    }

    /// A disk has failed a call since this life began.
    fn has_struck(&self) -> bool {
        self.storage.struck() > self.struck_before
    }

    /// The power goes: what is kept is told, or `seed` decides.
    fn loses_power(&mut self, seed: u64) {
        match self.cuts.strike(&self.storage) {
            None => self.storage.cut(seed),
            Some(struck) => {
                let words = || format!("CUT    in \"{}\": {:?}", struck.call, struck.way);
                self.transcript.tell(self.time.now(), 3, words);
            }
        }
    }

    /// While the process stands still, what comes waits at its door.
    pub(super) fn is_paused_for(&mut self, happening: impl FnOnce() -> Happening) -> bool {
        let is_paused = self.life.is_some() && self.paused_until > self.now();
        if is_paused {
            self.queue.put(self.paused_until, happening());
        }
        is_paused
    }

    /// The process takes its turns: decides what came, hands on what may go.
    pub(super) fn drive(&mut self) -> Judged {
        let Some(life) = &mut self.life else { return Ok(()) };
        let turned = life.stepped.turn();
        self.collect()?;
        match turned {
            Ok(Turned::Going) => {}
            Ok(Turned::Ended) => return self.stopped(),
            Err(fault) => return self.failed(&fault.to_string()),
        }
        let now = self.now();
        let Some(life) = &self.life else { return Ok(()) };
        if life.stepped.unkept() > 0 && !self.is_syncing {
            self.is_syncing = true;
            let latency = self.dice.delay(30_000);
            self.queue.put(now + latency, Happening::Synced(self.lives));
        }
        if let Some(at) = life.stepped.next_at() {
            // What is overdue waits for a sync, or for the next turn.
            let at = life.clock.when(at);
            let at = if at > now { at } else { now + OVERDUE };
            if self.due_at.is_none_or(|due| at < due) {
                self.due_at = Some(at);
                self.queue.put(at, Happening::Due(self.lives));
            }
        }
        Ok(())
    }

    /// Something is due in the process.
    pub(super) fn due(&mut self, life: u64) -> Judged {
        if life != self.lives || self.is_paused_for(|| Happening::Due(life)) {
            return Ok(());
        }
        if self.due_at.is_some_and(|due| due <= self.now()) {
            self.due_at = None;
        }
        self.drive()
    }

    /// A sync is over: the oldest frame is durable, or there was no room, or the disk failed.
    pub(super) fn synced(&mut self, life: u64) -> Judged {
        if life != self.lives || self.is_paused_for(|| Happening::Synced(life)) {
            return Ok(());
        }
        let Some(current) = &mut self.life else { return Ok(()) };
        self.is_syncing = false;
        let kept = current.stepped.keep();
        match kept {
            Err(fault) => {
                let told_nothing = self.trays.frames.is_empty() && self.trays.told.is_empty();
                told_nothing.must("P4", || format!("something was told after a fault: {fault}"))?;
                return self.failed(&fault.to_string());
            }
            Ok(Kept::NoRoom) => {
                self.is_syncing = true;
                self.auditor.sights.see(Sight::WaitedForRoom);
                self.queue.put(self.now() + 200_000, Happening::Synced(life));
            }
            Ok(Kept::Durable | Kept::Nothing) => {}
        }
        self.collect()?;
        self.drive()
    }

    /// The archive, the readers and the preparer of segments have their turn.
    pub(super) fn behind(&mut self, life: u64) -> Judged {
        if life != self.lives || self.is_paused_for(|| Happening::Behind(life)) {
            return Ok(());
        }
        let Some(current) = &mut self.life else { return Ok(()) };
        current.prepare();
        current.stepped.archive();
        current.stepped.read();
        self.collect()?;
        if self.storage.is_dead() {
            return self.dies(End::PowerCut, "in a call of the archive or the preparer");
        }
        let pause = self.dice.within(10_000, 230_000);
        self.queue.put(self.now() + pause, Happening::Behind(self.lives));
        self.drive()
    }

    /// Takes what left the process: frames first, then answers, then calls.
    pub(super) fn collect(&mut self) -> Judged {
        for frame in self.watch.take_durable() {
            self.transcript.tell(self.time.now(), frame.digest(), || {
                format!("kept   events {} to {}", frame.sequence, frame.last())
            });
            let finished = self.auditor.books.finished;
            self.auditor.durable(frame)?;
            if self.is_full && self.auditor.books.finished > finished {
                self.auditor.sights.see(Sight::FinishedWhileFull);
            }
        }
        let answers = self.trays.frames.take();
        if !answers.is_empty() && self.doom == Some(Doom::BeforeAnswers) {
            drop(answers);
            self.auditor.sights.see(Sight::CrashBeforeAnswer);
            return self.dies(End::PowerCut, "after a frame, before its answers");
        }
        for answers in answers {
            answers.give();
        }
        let told = self.trays.told.take();
        for (ask, told) in told {
            self.tells(ask, told)?;
        }
        let calls = self.trays.calls.take();
        let second = |call: &transaction::Call| !matches!(call.operation, "try" | "action" | "check");
        if self.doom == Some(Doom::BeforeCall) && calls.iter().any(|(call, _)| second(call)) {
            drop(calls);
            self.auditor.sights.see(Sight::CrashBeforeCall);
            return self.dies(End::Kill, "after a decision, before its calls");
        }
        for (call, heard) in calls {
            self.send_call(call, heard)?;
        }
        Ok(())
    }

    /// A fault ended the process.
    fn failed(&mut self, why: &str) -> Judged {
        if self.storage.is_dead() {
            self.auditor.sights.see(Sight::PowerCutInCall);
            return self.dies(End::PowerCut, why);
        }
        // A full disk is no reason: it is waited for.
        self.has_struck().must("P5", || format!("the process ended, and no disk had failed: {why}"))?;
        self.auditor.sights.see(Sight::SyncFailed);
        self.dies(End::Kill, why)
    }

    /// The process is gone; somebody will start it again.
    pub(super) fn dies(&mut self, end: End, how: &str) -> Judged {
        self.transcript.tell(self.time.now(), self.lives, || format!("END    {end:?}: {how}"));
        let mut dice = self.chance("death");
        match end {
            End::PowerCut => self.loses_power(dice.roll()),
            End::Kill => self.storage.kill(),
        }
        self.storage.disarm();
        self.ended(dice)
    }

    fn ended(&mut self, mut dice: Dice) -> Judged {
        // Its disks are dead to it already: what it still does when it is dropped reaches nobody.
        self.life = None;
        self.doom = None;
        if self.storage.struck_untold() > 0 {
            self.auditor.sights.see(Sight::AppliedUntold);
        }
        self.struck_before = self.storage.struck();
        self.trays.frames.take();
        self.trays.told.take();
        self.trays.calls.take();
        self.forget_calls();
        self.auditor.process_ended();
        let until = self.now() + dice.within(20_000, 600_000);
        self.queue.put(until, Happening::Start);
        if self.stage == Stage::Active {
            self.while_down(&mut dice);
        }
        Ok(())
    }

    /// The partition ended after a stop: what it decided is kept and told, then the process is gone.
    fn stopped(&mut self) -> Judged {
        self.auditor.sights.see(Sight::OrderlyStop);
        while let Some(life) = &mut self.life {
            match life.stepped.keep() {
                Ok(Kept::Durable) => self.collect()?,
                Ok(Kept::Nothing) => break,
                Ok(Kept::NoRoom) => return self.dies(End::Kill, "stopped on a full disk"),
                Err(fault) => return self.failed(&fault.to_string()),
            }
        }
        let Some(life) = self.life.take() else { return Ok(()) };
        life.stepped.finish();
        self.transcript.tell(self.time.now(), self.lives, || "END    stopped in good order".to_owned());
        if self.storage.is_dead() {
            return self.dies(End::PowerCut, "the power had gone before all was written");
        }
        self.storage.kill();
        self.storage.disarm();
        let dice = self.chance("death");
        self.ended(dice)
    }
}
