//! Requests to transactions that exist: reads, decisions, signals, registrations, retries.

use std::sync::Arc;

use transaction::refusal::BRANCHES_INVALID;
use transaction::{Command, Refusal, Time, Transaction, carry_out, next_due};

use super::begin::same_content;
use super::local::Counter;
use super::memory::{Shown, Slot};
use super::{Lookup, Partition, Replayed};
use crate::{Act, Answer, Respond};

impl Partition {
    /// Answers a request to a transaction.
    pub(super) fn act(&mut self, act: Box<Act>, respond: Respond<Answer>, now: Time) {
        let Some(number) = self.memory.number_of(&act.id) else {
            // Whatever is not in memory is in the archive, or nowhere.
            (self.ports.lookup)(Lookup::Act(act, respond));
            return;
        };
        let until = (act.wait_ms > 0).then(|| now.plus_ms(act.wait_ms));
        match self.try_act(&act, number, now) {
            Ok(replayed) => self.answer_or_wait(number, respond, (replayed, until.map(|by| (by, act.until)))),
            Err(refusal) => self.release(respond, Err(refusal)),
        }
    }

    fn try_act(&mut self, act: &Act, number: u64, now: Time) -> Result<Replayed, Refusal> {
        let Some(command) = &act.command else { return Ok(Replayed::No) };
        if let Some(key) = &act.key
            && let Some(row) = self.key_row(key)?
        {
            return same_content(key, &row).map(|()| Replayed::Yes);
        }
        self.check_room(command, number)?;
        let before = self.batch.last;
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::AcknowledgedUnkept) && matches!(command, Command::Signal { .. }) {
            return Ok(Replayed::No);
        }
        self.carry_out(number, command, now)?;
        if *command == Command::Retry {
            self.come_out_of_line(number);
        }
        let replayed = if self.batch.last == before { Replayed::Yes } else { Replayed::No };
        if let Some(key) = &act.key {
            self.keep_key(key, number, now);
        }
        Ok(replayed)
    }

    /// Carries out `command` on the transaction in memory: folds and keeps its events, then settles what they changed.
    /// Time goes first: what fell due before the command came is decided before it.
    pub(super) fn carry_out(&mut self, number: u64, command: &Command, now: Time) -> Result<(), Refusal> {
        let fell_due = |slot: &Slot| next_due(&slot.transaction).is_some_and(|due| due <= now);
        if *command != Command::Due && self.memory.get(number).is_some_and(fell_due) {
            self.decide(number, &Command::Due, now)?;
        }
        self.decide(number, command, now)
    }

    fn decide(&mut self, number: u64, command: &Command, now: Time) -> Result<(), Refusal> {
        let Some(slot) = self.memory.get_mut(number) else { return Ok(()) };
        let before = Shown::of(&slot.transaction);
        let sequence = slot.transaction.sequence;
        let mut desk = Counter { number, now, frame: &mut self.batch, vault: &mut self.vault };
        // Answers under way may still hold the former state: it is copied then, and only then.
        let transaction: &mut Transaction = Arc::make_mut(&mut slot.transaction);
        let outcome = carry_out(transaction, command, now, &mut desk);
        if transaction.sequence != sequence {
            tell(&before, transaction);
            self.memory.changed(&before, number);
            self.settle(number);
        }
        outcome
    }

    fn check_room(&mut self, command: &Command, number: u64) -> Result<(), Refusal> {
        let Some(slot) = self.memory.get(number) else { return Ok(()) };
        let most = self.config.limits.branches;
        let spec = match command {
            Command::Register(spec) => spec,
            // A step is done, and perhaps undone.
            Command::Progress(_) if slot.transaction.progress.len() >= most * 2 => {
                return Err(
                    BRANCHES_INVALID.because(format!("a workflow tells of at most {} steps", most * 2))
                );
            }
            _ => return Ok(()),
        };
        let is_known = slot.transaction.branch_index(&spec.id).is_some();
        if !is_known && slot.transaction.branches.len() >= most {
            return Err(BRANCHES_INVALID
                .because(format!("the transaction has {most} branches, as many as are allowed")));
        }
        // A branch is new work: the reserve is kept for what is open to finish.
        if is_known { Ok(()) } else { self.refuses_new().map_or(Ok(()), Err) }
    }
}

/// Tells the log what an operator wants to know: who needs attention, and, at debug level, what became final.
fn tell(before: &Shown, transaction: &Transaction) {
    let (id, trace_id, state) = (&*transaction.spec.id, transaction.trace, transaction.state_name());
    if transaction.needs_attention() && !before.needs_attention {
        let stuck = transaction.branches.iter().find(|branch| branch.pace.needs_attention);
        let branch = stuck.map_or("check", |branch| &*branch.spec.id);
        tracing::warn!(transaction = id, %trace_id, branch, state, "needs attention: retries do not help");
    }
    if transaction.phase.is_final() && !before.phase.is_final() {
        tracing::debug!(transaction = id, %trace_id, state, "is final");
    }
}
