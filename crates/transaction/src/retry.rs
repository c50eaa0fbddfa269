//! When a call is repeated: capped exponential back-off with jitter, in whole milliseconds.
//!
//! The delay after the n-th failure is `min(max, initial · 2^(n-1))`, less up to half of itself. The jitter comes
//! from a seed argument through splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).

use serde::{Deserialize, Serialize};

/// How the calls of a transaction are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The first delay, in milliseconds.
    pub initial_ms: u64,
    /// The longest delay, in milliseconds.
    pub max_ms: u64,
    /// After so many failed attempts of one operation the transaction needs attention.
    pub attention_after: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { initial_ms: 200, max_ms: 60_000, attention_after: 10 }
    }
}

/// Milliseconds to wait after the `failures`-th failure in a row (0 counts as 1: an answer "in progress").
#[must_use]
pub fn delay_ms(retry: &Retry, failures: u32, seed: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(40);
    let base = retry.initial_ms.saturating_mul(1_u64 << doublings).min(retry.max_ms).max(1);
    base - splitmix64(seed) % (base / 2 + 1)
}

fn splitmix64(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_cap_and_never_past_it() {
        let retry = Retry { initial_ms: 200, max_ms: 60_000, attention_after: 10 };
        for (failures, base) in
            [(0, 200), (1, 200), (2, 400), (3, 800), (9, 51_200), (10, 60_000), (u32::MAX, 60_000)]
        {
            for seed in 0..200 {
                let delay = delay_ms(&retry, failures, seed);
                assert!((base / 2..=base).contains(&delay), "failure {failures}, seed {seed}: {delay}");
            }
        }
    }

    #[test]
    fn jitter_spreads() {
        let retry = Retry::default();
        let distinct: std::collections::BTreeSet<u64> =
            (0..100).map(|seed| delay_ms(&retry, 5, seed)).collect();
        assert!(distinct.len() > 80, "only {} distinct delays", distinct.len());
    }
}
