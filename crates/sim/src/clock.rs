//! Time in the simulated world: true time, and the clock of one process, which starts somewhere and runs at some rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use engine::Clock;
use transaction::Time;

/// True time of the world, in microseconds; shared with every clock in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrueTime(Arc<AtomicI64>);

impl TrueTime {
    pub(crate) fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, now: i64) {
        self.0.store(now, Ordering::Relaxed);
    }
}

/// The clock of one life of a process: what the engine's own does with the machine's wall and monotonic clocks.
#[derive(Clone, Debug)]
pub(crate) struct SimClock {
    time: TrueTime,
    started: i64,
    base: i64,
    /// Per mille of true time.
    rate: i64,
}

impl SimClock {
    /// Starts at the wall clock (true time and `skew`), or at `floor` when that is later.
    pub(crate) fn start(time: &TrueTime, (skew, rate): (i64, i64), floor: Time) -> SimClock {
        let started = time.now();
        SimClock { time: time.clone(), started, base: (started + skew).max(floor.0), rate }
    }

    /// How much longer true time is than what it shows; 1 where it runs too fast.
    pub(crate) fn slowness(&self) -> i64 {
        (1_000 / self.rate).max(1)
    }

    /// The true time at which this clock shows `at`, rounded up.
    pub(crate) fn when(&self, at: Time) -> i64 {
        let ahead = at.0.saturating_sub(self.base).max(0);
        self.started.saturating_add(ahead.saturating_mul(1_000) / self.rate + 1)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Time {
        Time(self.base + (self.time.now() - self.started) * self.rate / 1_000)
    }
}
