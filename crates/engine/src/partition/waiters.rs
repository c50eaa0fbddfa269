//! Answers held back until a transaction is final (`wait_ms`), each with an end of its own, so that none is held for ever.

use std::collections::BTreeMap;

use transaction::Time;

use super::{Partition, Replayed};
use crate::timers::Due;
use crate::{Answer, Respond};

/// A held answer.
pub(crate) struct Waiter {
    pub number: u64,
    pub respond: Respond<Answer>,
    pub until: Time,
    replayed: Replayed,
}

/// The held answers of a partition, by id.
#[derive(Default)]
pub(crate) struct Waiters {
    held: BTreeMap<u64, Waiter>,
    next: u64,
}

impl Waiters {
    pub(crate) fn first(&self) -> Option<u64> {
        self.held.keys().next().copied()
    }

    fn hold(&mut self, waiter: Waiter) -> u64 {
        self.next += 1;
        self.held.insert(self.next, waiter);
        self.next
    }

    fn take(&mut self, id: u64) -> Option<Waiter> {
        self.held.remove(&id)
    }
}

impl Partition {
    /// Answers with the transaction as it stands, or holds the answer until it is final, `wait_ms` at most.
    pub(super) fn answer_or_wait(
        &mut self,
        number: u64,
        respond: Respond<Answer>,
        (replayed, until): (Replayed, Option<Time>),
    ) {
        let Some(slot) = self.memory.get_mut(number) else { return };
        let may_wait =
            !slot.transaction.phase.is_final() && self.waiters.held.len() < self.config.waiters_max;
        match until.filter(|_| may_wait) {
            Some(until) => {
                let id = self.waiters.hold(Waiter { number, respond, until, replayed });
                slot.waiters.push(id);
                self.timers.set(until, Due::Waiter(id));
                self.meters.waiters.inc();
            }
            None => {
                let transaction = slot.transaction.clone();
                let answer = self.answer(&transaction, replayed);
                self.release(respond, Ok(answer));
            }
        }
    }

    /// The time of a held answer is over: answer with the transaction as it stands.
    pub(super) fn waited_enough(&mut self, id: u64) {
        let Some(waiter) = self.waiters.take(id) else { return };
        self.meters.waiters.dec();
        self.timers.drop(waiter.until, Due::Waiter(id));
        let Some(slot) = self.memory.get_mut(waiter.number) else { return };
        slot.waiters.retain(|held| *held != id);
        let transaction = slot.transaction.clone();
        let answer = self.answer(&transaction, waiter.replayed);
        self.release(waiter.respond, Ok(answer));
    }

    /// The transaction is final: answer everyone who waited for it.
    pub(super) fn answer_waiters(&mut self, number: u64) {
        let Some(slot) = self.memory.get_mut(number) else { return };
        let ids = std::mem::take(&mut slot.waiters);
        let transaction = slot.transaction.clone();
        for id in ids {
            let Some(waiter) = self.waiters.take(id) else { continue };
            self.meters.waiters.dec();
            self.timers.drop(waiter.until, Due::Waiter(id));
            let answer = self.answer(&transaction, waiter.replayed);
            self.release(waiter.respond, Ok(answer));
        }
    }
}
