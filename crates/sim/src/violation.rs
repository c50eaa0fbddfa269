//! A broken promise: which one, and what was seen.

use std::fmt;

/// What the auditor found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise, as `docs/reference/promises.md` numbers it.
    pub promise: &'static str,
    /// What was seen, in words.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(promise: &'static str, what: impl Into<String>) -> Violation {
        Violation { promise, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken: {}", self.promise, self.what)
    }
}

/// Nothing, or the first broken promise.
pub(crate) type Judged = Result<(), Violation>;

/// What must be so.
pub(crate) trait Must {
    /// A violation of `promise` unless it is so.
    fn must(self, promise: &'static str, what: impl FnOnce() -> String) -> Judged;
}

impl Must for bool {
    fn must(self, promise: &'static str, what: impl FnOnce() -> String) -> Judged {
        if self { Ok(()) } else { Err(Violation::new(promise, what())) }
    }
}
