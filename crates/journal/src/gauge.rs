//! Gauges of a journal that another thread reads without a lock: space, sizes, counters.
//!
//! They inform and never decide: an append may still answer `Full` right after a gauge said `Ample`.
//! Read next: `file/spare.rs`, which sets the space.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// How much room the journal sees ahead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// The next segment is ready or can be made.
    Ample,
    /// No further segment can be made: only what was set aside is left. Take no new work, finish what is open.
    Reserve,
    /// What was set aside is used up: appends are refused until there is room.
    Full,
}

/// A cheap, cloneable handle on a journal's gauges. All clones show the same journal.
#[derive(Debug, Clone, Default)]
pub struct Gauge {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    space: AtomicU8,
    bytes: AtomicU64,
    segments: AtomicU64,
    syncs: AtomicU64,
    frames: AtomicU64,
}

/// The stored form of a space is its place in this table.
const SPACES: [Space; 3] = [Space::Ample, Space::Reserve, Space::Full];

impl Gauge {
    /// How much room there is ahead.
    #[must_use]
    pub fn space(&self) -> Space {
        let index = usize::from(self.shared.space.load(Ordering::Acquire));
        SPACES.get(index).copied().unwrap_or(Space::Full)
    }

    /// Bytes that the held segments take on disk (or the frames in memory), without spares.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Segments held, without spares; 0 for a backend that has none.
    #[must_use]
    pub fn segments(&self) -> u64 {
        self.shared.segments.load(Ordering::Relaxed)
    }

    /// Data syncs that appends have made since this opening.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.shared.syncs.load(Ordering::Relaxed)
    }

    /// Frames appended since this opening.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.shared.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn set_space(&self, space: Space) {
        let index = SPACES.iter().position(|known| *known == space).unwrap_or(SPACES.len());
        self.shared.space.store(index as u8, Ordering::Release);
    }

    pub(crate) fn set_held(&self, bytes: u64, segments: u64) {
        self.shared.bytes.store(bytes, Ordering::Relaxed);
        self.shared.segments.store(segments, Ordering::Relaxed);
    }

    pub(crate) fn count_sync(&self) {
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_frame(&self) {
        self.shared.frames.fetch_add(1, Ordering::Relaxed);
    }
}
