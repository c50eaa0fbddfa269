//! Chance by a seed: one stream for each use, so that taking one thing out of a history moves nothing else.

/// A stream of chance.
#[derive(Clone, Debug)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    /// The stream of this seed for one use: a name, and numbers that tell its like apart.
    pub(crate) fn of(seed: u64, name: &str, numbers: &[u64]) -> Dice {
        let mut mixed = seed ^ 0x9E37_79B9_7F4A_7C15;
        let words = name.bytes().map(u64::from).chain(numbers.iter().copied());
        for word in words {
            mixed = (mixed ^ word).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed ^= mixed >> 29;
        }
        Dice(fastrand::Rng::with_seed(mixed))
    }

    /// Any number.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number below `end`; 0 when that is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.u64(..end) }
    }

    /// A number from `least` to `most`, both included.
    pub(crate) fn within(&mut self, least: i64, most: i64) -> i64 {
        self.0.i64(least..=most.max(least))
    }

    /// Once in so many times.
    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// So many times in a thousand.
    pub(crate) fn per_mille(&mut self, rate: u32) -> bool {
        self.below(1_000) < u64::from(rate)
    }

    /// One of several.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap_or(0)]
    }

    /// A delay in microseconds: mostly some hundreds, and rarely, by a heavy tail, up to `most`.
    pub(crate) fn delay(&mut self, most: i64) -> i64 {
        let doublings = self.roll().trailing_zeros().min(24);
        (self.within(50, 400) << doublings).clamp(1, most)
    }
}
