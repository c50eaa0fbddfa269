//! Branch calls: started when what they rest on is durable, answered by a command like any other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use transaction::{CallTarget, Command, Reply, Time, wanted};

use super::Partition;
use crate::dispatch::{Exit, Job, Offer};
use crate::meters::{CallLabels, ParticipantLabels};

/// A call under way: what its answer belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    number: u64,
    target: CallTarget,
    participant: Arc<str>,
    sent_at: Time,
}

impl Partition {
    /// Offers every call that the transaction wants now and that is not under way.
    pub(super) fn start_calls(&mut self, number: u64, now: Time) {
        let Some(slot) = self.memory.get(number) else { return };
        let rests_on_durable = slot.transaction.sequence <= self.durable;
        #[cfg(feature = "planted")]
        let rests_on_durable = rests_on_durable || planted::is(planted::Bug::CallBeforeDurable);
        if !rests_on_durable {
            return; // what it wants rests on events that are not durable yet; their release will come
        }
        let due: Vec<CallTarget> = wanted(&slot.transaction)
            .filter(|target| slot.ready_at(target) <= now && !slot.is_in_flight(target))
            .collect();
        for target in due {
            self.offer(&Job { number, target }, now);
        }
        self.rearm(number);
        self.send_calls(now);
    }

    fn offer(&mut self, job: &Job, now: Time) {
        let Some(slot) = self.memory.get_mut(job.number) else { return };
        let Some(url) = slot.transaction.url(job.target) else { return };
        let participant = self.ports.network.participant(url);
        match self.dispatch.offer(&participant, job.clone(), now) {
            Offer::Queued => slot.in_flight.push((job.target.branch, job.target.operation)),
            Offer::PutOff(at) => slot.put_off(job.target, at),
            Offer::Barred => {
                slot.in_flight.push((job.target.branch, job.target.operation));
                self.bar(job, &participant, now);
            }
        }
    }

    /// The breaker keeps a call back: it counts as failed until a person is asked to look, and then just waits, so that
    /// a participant that is gone for long fills no journal.
    fn bar(&mut self, job: &Job, participant: &str, now: Time) {
        let Some(slot) = self.memory.get(job.number) else { return };
        // Repeats that are counted are calls that were made.
        let counts = slot.transaction.spec.terms.as_ref().is_some_and(|terms| terms.retry_limit > 0);
        if counts || slot.transaction.needs_attention_at(job.target.branch) {
            // It keeps its place in the line: were it to come back by a clock of its own, another one that always fails
            // could take every probe before it.
            if self.dispatch.line_up(participant, job.clone()) {
                return;
            }
            let until = now.plus_ms(slot.transaction.spec.retry.max_ms);
            if let Some(slot) = self.memory.get_mut(job.number) {
                slot.put_off(job.target, until);
            }
            self.no_longer_in_flight(&job.target, job.number);
            self.rearm(job.number);
            return;
        }
        let error = Arc::from(format!("not called: the breaker of {participant} is open"));
        let participant = Arc::from(participant);
        let ticket = Ticket { number: job.number, target: job.target, participant, sent_at: now };
        self.barred.push_back((ticket, Reply::Unknown { error }));
    }

    /// Sends every queued call that has a place, as long as the transaction still wants it.
    pub(super) fn send_calls(&mut self, now: Time) {
        if self.ports.stopping.load(Ordering::Acquire) {
            return;
        }
        loop {
            let memory = &self.memory;
            let is_wanted = |job: &Job| {
                let slot = memory.get(job.number);
                slot.is_some_and(|slot| wanted(&slot.transaction).any(|target| is_same(&target, &job.target)))
            };
            let Some((participant, job, exit)) = self.dispatch.next(now, &is_wanted) else { return };
            match exit {
                Exit::Unwanted => self.no_longer_in_flight(&job.target, job.number),
                Exit::Barred => self.bar(&job, &participant, now),
                Exit::Send => self.leave(&job, participant, now),
            }
        }
    }

