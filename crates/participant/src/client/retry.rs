//! How a call that broke is repeated: capped exponential back-off with jitter, only where repeating may help and,
//! because of the ids, cannot harm.

use std::time::Duration;

use super::Fault;

/// How calls that broke are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often at most; 0: never.
    pub repeats: u32,
    /// The longest first delay.
    pub initial: Duration,
    /// The longest delay.
    pub most: Duration,
}

impl Default for Retry {
    /// Eight repeats over about a minute.
    fn default() -> Self {
        Retry { repeats: 8, initial: Duration::from_millis(100), most: Duration::from_secs(20) }
    }
}

impl Retry {
    /// How long to wait before repeat number `repeat`, from 0: anything up to the doubled initial delay, so that callers
    /// that broke together do not come back together, and never less than the refusal asks for.
    pub(super) fn delay(&self, repeat: u32, fault: &Fault) -> Duration {
        let longest =
            self.initial.saturating_mul(1_u32.checked_shl(repeat).unwrap_or(u32::MAX)).min(self.most);
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        fault.wait() + Duration::from_micros(fastrand::u64(0..=micros))
    }

    /// Makes the call, and repeats it while that may help.
    pub(super) async fn repeated<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut repeat = 0;
        loop {
            match call().await {
                Err(fault) if fault.is_passing() && repeat < self.repeats => {
                    tokio::time::sleep(self.delay(repeat, &fault)).await;
                    repeat += 1;
                }
                ended => return ended,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::Refused;
    use super::*;

    fn refused(after: Option<u64>) -> Fault {
        let (code, detail, at, status) = ("x".into(), "y".into(), String::new(), None);
        let retry_after = after.map(Duration::from_secs);
        Fault::Refused(Box::new(Refused { code, detail, at, status, retry_after }))
    }

    async fn calls(answers: &[Result<u32, Fault>]) -> (u32, Result<u32, Fault>) {
        let made = Cell::new(0);
        let retry = Retry { repeats: 2, ..Retry::default() };
        let ended = retry
            .repeated(|| {
                let answer = answers[made.get() as usize].clone();
                made.set(made.get() + 1);
                async move { answer }
            })
            .await;
        (made.get(), ended)
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_pass_is_repeated_and_not_for_ever() {
        let gone = || Err(Fault::Unreachable("gone".into()));
        assert!(matches!(calls(&[gone(), Err(refused(Some(1))), Ok(7)]).await, (3, Ok(7))));
        assert!(matches!(calls(&[Err(refused(None)), Ok(7)]).await, (1, Err(Fault::Refused(_)))));
        assert!(matches!(calls(&[gone(), gone(), gone(), Ok(7)]).await, (3, Err(Fault::Unreachable(_)))));
    }

    #[test]
    fn delays_grow_to_a_cap_and_heed_the_refusal() {
        let retry = Retry::default();
        for repeat in 0..200 {
            let delay = retry.delay(repeat, &Fault::Unreachable(String::new()));
            let longest = retry.initial.saturating_mul(1 << repeat.min(20)).min(retry.most);
            assert!(delay <= longest, "{repeat}: {delay:?}");
            assert!(retry.delay(repeat, &refused(Some(3))) >= Duration::from_secs(3));
        }
    }
}
