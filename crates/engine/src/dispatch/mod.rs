//! Who may be called now: a bounded queue, a limit of concurrent calls, a rate, a retry budget and a breaker per participant,
//! so that a sick one delays nobody else.
//!
//! Plain bookkeeping: it sends nothing and remembers no outcome. What it turns away is asked again later by the caller.

mod breaker;
mod bucket;
mod participant;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use transaction::{CallTarget, Reply, Time};

use crate::{Config, Meters};
use bucket::Bucket;
use participant::{ANSWERED, Participant};

/// Participants remembered at once; idle ones beyond it are forgotten.
const PARTICIPANTS_MAX: usize = 4_096;

/// Repeats a second to all participants together while nothing is answered, and how many may come at once.
const REPEATS_PER_SECOND: u32 = 500;
const REPEATS_AT_ONCE: u32 = 2_000;
/// The name that participants share beyond [`PARTICIPANTS_MAX`].
const OTHERS: &str = "others";

/// One call of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// The transaction's number.
    pub number: u64,
    /// What it wants called.
    pub target: CallTarget,
}

/// What became of an offered call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is queued and will come out of [`Dispatch::next`].
    Queued,
    /// There is no room: offer it again at this time.
    PutOff(Time),
    /// The breaker is open: count it as a failed attempt without calling.
    Barred,
}

/// What to do with a call that comes out of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Send it.
    Send,
    /// The breaker opened meanwhile: count it as a failed attempt without calling.
    Barred,
    /// Nobody wants it any more.
    Unwanted,
}

/// The participants and their queues.
pub(crate) struct Dispatch {
    participants: HashMap<Arc<str>, Participant>,
    /// Names of participants with queued calls, in the order in which they are served.
    turn: VecDeque<Arc<str>>,
    in_flight: usize,
    /// Repeats to all participants together.
    repeats: Bucket,
    config: Config,
    meters: Arc<Meters>,
}

impl Dispatch {
    pub(crate) fn new(config: &Config, meters: &Arc<Meters>) -> Dispatch {
        Dispatch {
            participants: HashMap::new(),
            turn: VecDeque::new(),
            in_flight: 0,
            repeats: Bucket::new(REPEATS_PER_SECOND, REPEATS_AT_ONCE),
            config: config.clone(),
            meters: Arc::clone(meters),
        }
    }

    /// Offers a call to `name`.
    pub(crate) fn offer(&mut self, name: &str, job: Job, now: Time) -> Offer {
        let name = self.known(name, now);
        let Some(participant) = self.participants.get_mut(&name) else {
            return Offer::PutOff(now.plus_ms(1_000));
        };
        let offer = participant.offer(job, now);
        if offer == Offer::Queued && participant.queued() == 1 {
            self.turn.push_back(name);
        }
        offer
    }

    /// Lets a call to `name` stand in line until its breaker lets it through; `false`: the line is as long as it may be.
    pub(crate) fn line_up(&mut self, name: &str, job: Job) -> bool {
        let Some((known, _)) = self.participants.get_key_value(name) else { return false };
        let known = Arc::clone(known);
        let Some(participant) = self.participants.get_mut(&known) else { return false };
        let waits = participant.line_up(job);
        if waits && participant.queued() == 1 {
            self.turn.push_back(known);
        }
        waits
    }

    /// Takes a call to `name` out of its line; `false`: it does not stand there.
    pub(crate) fn leave_line(&mut self, name: &str, is_it: &dyn Fn(&Job) -> bool) -> bool {
        self.participants.get_mut(name).is_some_and(|participant| participant.leave_line(is_it))
    }

    /// Takes the next call that leaves its queue at `now`, with its participant; one to be sent has its place until
    /// [`Dispatch::heard`]. What is no longer `wanted` leaves first, and costs nobody anything.
    pub(crate) fn next(&mut self, now: Time, wanted: &dyn Fn(&Job) -> bool) -> Option<(Arc<str>, Job, Exit)> {
        let free = self.free();
        for _ in 0..self.turn.len() {
            let name = self.turn.pop_front()?;
            let Some(participant) = self.participants.get_mut(&name) else { continue };
            let next = participant.next(now, (free, &mut self.repeats), wanted);
            if participant.queued() > 0 {
                self.turn.push_back(Arc::clone(&name));
            }
            if let Some((job, exit)) = next {
                self.in_flight += usize::from(exit == Exit::Send);
                return Some((name, job, exit));
            }
        }
        None
    }

    /// A call that was sent has been answered, or given up.
    pub(crate) fn heard(&mut self, name: &str, reply: &Reply, now: Time) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if !matches!(reply, Reply::Unknown { .. }) {
            self.repeats.deposit(ANSWERED);
        }
        if let Some(participant) = self.participants.get_mut(name) {
            participant.heard(reply, now);
        }
    }

    /// Calls under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// When a queued call may go out by the passing of time alone (a rate, a breaker's pause).
    pub(crate) fn next_at(&self, now: Time) -> Option<Time> {
        let free = self.free();
        let participants = self.turn.iter().filter_map(|name| self.participants.get(name));
        participants.filter_map(|participant| participant.next_at(now, free, &self.repeats)).min()
    }

    /// Places that are free. A participant may have as many under way as others could still have: whoever hangs
    /// takes half of them, the next a quarter, and one is always left.
    fn free(&self) -> usize {
        self.config.calls_max.saturating_sub(self.in_flight)
    }

    /// The name under which a participant is known. When too many are busy at once, the further ones share one name.
    fn known(&mut self, name: &str, now: Time) -> Arc<str> {
        if let Some((known, _)) = self.participants.get_key_value(name) {
            return Arc::clone(known);
        }
        if self.participants.len() >= PARTICIPANTS_MAX {
            let meters = &self.meters;
            self.participants.retain(|name, participant| {
                let stays = !participant.is_idle(now);
                if !stays {
                    meters.forget(name);
                }
                stays
            });
        }
        let has_room = self.participants.len() < PARTICIPANTS_MAX;
        let known: Arc<str> = Arc::from(if has_room { name } else { OTHERS });
        let limits = self.config.participants.get(name).unwrap_or(&self.config.participant);
        let meters = &self.meters;
        self.participants
            .entry(Arc::clone(&known))
            .or_insert_with(|| Participant::new(&known, limits, meters));
        known
    }
}

#[cfg(test)]
mod tests;
