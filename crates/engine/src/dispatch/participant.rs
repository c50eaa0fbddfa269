//! One participant: its queues, its places, its rate, its retry budget, its breaker.

use std::collections::VecDeque;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use transaction::{Reply, Time};

use super::breaker::{Breaker, Passage};
use super::bucket::Bucket;
use super::{Exit, Job, Offer};
use crate::meters::ParticipantLabels;
use crate::{Meters, ParticipantLimits};

/// Repeats a second that are allowed however few first attempts there are.
const RETRIES_PER_SECOND: u32 = 10;
/// Repeats that may come at once.
const RETRIES_AT_ONCE: u32 = 100;
/// What an answered call gives back to the retry budget, in thousandths: more than the one it took, so that the
/// budget of a participant that answers again soon stands in nobody's way.
pub(super) const ANSWERED: u64 = 2_000;
/// How long a call that found no room is put off at least.
const PUT_OFF_MS: u64 = 1_000;
/// Time between two calls that were put off, so that a backlog does not come back together.
const PUT_OFF_APART: i64 = 50;

pub(crate) struct Participant {
    limits: ParticipantLimits,
    first: VecDeque<Job>,
    repeats: VecDeque<Job>,
    /// Calls that a person was asked to look at, and that only wait for the breaker now: its probes go to them in turn.
    waiting: VecDeque<Job>,
    in_flight: usize,
    rate: Option<Bucket>,
    retries: Bucket,
    breaker: Breaker,
    put_off_until: Time,
    meters: ParticipantMeters,
}

struct ParticipantMeters {
    queue: Gauge,
    in_flight: Gauge,
    breaker: Gauge,
    retries: Counter,
    put_off: Counter,
}

impl Participant {
    pub(crate) fn new(name: &str, limits: &ParticipantLimits, meters: &Meters) -> Participant {
        let labels = ParticipantLabels { participant: name.to_owned() };
        Participant {
            rate: (limits.rate > 0).then(|| Bucket::within(limits.rate)),
            retries: Bucket::new(RETRIES_PER_SECOND, RETRIES_AT_ONCE),
            breaker: Breaker::new(limits.breaker_failures, limits.breaker_ms),
            first: VecDeque::new(),
            repeats: VecDeque::new(),
            waiting: VecDeque::new(),
            in_flight: 0,
            limits: limits.clone(),
            put_off_until: Time::START,
            meters: ParticipantMeters {
                queue: meters.call_queue.get_or_create(&labels).clone(),
                in_flight: meters.in_flight.get_or_create(&labels).clone(),
                breaker: meters.breaker.get_or_create(&labels).clone(),
                retries: meters.retries.get_or_create(&labels).clone(),
                put_off: meters.put_off.get_or_create(&labels).clone(),
            },
        }
    }

    pub(crate) fn offer(&mut self, job: Job, now: Time) -> Offer {
        if self.breaker.bars(now) {
            return Offer::Barred;
        }
        let is_first = job.target.attempt == 1;
        let queue = if is_first { &mut self.first } else { &mut self.repeats };
        if queue.len() >= self.limits.queue {
            self.meters.put_off.inc();
            self.put_off_until =
                Time(self.put_off_until.max(now.plus_ms(PUT_OFF_MS)).0.saturating_add(PUT_OFF_APART));
            return Offer::PutOff(self.put_off_until);
        }
        if is_first {
            self.retries.deposit(u64::from(self.limits.retry_percent) * 10);
        }
        queue.push_back(job);
        self.show();
        Offer::Queued
    }

    /// Lets a call stand in line until the breaker lets it through; `false`: the line is as long as it may be.
    pub(crate) fn line_up(&mut self, job: Job) -> bool {
        let has_room = self.waiting.len() < self.limits.queue;
        if has_room {
            self.waiting.push_back(job);
            self.show();
        }
        has_room
    }

