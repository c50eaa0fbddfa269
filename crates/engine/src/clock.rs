//! The clock port. Journal time starts at the wall clock and then follows the monotonic clock only, so that a jump of
//! the wall clock changes no outcome; it never runs behind what the journal has seen.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use transaction::Time;

/// Tells journal time.
pub trait Clock: Send + Sync {
    /// The time now; never earlier than what it answered before.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    base: Time,
    started: Instant,
}

impl SystemClock {
    /// A clock that starts at the wall clock's time, or at `floor` when that is later.
    #[must_use]
    pub fn starting_after(floor: Time) -> SystemClock {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        let wall = Time(i64::try_from(wall).unwrap_or(i64::MAX));
        SystemClock { base: wall.max(floor), started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        Time(self.base.0.saturating_add(elapsed))
    }
}
