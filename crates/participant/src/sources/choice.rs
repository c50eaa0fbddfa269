//! Decides which replica serves a read: among those that are in and fresh enough, by weight and turn. Pure.

use std::time::{Duration, Instant};

/// As of when a replica's data is known to be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    /// It has no delay.
    Always,
    /// All that was committed before this is there.
    AsOf(Instant),
    /// Not known: it is within no bound.
    Unknown,
}

/// A source that may serve a read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) weight: u32,
    pub(super) fresh: Fresh,
    /// The most that it may be behind, whatever the reader allows.
    pub(super) lag_max: Duration,
}

/// Greater than any sum of weights and prime, so turns go round all of them, well mixed.
const STEP: u64 = 1_000_003;

impl Fresh {
    /// How far behind it is, at most.
    pub(super) fn lag(self, now: Instant) -> Option<Duration> {
        match self {
            Fresh::Always => Some(Duration::ZERO),
            Fresh::AsOf(at) => Some(now.saturating_duration_since(at)),
            Fresh::Unknown => None,
        }
    }
}

/// The place of the one whose turn it is; `None` when none qualifies. In any run of as many turns as the weights' sum,
/// each qualified one is chosen as often as its weight says.
pub(super) fn choose(
    candidates: &[Candidate],
    within: Duration,
    (now, turn): (Instant, u64),
) -> Option<usize> {
    let qualifies = |candidate: &Candidate| {
        let bound = within.min(candidate.lag_max);
        candidate.fresh.lag(now).is_some_and(|lag| lag <= bound)
    };
    let weights = candidates.iter().map(|it| if qualifies(it) { u64::from(it.weight) } else { 0 });
    let total: u64 = weights.clone().sum();
    let mut left = turn.wrapping_mul(STEP).checked_rem(total)?;
    for (at, weight) in weights.enumerate() {
        if left < weight {
            return Some(at);
        }
        left -= weight;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn candidate(weight: u32, fresh: Fresh) -> Candidate {
        Candidate { weight, fresh, lag_max: 10 * SECOND }
    }

    #[test]
    fn only_what_is_known_to_be_fresh_enough_is_chosen() {
        let now = Instant::now() + 100 * SECOND;
        let behind = |seconds: u32| candidate(1, Fresh::AsOf(now - seconds * SECOND));
        let one = |it: Candidate, within| choose(&[it], within, (now, 7));
        assert_eq!(one(behind(3), 3 * SECOND), Some(0));
        assert_eq!(one(behind(4), 3 * SECOND), None);
        // Its own bound counts too.
        assert_eq!(one(behind(10), 60 * SECOND), Some(0));
        assert_eq!(one(behind(11), 60 * SECOND), None);
        assert_eq!(one(candidate(1, Fresh::Unknown), 3_600 * SECOND), None);
        assert_eq!(one(candidate(1, Fresh::Always), Duration::ZERO), Some(0));
        assert_eq!(one(candidate(0, Fresh::Always), SECOND), None);
        assert_eq!(choose(&[], SECOND, (now, 0)), None);
        assert_eq!(choose(&[behind(20), behind(1)], 5 * SECOND, (now, 0)), Some(1));
    }

    proptest! {
        #[test]
        fn each_has_its_share_of_every_round(
            weights in prop::collection::vec(0_u32..50, 1..6),
            first in 0_u64..1_000_000_000,
        ) {
            let now = Instant::now();
            let candidates: Vec<_> = weights.iter().map(|weight| candidate(*weight, Fresh::Always)).collect();
            let total: u32 = weights.iter().sum();
            let mut chosen = vec![0; weights.len()];
            for turn in first..first + u64::from(total) {
                chosen[choose(&candidates, SECOND, (now, turn)).unwrap()] += 1;
            }
            prop_assert_eq!(chosen, weights);
        }
    }
}
