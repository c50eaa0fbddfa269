//! What follows every change of a transaction: its timer, its held answers, the release of its calls.

use transaction::{Command, Time, next_due, wanted};

use super::Partition;
use crate::timers::Due;

impl Partition {
    /// Brings timer, waiters and calls in line with the transaction as it now stands.
    pub(super) fn settle(&mut self, number: u64) {
        let Some(slot) = self.memory.get(number) else { return };
        let is_final = slot.transaction.phase.is_final();
        if !slot.waiters.is_empty() {
            self.answer_waiters(number);
        }
        if let Some(slot) = self.memory.get(number).filter(|_| !is_final) {
            self.released.push_back((slot.transaction.sequence, number));
        }
        self.rearm(number);
    }

    /// Sets the transaction's one timer to the earliest time at which something is due.
    pub(super) fn rearm(&mut self, number: u64) {
        let Some(slot) = self.memory.get_mut(number) else { return };
        let transaction = &slot.transaction;
        let mut due = None;
        if !transaction.phase.is_final() {
            let later = wanted(transaction)
                .filter(|target| !slot.is_in_flight(target))
                .map(|target| slot.ready_at(&target))
                .filter(|at| *at > Time::START);
            due = later.chain(next_due(transaction)).min();
        }
        if due == slot.due {
            return;
        }
        let former = std::mem::replace(&mut slot.due, due);
        if let Some(at) = former {
            self.timers.drop(at, Due::Transaction(number));
        }
        if let Some(at) = due {
            self.timers.set(at, Due::Transaction(number));
        }
    }

    /// The transaction's timer went off.
    pub(super) fn fell_due(&mut self, number: u64, now: Time) {
        self.memory.set_due(number, None);
        // Nobody asked, so nobody is refused.
        let _ = self.carry_out(number, &Command::Due, now);
        self.start_calls(number, now);
    }
}