    /// A call leaves with this turn.
    fn leave(&mut self, job: &Job, participant: Arc<str>, now: Time) {
        let slot = self.memory.get(job.number);
        let Some(call) = slot.and_then(|slot| slot.transaction.call(job.target, now)) else {
            // It was wanted a moment ago, so it can be spelt out; were it not, its place must not be lost.
            let error = Arc::from("not called: it could not be spelt out");
            let ticket = Ticket { number: job.number, target: job.target, participant, sent_at: now };
            self.dispatch.heard(&ticket.participant, &Reply::Unknown { error: Arc::clone(&error) }, now);
            self.barred.push_back((ticket, Reply::Unknown { error }));
            return;
        };
        let ticket = Ticket { number: job.number, target: job.target, participant, sent_at: now };
        let heard = Arc::clone(&self.ports.heard);
        self.leaving.push((call, Box::new(move |reply| heard(ticket, reply))));
    }

    /// An operator asked for a retry now: whatever of the transaction stands in a line for a breaker comes out of it, and
    /// is offered again.
    pub(super) fn come_out_of_line(&mut self, number: u64) {
        let Some(slot) = self.memory.get(number) else { return };
        let network = &self.ports.network;
        let lined_up =
            wanted(&slot.transaction).filter(|target| slot.is_in_flight(target)).filter_map(|target| {
                let url = slot.transaction.url(target)?;
                Some((target, network.participant(url)))
            });
        for (target, participant) in lined_up.collect::<Vec<_>>() {
            let is_it = |job: &Job| job.number == number && is_same(&job.target, &target);
            if self.dispatch.leave_line(&participant, &is_it) {
                self.no_longer_in_flight(&target, number);
            }
        }
        self.rearm(number);
    }

    /// A call was answered or given up.
    pub(super) fn heard(&mut self, ticket: &Ticket, reply: Reply, now: Time) {
        self.dispatch.heard(&ticket.participant, &reply, now);
        self.measure(ticket, &reply, now);
        self.reply(ticket, reply, now);
        self.send_calls(now);
    }

    /// Decides what a reply means for its transaction.
    pub(super) fn reply(&mut self, ticket: &Ticket, reply: Reply, now: Time) {
        let target = ticket.target;
        self.no_longer_in_flight(&target, ticket.number);
        let command = Command::Replied {
            branch: target.branch,
            operation: target.operation,
            attempt: target.attempt,
            reply,
            seed: self.seed(),
        };
        // A reply that comes too late is no refusal: it is kept for the timeline and changes nothing.
        let _ = self.carry_out(ticket.number, &command, now);
        self.rearm(ticket.number);
    }

    fn measure(&self, ticket: &Ticket, reply: &Reply, now: Time) {
        let participant = ticket.participant.to_string();
        let operation = self
            .memory
            .get(ticket.number)
            .map_or("", |slot| ticket.target.operation.name(slot.transaction.spec.pattern));
        let reply = match reply {
            Reply::Done { .. } => "done",
            Reply::Refused { .. } => "refused",
            Reply::InProgress => "in_progress",
            Reply::Unknown { .. } => "unknown",
        };
        let seconds =
            Duration::from_micros(u64::try_from(now.0.saturating_sub(ticket.sent_at.0)).unwrap_or(0))
                .as_secs_f64();
        self.meters
            .call_seconds
            .get_or_create(&ParticipantLabels { participant: participant.clone() })
            .observe(seconds);
        self.meters.calls.get_or_create(&CallLabels { participant, operation, reply }).inc();
    }

    fn no_longer_in_flight(&mut self, target: &CallTarget, number: u64) {
        if let Some(slot) = self.memory.get_mut(number) {
            slot.in_flight.retain(|call| *call != (target.branch, target.operation));
        }
    }
}

/// The same call, whenever it was due.
fn is_same(one: &CallTarget, other: &CallTarget) -> bool {
    one.branch == other.branch && one.operation == other.operation && one.attempt == other.attempt
}
