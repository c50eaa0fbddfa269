//! The power that several disks hang on: when it goes in a call of one, no other does anything any more.
//!
//! Read next: `disk/fake.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A source of power. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Power(Arc<AtomicBool>);

impl Power {
    /// Whether it is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn goes(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn returns(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
