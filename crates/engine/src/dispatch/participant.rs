//! One participant: its queue, its places, its rate, its retry budget, its breaker.

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
/// How long a call that found no room is put off.
const PUT_OFF_MS: u64 = 1_000;

pub(crate) struct Participant {
    limits: ParticipantLimits,
    queue: VecDeque<Job>,
    in_flight: usize,
    rate: Option<Bucket>,
    retries: Bucket,
    breaker: Breaker,
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
        let rate = (limits.rate > 0).then(|| Bucket::new(limits.rate, limits.rate.div_ceil(10)));
        Participant {
            rate,
            retries: Bucket::new(RETRIES_PER_SECOND, RETRIES_AT_ONCE),
            breaker: Breaker::new(limits.breaker_failures, limits.breaker_ms),
            queue: VecDeque::new(),
            in_flight: 0,
            limits: limits.clone(),
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
        let is_repeat = job.target.attempt > 1;
        let has_room = self.queue.len() < self.limits.queue;
        if !has_room || (is_repeat && !self.retries.take(now)) {
            self.meters.put_off.inc();
            // Spread by number, so that what was put off together does not come back together.
            return Offer::PutOff(now.plus_ms(PUT_OFF_MS + job.number % PUT_OFF_MS));
        }
        if is_repeat {
            self.meters.retries.inc();
        } else {
            self.retries.deposit(u64::from(self.limits.retry_percent) * 10);
        }
        self.queue.push_back(job);
        self.show();
        Offer::Queued
    }

    pub(crate) fn next(&mut self, now: Time) -> Option<(Job, Exit)> {
        if self.queue.is_empty() {
            return None;
        }
        if self.breaker.bars(now) {
            let job = self.queue.pop_front()?;
            self.show();
            return Some((job, Exit::Barred));
        }
        if self.in_flight >= self.limits.concurrency || self.rate.as_mut().is_some_and(|rate| !rate.take(now))
        {
            return None;
        }
        if self.breaker.pass(now) == Passage::Barred {
            return None;
        }
        let job = self.queue.pop_front()?;
        self.in_flight += 1;
        self.show();
        Some((job, Exit::Send))
    }

    pub(crate) fn heard(&mut self, reply: &Reply, now: Time) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match reply {
            Reply::Unknown { .. } => self.breaker.failed(now),
            Reply::Done { .. } | Reply::Refused { .. } | Reply::InProgress => self.breaker.answered(),
        }
        self.show();
    }

    pub(crate) fn unused(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.breaker.unused();
        self.show();
    }

    pub(crate) fn next_at(&self, now: Time) -> Option<Time> {
        if self.in_flight >= self.limits.concurrency {
            return None; // a reply will free a place
        }
        self.rate.as_ref().map(|rate| rate.next_at(now))
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.in_flight == 0 && self.breaker.level() == 0
    }

    fn show(&self) {
        self.meters.queue.set(i64::try_from(self.queue.len()).unwrap_or(i64::MAX));
        self.meters.in_flight.set(i64::try_from(self.in_flight).unwrap_or(i64::MAX));
        self.meters.breaker.set(self.breaker.level());
    }
}
