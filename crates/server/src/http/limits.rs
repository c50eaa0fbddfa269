//! How much is taken at once: requests, connections, bytes of bodies, requests of one caller. What is beyond is
//! refused at once, so that memory stays bounded and the rest goes on. Read `rate.rs` for the pace of one caller.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use transaction::Refusal;

use super::auth::Caller;
use super::metrics::HttpMeters;
use super::problem::Problem;
use super::rate::Pacer;
use crate::refusal::RATE_LIMITED;

/// Limits of HTTP requests and connections.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Bytes of one body.
    pub body_bytes: usize,
    /// Bytes of one body that is a batch of the ledger.
    pub batch_bytes: usize,
    /// Bytes of all bodies together that are being read or worked on.
    pub bodies_bytes: usize,
    /// Levels of nested arrays and objects in a body.
    pub json_depth: usize,
    /// Requests under way at once.
    pub requests_in_flight: usize,
    /// Connections open at once.
    pub connections: usize,
    /// Requests per second that one caller (token, or address) may make; 0: unlimited.
    pub caller_rate: u32,
    /// Requests that a caller may make at once after a rest.
    pub caller_burst: u32,
    /// Milliseconds for the head of a request, from its first byte.
    pub header_timeout_ms: u64,
    /// Milliseconds for the body of a request; also how long a caller may take none of an answer.
    pub body_timeout_ms: u64,
    /// Milliseconds that a connection may stay open without a request.
    pub idle_timeout_ms: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            body_bytes: 1024 * 1024,
            batch_bytes: 4 * 1024 * 1024,
            bodies_bytes: 256 * 1024 * 1024,
            json_depth: transaction::JSON_DEPTH,
            requests_in_flight: 10_000,
            connections: 10_000,
            caller_rate: 0,
            caller_burst: 100,
            header_timeout_ms: 10_000,
            body_timeout_ms: 30_000,
            idle_timeout_ms: 75_000,
        }
    }
}

/// Beyond this depth a parser's own stack would be at risk.
const DEEPEST: usize = 100;

impl HttpLimits {
    pub(crate) fn check(&self) -> Result<(), String> {
        let at_least_one = [
            ("body_bytes", self.body_bytes),
            ("batch_bytes", self.batch_bytes),
            ("json_depth", self.json_depth),
            ("requests_in_flight", self.requests_in_flight),
            ("connections", self.connections),
        ];
        if let Some((name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(format!("a limit of 0 {name} would refuse everything"));
        }
        if self.json_depth > DEEPEST {
            return Err(format!("a JSON depth of {} is more than {DEEPEST}", self.json_depth));
        }
        let largest = self.body_bytes.max(self.batch_bytes);
        if self.bodies_bytes < largest {
            return Err(format!("bodies_bytes ({}) must hold one body ({largest})", self.bodies_bytes));
        }
        Ok(())
    }

    pub(super) fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }
}

/// What is taken now.
pub(super) struct Load {
    requests: AtomicUsize,
    requests_max: usize,
    bodies: AtomicUsize,
    bodies_max: usize,
    pacer: Option<Pacer>,
}

impl Load {
    pub(super) fn new(limits: &HttpLimits) -> Load {
        Load {
            requests: AtomicUsize::new(0),
            requests_max: limits.requests_in_flight,
            bodies: AtomicUsize::new(0),
            bodies_max: limits.bodies_bytes,
            pacer: Pacer::new(limits.caller_rate, limits.caller_burst),
        }
    }

    /// A place for one request, given back when dropped.
    pub(super) fn place<'a>(&'a self, meters: &'a HttpMeters) -> Result<Place<'a>, Refusal> {
        if self.requests.fetch_add(1, Ordering::Relaxed) >= self.requests_max {
            self.requests.fetch_sub(1, Ordering::Relaxed);
            return Err(engine::refusal::OVERLOADED.because("too many requests are under way"));
        }
        meters.in_flight.inc();
        Ok(Place { load: self, meters })
    }

    /// Whether the caller keeps its pace.
    pub(super) fn pace(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(pacer) = &self.pacer else { return Ok(()) };
        pacer.ask(caller).map_err(|wait| Problem {
            retry_after: Some(wait.as_secs().max(1)),
            ..RATE_LIMITED.because("this caller asks more often than it may").into()
        })
    }

    /// Room for the bytes of a body; grows with it.
    pub(super) fn room(&self) -> Room<'_> {
        Room { load: self, taken: 0 }
    }
}

/// A place for one request.
pub(super) struct Place<'a> {
    load: &'a Load,
    meters: &'a HttpMeters,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.load.requests.fetch_sub(1, Ordering::Relaxed);
        self.meters.in_flight.dec();
    }
}

/// Room for the bytes of a body, given back when dropped.
pub(super) struct Room<'a> {
    load: &'a Load,
    taken: usize,
}

impl Room<'_> {
    /// Takes room for `more` bytes.
    pub(super) fn grow(&mut self, more: usize) -> Result<(), Refusal> {
        if self.load.bodies.fetch_add(more, Ordering::Relaxed).saturating_add(more) > self.load.bodies_max {
            self.load.bodies.fetch_sub(more, Ordering::Relaxed);
            return Err(engine::refusal::OVERLOADED.because("there is no room for another body"));
        }
        self.taken += more;
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.load.bodies.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let load = Load::new(&HttpLimits { requests_in_flight: 2, ..HttpLimits::default() });
        let meters = HttpMeters::registered(&mut Registry::default());
        let (first, second) = (load.place(&meters), load.place(&meters));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(load.place(&meters).err().map(|refusal| refusal.kind.code), Some("overloaded"));
        drop(first);
        assert!(load.place(&meters).is_ok());
        drop(second);
        assert_eq!(meters.in_flight.get(), 0);
    }

    #[test]
    fn bytes_of_bodies_are_bounded_and_given_back() {
        let limits = HttpLimits { body_bytes: 10, bodies_bytes: 10, ..HttpLimits::default() };
        let load = Load::new(&limits);
        let mut first = load.room();
        assert!(first.grow(4).is_ok() && first.grow(6).is_ok());
        assert_eq!(load.room().grow(1).err().map(|refusal| refusal.kind.code), Some("overloaded"));
        drop(first);
        assert!(load.room().grow(10).is_ok());
    }

    #[test]
    fn limits_without_sense_are_named() {
        assert_eq!(HttpLimits::default().check(), Ok(()));
        let cases = [
            (HttpLimits { connections: 0, ..HttpLimits::default() }, "connections"),
            (HttpLimits { json_depth: 101, ..HttpLimits::default() }, "depth"),
            (HttpLimits { bodies_bytes: 1, ..HttpLimits::default() }, "bodies_bytes"),
        ];
        for (limits, word) in cases {
            assert!(limits.check().unwrap_err().contains(word), "{word}");
        }
    }
}
