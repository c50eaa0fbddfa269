//! A point in journal time. This file never reads a clock: the engine passes time in.

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, UTC, in journal time: monotone, never moved by a jump of the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub i64);

impl Time {
    /// The earliest time: what is due then is due at once.
    pub const START: Time = Time(0);

    /// This time moved on by `ms` milliseconds; saturates at the end of time.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Time {
        let micros = i64::try_from(ms.saturating_mul(1000)).unwrap_or(i64::MAX);
        Time(self.0.saturating_add(micros))
    }

    /// Whole milliseconds from `self` until `later`, 0 when `later` has passed; rounded up.
    #[must_use]
    pub fn ms_until(self, later: Time) -> u64 {
        let micros = later.0.saturating_sub(self.0).max(0);
        u64::try_from(micros).unwrap_or(0).div_ceil(1000)
    }
}
