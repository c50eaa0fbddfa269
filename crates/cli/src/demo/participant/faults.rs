//! The front of a participant: does to calls what networks and tired machines do to them, before the barrier sees them.
//!
//! What happens to a delivery is a pure function of the seed, the transaction, the branch, the operation and the
//! attempt, so a run can be repeated. It never changes what the business decides. Read next: `holds.rs`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use participant::call::Call;
use transaction::Operation;

use crate::demo::args::Rates;

/// What befalls one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes effect, then the connection is cut instead of an answer.
    ReplyLost,
    /// It is handled twice in parallel; the first answer is given.
    Duplicate,
    /// It reaches the barrier only after this long, perhaps after the caller's time-out.
    Slow(Duration),
    /// As slow, but every try of this branch is held back past the deadline: the cancel overtakes it.
    Late(Duration),
}

impl Fault {
    /// The word in the participant's report to the demo.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Fault::ReplyLost => "reply_lost",
            Fault::Duplicate => "duplicate",
            Fault::Slow(_) => "slow",
            Fault::Late(_) => "late",
        }
    }
}

/// Decides the faults of one participant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Front {
    /// Of the whole run.
    pub(crate) seed: u64,
    /// How often each fault strikes.
    pub(crate) rates: Rates,
    /// How long a late try is held back.
    pub(crate) late: Duration,
}

impl Front {
    /// What befalls this delivery of `call`.
    pub(crate) fn fault(&self, call: &Call) -> Option<Fault> {
        let tries = call.operation == Operation::Try;
        if tries && self.draw((&call.branch.transaction, &call.branch.branch)).chance(self.rates.late) {
            return Some(Fault::Late(self.late));
        }
        let mut draw = self.draw((&call.branch.transaction, &call.branch.branch, call.name(), call.attempt));
        if draw.chance(self.rates.lost) {
            return Some(Fault::ReplyLost);
        }
        if draw.chance(self.rates.duplicate) {
            return Some(Fault::Duplicate);
        }
        if tries && draw.chance(self.rates.slow) {
            return Some(Fault::Slow(Duration::from_millis(draw.0.u64(200..1500))));
        }
        None
    }

    fn draw(&self, what: impl Hash) -> Draw {
        let mut hasher = DefaultHasher::new();
        (self.seed, what).hash(&mut hasher);
        Draw(fastrand::Rng::with_seed(hasher.finish()))
    }
}

struct Draw(fastrand::Rng);

impl Draw {
    fn chance(&mut self, per_cent: f64) -> bool {
        self.0.f64() * 100.0 < per_cent
    }
}

#[cfg(test)]
mod tests {
    use participant::call::{Branch, Content};
    use transaction::Pattern;

    use super::*;

    fn front(rates: Rates) -> Front {
        Front { seed: 1, rates, late: Duration::from_secs(4) }
    }

    fn call(number: u32, operation: Operation, attempt: u32) -> Call {
        Call {
            branch: Branch { transaction: format!("order-{number}"), branch: "stock".to_owned() },
            pattern: Pattern::Tcc,
            operation,
            attempt,
            content: Content::of(b""),
        }
    }

    const CALM: Rates = Rates { lost: 0.0, duplicate: 0.0, slow: 0.0, late: 0.0 };

    #[test]
    fn calm_rates_strike_nothing_and_full_rates_strike_always() {
        for number in 0..200 {
            assert_eq!(front(CALM).fault(&call(number, Operation::Try, 1)), None);
            let lost = front(Rates { lost: 100.0, ..CALM });
            assert_eq!(lost.fault(&call(number, Operation::Confirm, 1)), Some(Fault::ReplyLost));
            let late = front(Rates { late: 100.0, ..CALM });
            assert!(matches!(late.fault(&call(number, Operation::Try, 1)), Some(Fault::Late(_))));
            assert_eq!(late.fault(&call(number, Operation::Cancel, 1)), None);
        }
    }

    #[test]
    fn the_rate_is_kept_and_an_attempt_is_drawn_anew() {
        let front = front(Rates { lost: 10.0, ..CALM });
        let struck = |attempt: u32| -> Vec<u32> {
            (0..5000).filter(|n| front.fault(&call(*n, Operation::Confirm, attempt)).is_some()).collect()
        };
        let first = struck(1);
        assert!((400..600).contains(&first.len()), "about one in ten: {}", first.len());
        assert_eq!(first, struck(1), "the same seed strikes the same calls");
        assert_ne!(first, struck(2), "a repeated call is not cursed for ever");
    }

    #[test]
    fn a_late_branch_is_late_at_every_attempt() {
        let front = front(Rates { late: 5.0, ..CALM });
        for number in 0..500 {
            let attempt = |attempt| front.fault(&call(number, Operation::Try, attempt));
            assert_eq!(attempt(1), attempt(2));
        }
    }
}
