//! How long a record must be kept: longer than any call about it may come late.

use std::time::Duration;

/// How long the coordinator may go on about one transaction: its settings, as the operator of both knows them.
#[derive(Clone, Copy, Debug)]
pub struct Coordinator {
    /// The longest that it takes from begin to decision: the deadline with its cooling-off window, or for whoever prepares
    /// messages `check_after_ms` with the time that check-backs may be repeated. The API allows up to a year of each.
    pub deadline: Duration,
    /// The longest that operations are repeated after the decision, the time included for which a transaction that needs
    /// attention may wait for a person: days, not minutes.
    pub retry: Duration,
}

impl Default for Coordinator {
    /// A day for deadline and window, a week of repeating.
    fn default() -> Self {
        Coordinator { deadline: Duration::from_hours(24), retry: Duration::from_hours(7 * 24) }
    }
}

impl Coordinator {
    /// That `horizon`, if no call of this coordinator can come later than it.
    ///
    /// # Errors
    /// When one can: refuse to start.
    pub fn horizon(self, horizon: Duration) -> Result<Duration, HorizonFault> {
        let longest = self.deadline.saturating_add(self.retry);
        if horizon > longest { Ok(horizon) } else { Err(HorizonFault { horizon, longest }) }
    }
}

/// The horizon is too near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a horizon of {horizon:?} is not longer than the coordinator's longest deadline and retry together ({longest:?}); a \
     row removed so early lets a late try or a duplicate take effect: keep rows longer"
)]
pub struct HorizonFault {
    /// What was asked for.
    pub horizon: Duration,
    /// What it must be longer than.
    pub longest: Duration,
}
