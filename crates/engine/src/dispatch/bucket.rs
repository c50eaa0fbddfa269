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
        Bucket { level: brim, brim, per_second: u64::from(per_second) * TOKEN, filled_at: Time::START }
    }

    /// Adds `thousandths` of a token.
    pub(crate) fn deposit(&mut self, thousandths: u64) {
        self.level = self.level.saturating_add(thousandths).min(self.brim);
    }

    /// Takes one token if there is one.
    pub(crate) fn take(&mut self, now: Time) -> bool {
        self.fill(now);
        let has_one = self.level >= TOKEN;
        if has_one {
            self.level -= TOKEN;
        }
        has_one
    }

    /// When there will be a token, if time alone brings one.
    pub(crate) fn next_at(&self, now: Time) -> Time {
        let missing = TOKEN.saturating_sub(self.level);
        let ms = missing.saturating_mul(1_000).div_ceil(self.per_second.max(1));
        now.plus_ms(ms.max(1))
    }

    fn fill(&mut self, now: Time) {
        let micros = u64::try_from(now.0.saturating_sub(self.filled_at.0)).unwrap_or(0);
        let gained = self.per_second.saturating_mul(micros) / 1_000_000;
        if gained > 0 {
            self.filled_at = now;
            self.deposit(gained);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_gives_more_than_its_rate() {
        let mut bucket = Bucket::new(100, 10);
        let mut given = 0;
        for ms in 0..10_000 {
            while bucket.take(Time(1_000_000_000 + ms * 1000)) {
                given += 1;
            }
        }
        assert!((990..=1_010).contains(&given), "{given} in ten seconds at 100 a second, 10 at once");
    }
}
