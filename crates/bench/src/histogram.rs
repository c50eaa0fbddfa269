//! Counts of durations in buckets of equal relative width: small, mergeable, good to 1.6 %.
//!
//! Read next: `load.rs`, which fills one for each kind of request.

use std::time::Duration;

/// Buckets for each power of two.
const FINE_BITS: u32 = 6;
const FINE: u64 = 1 << FINE_BITS;
const BUCKETS: usize = ((64 - FINE_BITS as usize) + 1) << FINE_BITS;

/// Durations in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    largest: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Histogram { counts: vec![0; BUCKETS], total: 0, largest: 0 }
    }

    pub(crate) fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
        self.largest = self.largest.max(nanos);
    }

    pub(crate) fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.largest = self.largest.max(other.largest);
    }

    pub(crate) fn count(&self) -> u64 {
        self.total
    }

    /// The upper edge of the bucket in which the given share (0 to 1) of the durations is reached, in milliseconds.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_edge(index).min(self.largest) as f64 / 1e6;
            }
        }
        0.0
    }

    pub(crate) fn max_ms(&self) -> f64 {
        self.largest as f64 / 1e6
    }
}

fn bucket(value: u64) -> usize {
    if value < FINE {
        return value as usize;
    }
    let shift = value.ilog2() - FINE_BITS;
    ((u64::from(shift) + 1) * FINE + (value >> shift) - FINE) as usize
}

fn upper_edge(index: usize) -> u64 {
    let index = index as u64;
    if index < FINE {
        return index;
    }
    let shift = index / FINE - 1;
    let lower = (u128::from(index % FINE) + u128::from(FINE)) << shift;
    u64::try_from(lower + (1 << shift) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_the_bucket_is_narrow() {
        let mut values: Vec<u64> = (0..1_000).collect();
        values.extend((6..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]));
        values.push(u64::MAX);
        for value in values {
            let index = bucket(value);
            assert!(index < BUCKETS, "{value}");
            let upper = upper_edge(index);
            assert!(upper >= value && upper - value <= value / FINE, "{value} in {index} up to {upper}");
            assert!(index == 0 || upper_edge(index - 1) < value, "{value}");
        }
    }

    #[test]
    fn quantiles_of_a_known_series() {
        let (mut low, mut high) = (Histogram::new(), Histogram::new());
        (1..=500).for_each(|millis| low.record(Duration::from_millis(millis)));
        (501..=1_000).for_each(|millis| high.record(Duration::from_millis(millis)));
        low.merge(&high);
        assert_eq!(low.count(), 1_000);
        for (share, exact) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let got = low.quantile_ms(share);
            assert!(got >= exact && got <= exact * 1.016, "{share}: {got}");
        }
        assert!((low.max_ms() - 1_000.0).abs() < 1e-9);
    }

    #[test]
    fn an_empty_one_answers_zero() {
        assert_eq!(Histogram::new().quantile_ms(0.99).to_bits(), 0);
    }
}