    /// Takes a call out of the line; `false`: it does not stand there.
    pub(crate) fn leave_line(&mut self, wanted: &dyn Fn(&Job) -> bool) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|job| !wanted(job));
        self.show();
        self.waiting.len() < before
    }

    /// A call at the head of a queue that nobody wants any more: it takes nobody's token.
    fn unwanted(&mut self, wanted: &dyn Fn(&Job) -> bool) -> Option<Job> {
        let queues = [&mut self.first, &mut self.waiting, &mut self.repeats];
        let queue = queues.into_iter().find(|queue| queue.front().is_some_and(|job| !wanted(job)))?;
        queue.pop_front()
    }

    /// The next call that leaves a queue; `places` are the most that may be under way, `budget` the repeats of all.
    pub(crate) fn next(
        &mut self,
        now: Time,
        (places, budget): (usize, &mut Bucket),
        wanted: &dyn Fn(&Job) -> bool,
    ) -> Option<(Job, Exit)> {
        if let Some(job) = self.unwanted(wanted) {
            self.show();
            return Some((job, Exit::Unwanted));
        }
        if self.breaker.bars(now) {
            let job = self.first.pop_front().or_else(|| self.repeats.pop_front())?;
            self.show();
            return Some((job, Exit::Barred));
        }
        let places = places.min(self.limits.concurrency);
        #[cfg(feature = "planted")]
        let places = if planted::is(planted::Bug::ConcurrencyUnbounded) { usize::MAX } else { places };
        if self.in_flight >= places || self.queued() == 0 {
            return None;
        }
        let is_first = !self.first.is_empty();
        #[cfg(feature = "planted")]
        let is_first = is_first || planted::is(planted::Bug::RetriesUnbounded);
        let may_leave = is_first || (self.retries.has_one(now) && budget.has_one(now));
        if !may_leave {
            return None;
        }
        if self.rate.as_mut().is_some_and(|rate| !rate.take(now)) || self.breaker.pass(now) == Passage::Barred
        {
            return None;
        }
        let job = self.first.pop_front().or_else(|| self.waiting.pop_front());
        let job = job.or_else(|| self.repeats.pop_front())?;
        if !is_first {
            self.retries.take(now);
            budget.take(now);
            self.meters.retries.inc();
        }
        self.in_flight += 1;
        self.show();
        Some((job, Exit::Send))
    }

    pub(crate) fn heard(&mut self, reply: &Reply, now: Time) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match reply {
            Reply::Unknown { .. } => self.breaker.failed(now),
            Reply::Done { .. } | Reply::Refused { .. } | Reply::InProgress => {
                self.breaker.answered();
                self.retries.deposit(ANSWERED);
            }
        }
        self.show();
    }

    /// When a queued call may leave by the passing of time alone.
    pub(crate) fn next_at(&self, now: Time, places: usize, budget: &Bucket) -> Option<Time> {
        if self.queued() == 0 || self.in_flight >= places.min(self.limits.concurrency) {
            return None; // a reply will free a place
        }
        if self.first.is_empty()
            && self.repeats.is_empty()
            && let Some(until) = self.breaker.bars_until(now)
        {
            return Some(until);
        }
        let by_budget = self.first.is_empty().then(|| self.retries.next_at(now).max(budget.next_at(now)));
        let by_rate = self.rate.as_ref().map(|rate| rate.next_at(now));
        Some(by_budget.max(by_rate).unwrap_or(now))
    }

    pub(crate) fn queued(&self) -> usize {
        self.first.len() + self.repeats.len() + self.waiting.len()
    }

    /// Nothing is queued or under way, and nothing is remembered against it that time has not settled.
    pub(crate) fn is_idle(&self, now: Time) -> bool {
        self.queued() == 0 && self.in_flight == 0 && !self.breaker.bars(now)
    }

    fn show(&self) {
        self.meters.queue.set(i64::try_from(self.queued()).unwrap_or(i64::MAX));
        self.meters.in_flight.set(i64::try_from(self.in_flight).unwrap_or(i64::MAX));
        self.meters.breaker.set(self.breaker.level());
    }
}
