//! A bucket of tokens, in whole thousandths: limits the calls a second, and the share of repeats.

use transaction::Time;

const TOKEN: u64 = 1_000;

/// Fills with time and with deposits, never above its brim.
#[derive(Debug)]
pub(crate) struct Bucket {
    level: u64,
    brim: u64,
    per_second: u64,
    filled_at: Time,
}

impl Bucket {
    /// A full bucket of `brim` tokens that gains `per_second` tokens a second.
    pub(crate) fn new(per_second: u32, brim: u32) -> Bucket {
        let brim = u64::from(brim.max(1)) * TOKEN;
        Bucket { level: brim, brim, per_second: u64::from(per_second.max(1)) * TOKEN, filled_at: Time::START }
    }

    /// A bucket that never gives more than `rate` tokens within one second: what it holds counts into it.
    pub(crate) fn within(rate: u32) -> Bucket {
        match rate / 10 {
            0 => Bucket::new(rate, 1),
            brim => Bucket::new(rate - brim, brim),
        }
    }

    /// Adds `thousandths` of a token.
    pub(crate) fn deposit(&mut self, thousandths: u64) {
        self.level = self.level.saturating_add(thousandths).min(self.brim);
    }

    /// Is there a token?
    pub(crate) fn has_one(&mut self, now: Time) -> bool {
        self.fill(now);
        self.level >= TOKEN
    }

    /// Takes one token if there is one.
    pub(crate) fn take(&mut self, now: Time) -> bool {
        let has_one = self.has_one(now);
        if has_one {
            self.level -= TOKEN;
        }
        has_one
    }

    /// When there will be a token, if time alone brings one.
    pub(crate) fn next_at(&self, now: Time) -> Time {
        let missing = TOKEN.saturating_sub(self.level);
        let micros = missing.saturating_mul(1_000_000).div_ceil(self.per_second);
        let at = Time(self.filled_at.0.saturating_add(i64::try_from(micros).unwrap_or(i64::MAX)));
        at.max(Time(now.0.saturating_add(1)))
    }

    /// Counts only the time that whole thousandths took, so that no fraction is lost however often it is asked.
    fn fill(&mut self, now: Time) {
        let micros = u64::try_from(now.0.saturating_sub(self.filled_at.0)).unwrap_or(0);
        let gained = self.per_second.saturating_mul(micros) / 1_000_000;
        if self.level.saturating_add(gained) >= self.brim {
            (self.level, self.filled_at) = (self.brim, now.max(self.filled_at));
        } else if gained > 0 {
            self.level += gained;
            let took = gained.saturating_mul(1_000_000) / self.per_second;
            self.filled_at = Time(self.filled_at.0.saturating_add(i64::try_from(took).unwrap_or(i64::MAX)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_gives_more_than_its_rate_within_a_second() {
        for rate in [1, 5, 100, 5_000] {
            let mut bucket = Bucket::within(rate);
            let mut given: Vec<i64> = Vec::new();
            for tick in 0..40_000 {
                let now = 1_000_000_000 + tick * 100;
                while bucket.take(Time(now)) {
                    given.push(now);
                }
            }
            let apart = usize::try_from(rate).unwrap();
            let one_more_in_a_second = given.windows(apart + 1).any(|run| run[apart] - run[0] < 1_000_000);
            assert!(!one_more_in_a_second, "more than {rate} within a second");
            assert!(
                given.len() * 10 >= usize::try_from(rate).unwrap() * 4 * 8,
                "{} in four seconds at {rate}",
                given.len()
            );
        }
    }
}
