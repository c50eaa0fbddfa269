//! A participant's breaker: opens after failures in a row, lets a few probes through after a pause, closes when one is answered.

use transaction::Time;

/// The longest pause between two rounds of probes.
const PAUSE_MAX_MS: u64 = 5_000;
/// Probes of one round: more than one, so that a single slow call does not keep the breaker open for all.
const PROBES: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Time, pause_ms: u64 },
    Probing { pause_ms: u64, left: u8, since: Time },
}

/// Whether a call may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It may.
    Free,
    /// It may, as a probe.
    Probe,
    /// It may not.
    Barred,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    failures_max: u32,
    pause_ms: u64,
}

impl Breaker {
    pub(crate) fn new(failures_max: u32, pause_ms: u64) -> Breaker {
        Breaker {
            state: State::Closed { failures: 0 },
            failures_max: failures_max.max(1),
            pause_ms: pause_ms.max(1),
        }
    }

    /// Asks to send one call at `now`.
    pub(crate) fn pass(&mut self, now: Time) -> Passage {
        match self.state {
            State::Closed { .. } => Passage::Free,
            State::Open { until, pause_ms } if until <= now => {
                self.state = State::Probing { pause_ms, left: PROBES - 1, since: now };
                Passage::Probe
            }
            State::Probing { pause_ms, left, since } if left > 0 => {
                self.state = State::Probing { pause_ms, left: left - 1, since };
                Passage::Probe
            }
            // The probes hang: another round, so that their time-outs bar nobody.
            State::Probing { pause_ms, since, .. } if since.plus_ms(PAUSE_MAX_MS) <= now => {
                self.state = State::Probing { pause_ms, left: PROBES - 1, since: now };
                Passage::Probe
            }
            State::Open { .. } | State::Probing { .. } => Passage::Barred,
        }
    }

    /// Is it open, so that a call offered now would be barred?
    pub(crate) fn bars(&self, now: Time) -> bool {
        self.bars_until(now).is_some()
    }

    /// Until when it bars, as far as time alone decides; `None`: it does not.
    pub(crate) fn bars_until(&self, now: Time) -> Option<Time> {
        let until = match self.state {
            State::Closed { .. } => return None,
            State::Open { until, .. } => until,
            State::Probing { left: 0, since, .. } => since.plus_ms(PAUSE_MAX_MS),
            State::Probing { .. } => return None,
        };
        (until > now).then_some(until)
    }

    /// A call was answered: whatever the answer, the participant is there.
    pub(crate) fn answered(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// A call was not answered usefully.
    pub(crate) fn failed(&mut self, now: Time) {
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < self.failures_max => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } => {
                State::Open { until: now.plus_ms(self.pause_ms), pause_ms: self.pause_ms }
            }
            State::Open { until, pause_ms } => State::Open { until, pause_ms },
            State::Probing { pause_ms, .. } => {
                let pause_ms = pause_ms.saturating_mul(2).min(PAUSE_MAX_MS.max(self.pause_ms));
                State::Open { until: now.plus_ms(pause_ms), pause_ms }
            }
        };
    }

    /// For the meter: 0 closed, 1 half open, 2 open.
    pub(crate) fn level(&self) -> i64 {
        match self.state {
            State::Closed { .. } => 0,
            State::Probing { .. } => 1,
            State::Open { .. } => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_probes_and_closes() {
        let mut breaker = Breaker::new(3, 100);
        let at = |ms: i64| Time(ms * 1000);
        for _ in 0..2 {
            breaker.failed(at(0));
            assert_eq!(breaker.pass(at(0)), Passage::Free);
        }
        breaker.failed(at(0));
        assert_eq!(breaker.pass(at(99)), Passage::Barred);
        for _ in 0..PROBES {
            assert_eq!(breaker.pass(at(100)), Passage::Probe);
        }
        assert_eq!(breaker.pass(at(100)), Passage::Barred, "a round of probes, and no more");
        breaker.failed(at(150));
        assert_eq!(breaker.pass(at(349)), Passage::Barred, "the pause has doubled");
        assert_eq!(breaker.pass(at(350)), Passage::Probe);
        breaker.answered();
        assert_eq!(breaker.pass(at(351)), Passage::Free);
    }

    #[test]
    fn success_in_between_starts_the_count_again() {
        let mut breaker = Breaker::new(2, 100);
        breaker.failed(Time(0));
        breaker.answered();
        breaker.failed(Time(0));
        assert_eq!(breaker.pass(Time(0)), Passage::Free);
    }
}
