//! Waiting for a fact, never for a time.

use std::time::{Duration, Instant};

/// How long a fact may take before it counts as never: long, for a busy machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` finds something.
///
/// # Panics
/// Naming `what`, when patience ends.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain for: {what}"))
}

/// Looks until `look` finds something or the time is over.
pub fn within<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + time;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
