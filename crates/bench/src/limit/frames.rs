//! The raw limit of the ledger's workloads: frames of the very sizes that a run wrote, through the file journal alone.
//!
//! The recorder stands in front of a journal and notes each frame's size; the replay appends as many bytes of noise in
//! as many syncs, with nothing decided, encoded or answered. Read next: `house.rs`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use journal::{Fault, FileJournal, FileOptions, Frame, Gauge, Journal, RealDisk};

use crate::histogram::Histogram;

/// The size of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Its first event.
    pub(crate) sequence: u64,
    /// Its events.
    pub(crate) count: u32,
    /// Its bytes.
    pub(crate) bytes: usize,
}

/// The sizes of all frames, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sizes(Arc<Mutex<Vec<Size>>>);

impl Sizes {
    /// Notes one.
    fn note(&self, frame: &Frame<'_>) {
        let size = Size { sequence: frame.sequence, count: frame.count, bytes: frame.payload.len() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(size);
    }

    /// Those noted since it was asked last.
    pub(crate) fn take(&self) -> Vec<Size> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file journal whose frames are noted.
pub(crate) struct Recorded {
    pub(crate) journal: FileJournal,
    pub(crate) sizes: Sizes,
}

impl Journal for Recorded {
    fn last_sequence(&self) -> u64 {
        self.journal.last_sequence()
    }

    fn first_sequence(&self) -> u64 {
        self.journal.first_sequence()
    }

    fn epoch(&self) -> u64 {
        self.journal.epoch()
    }

    fn salt(&self) -> [u8; 16] {
        self.journal.salt()
    }

    fn append(&mut self, frame: &Frame<'_>) -> Result<(), Fault> {
        self.journal.append(frame)?;
        self.sizes.note(frame);
        Ok(())
    }

    fn read(
        &mut self,
        from: u64,
        visit: &mut dyn FnMut(&Frame<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.journal.read(from, visit)
    }

    fn release(&mut self, through: u64) -> Result<(), Fault> {
        self.journal.release(through)
    }

    fn gauge(&self) -> Gauge {
        self.journal.gauge()
    }

    fn head(&self) -> [u8; 32] {
        self.journal.head()
    }
}

/// Reads the sizes of the frames after event `after` of a journal that no process writes to.
pub(crate) fn sizes_in(folder: &Path, after: u64) -> anyhow::Result<Vec<Size>> {
    let mut sizes = Vec::new();
    journal::verify(&RealDisk::at(folder), &FileOptions::default(), &mut |frame| {
        if frame.sequence > after {
            sizes.push(Size { sequence: frame.sequence, count: frame.count, bytes: frame.payload.len() });
        }
        Ok(())
    })?;
    Ok(sizes)
}

/// What the journal alone did.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) events: u64,
    pub(crate) frames: Histogram,
    elapsed: Duration,
}

impl Replay {
    /// Events per second.
    pub(crate) fn events_per_second(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64()
    }
}

/// A replay ends with so many bytes at the latest: the journal alone fills a disk fast.
const REPLAY_BYTES: usize = 6 << 30;

/// Appends frames of these sizes, over and over, for so long, to a fresh journal below `folder`, which is removed after.
pub(crate) fn replay(folder: &Path, sizes: &[Size], most: Duration) -> anyhow::Result<Replay> {
    ensure!(!sizes.is_empty(), "nothing was written, so there is nothing to compare with");
    let place = tempfile::Builder::new().prefix("limit-").tempdir_in(folder)?;
    let disk = Arc::new(RealDisk::create(place.path().join("journal"))?);
    let mut journal = FileJournal::start(disk, FileOptions::default())?;
    let noise = noise(sizes.iter().map(|size| size.bytes).max().unwrap_or(0));
    let mut seen = Replay { events: 0, frames: Histogram::new(), elapsed: Duration::ZERO };
    let begun = Instant::now();
    let (mut last, mut bytes) = (begun, 0);
    for size in sizes.iter().cycle() {
        if last - begun >= most || bytes > REPLAY_BYTES {
            break;
        }
        bytes += size.bytes;
        let sequence = journal.last_sequence() + 1;
        let payload = &noise[..size.bytes];
        journal.append(&Frame { sequence, count: size.count, time: 0, payload })?;
        let now = Instant::now();
        seen.frames.record(now - last);
        seen.events += u64::from(size.count);
        last = now;
    }
    seen.elapsed = last - begun;
    Ok(seen)
}

/// Bytes without a pattern, the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_what_is_read_and_can_be_replayed() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let place = folder.path().join("journal");
        let disk = Arc::new(RealDisk::create(&place).unwrap());
        let journal = FileJournal::start(disk, FileOptions::default()).unwrap();
        let mut recorded = Recorded { journal, sizes: Sizes::default() };
        for (sequence, count, bytes) in [(1, 2, 100), (3, 1, 7), (4, 5, 4_000)] {
            recorded.append(&Frame { sequence, count, time: 0, payload: &noise(bytes) }).unwrap();
        }
        let noted = recorded.sizes.take();
        assert_eq!(noted.iter().map(|size| size.bytes).collect::<Vec<_>>(), [100, 7, 4_000]);
        assert!(recorded.sizes.take().is_empty());
        drop(recorded);
        assert_eq!(sizes_in(&place, 0).unwrap(), noted);
        assert_eq!(sizes_in(&place, 2).unwrap(), noted[1..]);
        let seen = replay(folder.path(), &noted, Duration::from_millis(30)).unwrap();
        assert!(seen.events >= 2 && seen.events_per_second() > 0.0 && seen.frames.count() > 0);
        assert!(replay(folder.path(), &[], Duration::ZERO).is_err());
    }
}
