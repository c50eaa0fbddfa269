//! W3C trace context: which trace a request belongs to, and what a log line says a request is about.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use transaction::{Trace, Transaction};

const HEADER: &str = "traceparent";

/// What a request is about, as far as is known yet.
pub(super) struct Subject {
    /// The caller's trace id, or a fresh one.
    pub(super) trace: Trace,
    /// The id of the transaction it names.
    pub(super) transaction: Option<Arc<str>>,
    /// The journal sequence that its answer reflects, where a refusal has one.
    pub(super) sequence: Option<u64>,
    origin: Origin,
}

/// Where a trace id comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Caller,
    Here,
}

impl Subject {
    pub(super) fn of(headers: &HeaderMap) -> Subject {
        let given = headers.get(HEADER).and_then(|value| parse(value.as_bytes()));
        let origin = if given.is_some() { Origin::Caller } else { Origin::Here };
        Subject { trace: given.unwrap_or_else(fresh), transaction: None, sequence: None, origin }
    }

    /// The request is about this transaction; one without a trace of its own belongs to the transaction's.
    pub(super) fn is_about(&mut self, transaction: &Transaction) {
        if self.origin == Origin::Here {
            self.trace = transaction.trace;
        }
    }
}

/// The trace id of a `traceparent`; `None` when it is not one (trace-context, section 3.2.2).
fn parse(value: &[u8]) -> Option<Trace> {
    let mut fields = value.split(|byte| *byte == b'-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let [version] = hex::<1>(version)?;
    let trace = hex::<16>(trace)?;
    let parent = hex::<8>(parent)?;
    hex::<1>(flags)?;
    // A later version may append fields.
    let fits = match version {
        0 => fields.next().is_none(),
        0xff => false,
        _ => true,
    };
    (fits && trace != [0; 16] && parent != [0; 8]).then_some(Trace(trace))
}

fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

/// Lower case only, as the standard asks.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// A trace id for a request that came without: it need not be secret, only new.
fn fresh() -> Trace {
    Trace(fastrand::u128(1..).to_be_bytes())
}

/// A trace id in the hexadecimal digits of the standard.
pub(super) struct Hex(pub(super) Trace);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparents_are_read_strictly() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let cases = [
            (format!("00-{trace}-00f067aa0ba902b7-01"), true),
            (format!("cc-{trace}-00f067aa0ba902b7-01-what-comes"), true),
            (format!("00-{trace}-00f067aa0ba902b7-01-x"), false),
            (format!("ff-{trace}-00f067aa0ba902b7-01"), false),
            (format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()), false),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false),
            (format!("00-{trace}-0000000000000000-01"), false),
            (format!("00-{trace}-00f067aa0ba902b7"), false),
            (String::new(), false),
        ];
        for (value, is_read) in cases {
            let read = parse(value.as_bytes()).map(|trace| Hex(trace).to_string());
            assert_eq!(read, is_read.then(|| trace.to_owned()), "{value}");
        }
    }

    #[test]
    fn a_request_without_a_trace_gets_a_new_one() {
        let (one, other) = (Subject::of(&HeaderMap::new()), Subject::of(&HeaderMap::new()));
        assert_ne!(one.trace, other.trace);
    }
}
