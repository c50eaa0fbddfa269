//! What a relay can be told, and what makes no sense.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::call::Signature;
use crate::outbox::OnDead;

/// How a relay works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who it is, in `lease_by` and in logs.
    pub name: String,
    /// Where rows go.
    pub target: Target,
    /// Signs the deliver calls to destinations, if anything does. A coordinator signs its own.
    pub signature: Option<Signature>,
    /// URLs of topics.
    pub routes: BTreeMap<String, String>,
    /// What a message with a key is waited for before the next of its key.
    pub order: Order,
    /// What a dead letter means for the messages behind it that have the same key.
    pub on_dead: OnDead,
    /// Rows held at most.
    pub batch: u32,
    /// Rows of one key that are taken at once, at most.
    pub run: u32,
    /// Calls under way, at most.
    pub parallel: usize,
    /// How long rows are taken for. A relay that was killed is made up for so long after.
    pub lease: Duration,
    /// How long an answer is waited for. Less than half of the lease.
    pub timeout: Duration,
    /// How failures are repeated.
    pub retry: Retry,
    /// How long nothing is looked for when nothing was there.
    pub poll: Duration,
}

/// Where rows go.
#[derive(Clone, Debug)]
pub enum Target {
    /// To a coordinator, each as a message transaction with one branch, `deliver`, that calls the destination.
    Server(Server),
    /// To the destinations themselves, as deliver calls.
    Destinations,
}

/// A coordinator. Never shows its token, not even by `Debug`.
#[derive(Clone)]
pub struct Server {
    /// `http://HOST:PORT` or `https://…`.
    pub url: String,
    /// The bearer token, where it wants one.
    pub token: Option<String>,
}

/// What a message with a key is waited for before the next of its key goes to the coordinator. Without a coordinator they are
/// the same: the destination accepts what is delivered to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Until it is delivered: they are applied in order.
    #[default]
    Delivered,
    /// Until the coordinator has it: they are accepted in order, and may be delivered in another.
    Accepted,
}

/// Capped exponential back-off with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts before a row is a dead letter.
    pub budget: u32,
    /// The longest first pause.
    pub initial: Duration,
    /// The longest pause.
    pub most: Duration,
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsFault(pub String);

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "hidden");
        f.debug_struct("Server").field("url", &self.url).field("token", &token).finish()
    }
}

impl Settings {
    /// With what serves most.
    #[must_use]
    pub fn new(target: Target) -> Settings {
        Settings {
            name: format!("relay-{}", std::process::id()),
            target,
            signature: None,
            routes: BTreeMap::new(),
            order: Order::default(),
            on_dead: OnDead::default(),
            batch: 256,
            run: 64,
            parallel: 64,
            lease: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            retry: Retry::default(),
            poll: Duration::from_millis(200),
        }
    }

    /// Whether they make sense.
    pub(super) fn check(&self) -> Result<(), SettingsFault> {
        let rules = [
            ((1..=100).contains(&self.name.len()), "the name is empty, or longer than 100 bytes"),
            ((2..=10_000).contains(&self.batch), "the batch is not 2 to 10,000 rows"),
            (self.run > 0, "a run is of one row or more"),
            ((1..=4096).contains(&self.parallel), "not 1 to 4,096 calls at once"),
            (self.timeout >= Duration::from_millis(10), "the time-out is shorter than 10 ms"),
            (self.lease > self.timeout * 2, "the lease is not longer than two time-outs"),
            (self.retry.budget > 0, "the budget is of one attempt or more"),
        ];
        match rules.into_iter().find(|(is_kept, _)| !is_kept) {
            Some((_, broken)) => Err(SettingsFault(broken.to_owned())),
            None => Ok(()),
        }
    }
}

impl Default for Retry {
    /// Ten attempts over about ten minutes.
    fn default() -> Self {
        Retry { budget: 10, initial: Duration::from_secs(1), most: Duration::from_secs(300) }
    }
}

impl Retry {
    /// How long to wait after failed attempt number `attempt`, from 1: between half of the doubled pause and all of it.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.initial.saturating_mul(doubled).min(self.most);
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(fastrand::u64(millis / 2..=millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most_and_differ() {
        let retry = Retry::default();
        for (attempt, longest) in [(1, 1_000), (2, 2_000), (5, 16_000), (10, 300_000), (99, 300_000)] {
            for _ in 0..50 {
                let pause = retry.pause(attempt).as_millis();
                assert!((longest / 2..=longest).contains(&pause), "{attempt}: {pause}");
            }
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let server = Server { url: "http://127.0.0.1:1".into(), token: Some("a-token-of-ours".into()) };
        let signature = Some(Signature::new("a-secret-of-ours"));
        let settings = Settings { signature, ..Settings::new(Target::Server(server)) };
        let shown = format!("{settings:?}");
        assert!(shown.contains("127.0.0.1") && !shown.contains("of-ours"), "{shown}");
    }

    #[test]
    fn a_lease_that_a_call_can_outlive_is_refused() {
        let plain = Settings::new(Target::Destinations);
        assert_eq!(plain.check(), Ok(()));
        let short = Settings { lease: Duration::from_secs(20), ..plain.clone() };
        assert!(short.check().unwrap_err().to_string().contains("lease"));
        for broken in [
            Settings { name: String::new(), ..plain.clone() },
            Settings { batch: 1, ..plain.clone() },
            Settings { run: 0, ..plain.clone() },
            Settings { parallel: 0, ..plain.clone() },
            Settings { timeout: Duration::ZERO, ..plain.clone() },
            Settings { retry: Retry { budget: 0, ..Retry::default() }, ..plain },
        ] {
            assert!(broken.check().is_err(), "{broken:?}");
        }
    }
}
