//! Answers held back until a transaction is final, or at rest (`wait_ms`), each with an end of its own, so that none is
//! held for ever.

use std::collections::BTreeMap;

use transaction::{Time, Transaction, is_at_rest};

use super::{Partition, Replayed};
use crate::timers::Due;
use crate::{Answer, Respond, Until};

/// A held answer.
pub(crate) struct Waiter {
    pub number: u64,
    pub respond: Respond<Answer>,
    pub until: Time,
    waits_for: Until,
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
        (replayed, until): (Replayed, Option<(Time, Until)>),
    ) {
        let Some(slot) = self.memory.get_mut(number) else { return };
        let has_room = self.waiters.held.len() < self.config.waiters_max;
        let transaction = &slot.transaction;
        match until.filter(|(_, waits_for)| has_room && !has_come(*waits_for, transaction)) {
            Some((until, waits_for)) => {
                let id = self.waiters.hold(Waiter { number, respond, until, waits_for, replayed });
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

    /// The transaction has changed: answer everyone for whom what they waited for has come.
    pub(super) fn answer_waiters(&mut self, number: u64) {
        let Some(slot) = self.memory.get_mut(number) else { return };
        if slot.waiters.is_empty() {
            return;
        }
        let transaction = slot.transaction.clone();
        let held = &self.waiters.held;
        let waits = |id: &u64| held.get(id).is_some_and(|waiter| !has_come(waiter.waits_for, &transaction));
        let (stay, go) = std::mem::take(&mut slot.waiters).into_iter().partition(waits);
        slot.waiters = stay;
        let go: Vec<u64> = go;
        for id in go {
            let Some(waiter) = self.waiters.take(id) else { continue };
            self.meters.waiters.dec();
            self.timers.drop(waiter.until, Due::Waiter(id));
            let answer = self.answer(&transaction, waiter.replayed);
            self.release(waiter.respond, Ok(answer));
        }
    }
}

fn has_come(until: Until, transaction: &Transaction) -> bool {
    match until {
        Until::Final => transaction.phase.is_final(),
        Until::AtRest => transaction.phase.is_final() || is_at_rest(transaction),
    }
}
