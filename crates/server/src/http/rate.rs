//! The pace of each caller: a token bucket, kept as the one time at which it would be full again (GCRA).
//!
//! Holds at most [`MOST_CALLERS`] callers: when there are more, those whose buckets are full are forgotten, and while
//! none is, strangers share one bucket. So memory stays bounded however many addresses ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::auth::Caller;

const MOST_CALLERS: usize = 10_000;

/// The buckets of all callers.
pub(super) struct Pacer {
    start: Instant,
    /// Nanoseconds between two requests of a caller that keeps to its rate.
    every: u64,
    /// Nanoseconds by which a caller may be ahead of its rate.
    ahead: u64,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    /// When each caller's bucket is full again, in nanoseconds since the start.
    full_at: HashMap<Caller, u64>,
    strangers: u64,
}

impl Pacer {
    /// `None` when there is no limit.
    pub(super) fn new(rate: u32, burst: u32) -> Option<Pacer> {
        let every = 1_000_000_000_u64.checked_div(u64::from(rate))?;
        let ahead = every * u64::from(burst.max(1));
        Some(Pacer { start: Instant::now(), every, ahead, buckets: Mutex::default() })
    }

    /// Takes one request out of the caller's bucket, or says how long it must wait.
    pub(super) fn ask(&self, caller: &Caller) -> Result<(), Duration> {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.ask_at(caller, now)
    }

    fn ask_at(&self, caller: &Caller, now: u64) -> Result<(), Duration> {
        // Nobody panics while holding it, so a poisoned lock cannot be; taking it anyway is harmless.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.of(caller, now);
        let next = (*full_at).max(now) + self.every;
        if next > now + self.ahead {
            return Err(Duration::from_nanos(next - now - self.ahead));
        }
        *full_at = next;
        Ok(())
    }
}

impl Buckets {
    fn of(&mut self, caller: &Caller, now: u64) -> &mut u64 {
        if !self.full_at.contains_key(caller) {
            if self.full_at.len() >= MOST_CALLERS {
                self.full_at.retain(|_, full_at| *full_at > now);
            }
            if self.full_at.len() >= MOST_CALLERS {
                return &mut self.strangers;
            }
        }
        self.full_at.entry(caller.clone()).or_insert(0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn caller(number: u32) -> Caller {
        Caller::At(Ipv4Addr::from(number).into())
    }

    #[test]
    fn a_burst_then_the_rate() {
        let pacer = Pacer::new(10, 3).unwrap();
        let taken = (0..5).filter(|_| pacer.ask_at(&caller(1), SECOND).is_ok()).count();
        assert_eq!(taken, 3);
        assert_eq!(pacer.ask_at(&caller(1), SECOND), Err(Duration::from_millis(100)));
        assert!(pacer.ask_at(&caller(2), SECOND).is_ok(), "another caller has its own bucket");
        assert!(pacer.ask_at(&caller(1), SECOND + SECOND / 10).is_ok());
        assert!(pacer.ask_at(&caller(1), SECOND + SECOND / 10).is_err());
        let rested = (0..5).filter(|_| pacer.ask_at(&caller(1), 9 * SECOND).is_ok()).count();
        assert_eq!(rested, 3);
    }

    #[test]
    fn no_rate_no_limit() {
        assert!(Pacer::new(0, 5).is_none());
    }

    #[test]
    fn callers_beyond_the_bound_share_and_the_rested_are_forgotten() {
        let pacer = Pacer::new(1, 1).unwrap();
        let many = u32::try_from(MOST_CALLERS).unwrap();
        assert!((0..many).all(|number| pacer.ask_at(&caller(number), 0).is_ok()));
        assert!(pacer.ask_at(&caller(many), 0).is_ok());
        assert!(pacer.ask_at(&caller(many + 1), 0).is_err(), "the strangers' bucket is empty");
        assert!(pacer.ask_at(&caller(many + 2), 2 * SECOND).is_ok());
        assert_eq!(pacer.buckets.lock().unwrap().full_at.len(), 1);
    }
}
