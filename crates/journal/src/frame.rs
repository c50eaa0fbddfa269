//! A frame: the unit that is appended, synced, hashed and read.
//!
//! It carries bytes and never looks into them. Read next: `chain.rs` for how frames are tied together.

/// The events of one batch, sealed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The sequence of its first event, counted from 1.
    pub sequence: u64,
    /// How many events it holds, at least 1.
    pub count: u32,
    /// Journal time in microseconds since the Unix epoch.
    pub time: i64,
    /// The encoded events; opaque here.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// The sequence of its last event.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.sequence.saturating_add(u64::from(self.count)).saturating_sub(1)
    }
}
