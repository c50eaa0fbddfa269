//! What happens when: one queue in true time. What comes at one time goes in the order in which it was put there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::auditor::Told;
use crate::participant::Delivery;
use crate::process::Ask;
use transaction::Reply;

/// A call that an initiator or the process made: a number of its own.
pub(crate) type CallNumber = u64;

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Happening {
    /// An actor goes on with the step of this number, if it still stands there.
    Act(usize, usize),
    /// A request reaches the process.
    Request(Ask),
    /// An answer reaches the actor who asked.
    Answer(Ask, Box<Told>),
    /// An actor has waited long enough for its answer.
    Impatience(Ask),
    /// A call of the process reaches a participant.
    Call(CallNumber, Box<Delivery>),
    /// A participant's answer reaches the process.
    Reply(CallNumber, Reply),
    /// A call of the process has taken too long.
    TimeOut(CallNumber),
    /// An initiator's own try reaches a participant.
    OwnTry(Ask, Box<(String, Delivery)>),
    /// The process of this life has something due.
    Due(u64),
    /// A sync of the process of this life is over.
    Synced(u64),
    /// The archive, the readers and the preparer of this life have their turn.
    Behind(u64),
    /// Something goes wrong, by its place in the plan.
    Mishap(usize),
    /// What went wrong is over.
    Over(usize),
    /// The process is started again.
    Start,
    /// Faults end.
    Heal,
    /// Is everything settled? Participants clean up.
    Look,
}

/// What is to come, and room for what has come.
#[derive(Default)]
pub(crate) struct Queue {
    order: BinaryHeap<Reverse<(i64, usize)>>,
    /// By the order in which they were put there; those that have happened are gone.
    happenings: Vec<Option<Happening>>,
}

impl Queue {
    /// It will happen at `at`.
    pub(crate) fn put(&mut self, at: i64, happening: Happening) {
        self.order.push(Reverse((at, self.happenings.len())));
        self.happenings.push(Some(happening));
    }

    /// What happens next, and when.
    pub(crate) fn take(&mut self) -> Option<(i64, Happening)> {
        let Reverse((at, number)) = self.order.pop()?;
        self.happenings.get_mut(number)?.take().map(|happening| (at, happening))
    }
}
