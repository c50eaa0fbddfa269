//! The past of the ledger: every one of its events, verbatim, one after another in files that only grow.
//!
//! An event's *position* is its byte offset here. Each lies as the journal held it: length (`u32`, little endian), room,
//! bytes. Events name the positions of earlier ones, so the history of an account is a thread through this file and
//! needs no index. One thread appends, any thread reads what is below [`History::end`].
//!
//! It must never be ahead of the journal's durable frames, change a byte below its end, or trust a length that it read.
//! Read next: `segments.rs` (the files), `walker.rs` (from event to event), `statement.rs` (how an account's past is told).

mod balances;
mod cursor;
mod descent;
mod ended;
mod leg;
mod line;
mod record;
mod segments;
mod statement;
mod steps;
#[cfg(test)]
mod tests;
mod walker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::Disk;

pub(crate) use self::balances::balances_at;
pub(crate) use self::ended::{RawHold, RawItem, hold_at, item_at};
pub(crate) use self::line::{RawLine, RawStatement};
pub(crate) use self::record::{HEAD, Record, Run};
use self::record::{head, whole};
use self::segments::{Place, SEGMENT_BYTES, Segments};
pub(crate) use self::statement::{Head, statement};
pub(crate) use self::steps::{RawOf, RawStep, RawSteps, steps};
pub(crate) use self::walker::Walker;
use crate::Fault;

/// Bytes read at first: nearly every event is shorter.
const FIRST_READ: u64 = 512;

/// How far a history goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Where the next event will lie.
    pub(crate) end: u64,
    /// Where the latest event lies; [`ledger::NONE`] before the first.
    pub(crate) last: u64,
}

impl Reach {
    /// Before the first event.
    pub(crate) const NOTHING: Reach = Reach { end: 0, last: ledger::NONE };
}

/// The history of the ledger; cheap to clone.
#[derive(Clone)]
pub(crate) struct History {
    shared: Arc<Shared>,
}

struct Shared {
    segments: Segments,
    end: AtomicU64,
    writer: Mutex<Writer>,
    #[cfg(test)]
    reads: AtomicU64,
}

/// What only the appending thread needs.
struct Writer {
    last: u64,
    /// A sync failed: what it was to keep may be lost although it can still be read.
    failed: Option<String>,
}

impl History {
    /// Opens the history as far as `reach`, which was durable; what a kill left beyond it is passed over. The inner error
    /// says why that much is not there, in words.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn open(disk: Arc<dyn Disk>, reach: Reach) -> Result<Result<History, String>, Fault> {
        History::with_segments(disk, SEGMENT_BYTES, reach)
    }

    fn with_segments(
        disk: Arc<dyn Disk>,
        bytes: u64,
        reach: Reach,
    ) -> Result<Result<History, String>, Fault> {
        let segments = match Segments::open(disk, bytes, reach.end)? {
            Ok(segments) => segments,
            Err(why) => return Ok(Err(why)),
        };
        let history = History::over(segments, reach);
        Ok(history.check_last(reach).map(|()| history))
    }

    /// An empty history in a folder whose files, if there are any, are of no use; they stay until the first event comes.
    pub(crate) fn anew(disk: Arc<dyn Disk>) -> History {
        History::over(Segments::none(disk, SEGMENT_BYTES), Reach::NOTHING)
    }

    /// A history in memory, for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> History {
        History::anew(Arc::new(journal::disk::fake::FakeDisk::new()))
    }

    fn over(segments: Segments, reach: Reach) -> History {
        let shared = Shared {
            segments,
            end: AtomicU64::new(reach.end),
            writer: Mutex::new(Writer { last: reach.last, failed: None }),
            #[cfg(test)]
            reads: AtomicU64::new(0),
        };
        History { shared: Arc::new(shared) }
    }

    /// Whether the latest event is there and ends where it should.
    fn check_last(&self, reach: Reach) -> Result<(), String> {
        if reach.end == 0 {
            return Ok(());
        }
        let record = self.read(reach.last).map_err(|fault| fault.to_string())?;
        if reach.last + record.length() != reach.end {
            return Err(format!("its last event does not end at {}", reach.end));
        }
        record.kept().map(drop).map_err(|fault| fault.to_string())
    }

    /// Where the next event will lie: all below can be read.
    pub(crate) fn end(&self) -> u64 {
        self.shared.end.load(Ordering::Acquire)
    }

    /// How far it goes now. To be asked by the appending thread.
    #[cfg(test)]
    pub(crate) fn reach(&self) -> Reach {
        Reach { last: self.writer().last, end: self.end() }
    }

    /// Appends events that are durable in the journal. They can be read when this returns, and are durable here only
    /// after [`History::persist`]. After a fault nothing is appended, and it can be tried again.
    ///
    /// # Errors
    /// When the disk fails, or is full.
    pub(crate) fn append(&self, run: &Run) -> Result<(), Fault> {
        let Some(last) = run.last() else { return Ok(()) };
        let mut writer = self.writer();
        let end = self.end();
        self.shared.segments.write(end, run.bytes())?;
        writer.last = end + last;
        self.shared.end.store(end + run.bytes().len() as u64, Ordering::Release);
        Ok(())
    }

    /// Makes all that was appended durable; answers how far that is.
    ///
    /// # Errors
    /// When the disk fails; from then on always, for what a failed sync was to keep may be lost.
    pub(crate) fn persist(&self) -> Result<Reach, Fault> {
        let mut writer = self.writer();
        if let Some(why) = &writer.failed {
            let why = format!("the history could not be made durable ({why}): start this process again");
            return Err(Fault::Archive(why));
        }
        let reach = Reach { last: writer.last, end: self.end() };
        self.shared.segments.sync().inspect_err(|fault| writer.failed = Some(fault.to_string()))?;
        Ok(reach)
    }

    /// The event at a position.
    ///
    /// # Errors
    /// When the disk fails, or no event lies there.
    pub(crate) fn read(&self, position: u64) -> Result<Record, Fault> {
        #[cfg(test)]
        self.shared.reads.fetch_add(1, Ordering::Relaxed);
        let place = self.place(position)?;
        let first = FIRST_READ.min(place.room);
        let mut bytes = vec![0; whole(first)];
        place.read(&mut bytes, position)?;
        let length = head(&bytes).map_err(|why| place.damaged(position, &why))?;
        if length > place.room {
            return Err(place.damaged(position, "it goes on beyond the end"));
        }
        bytes.resize(whole(length), 0);
        if length > first {
            place.read(&mut bytes[whole(first)..], position + first)?;
        }
        Ok(Record::new(position, bytes))
    }

    /// The position of the event with this sequence, if it is here: the first event of each file says where to look.
    ///
    /// # Errors
    /// When the disk fails or an event cannot be decoded.
    pub(crate) fn position_of(&self, sequence: u64) -> Result<Option<u64>, Fault> {
        let mut from = 0;
        for start in self.shared.segments.starts().into_iter().filter(|start| *start < self.end()) {
            if self.read(start)?.kept()?.sequence > sequence {
                break;
            }
            from = start;
        }
        let mut walker = Walker::new(self, from);
        while let Some((position, event)) = walker.next()? {
            let found = record::kept(position, event)?.sequence;
            if found >= sequence {
                return Ok((found == sequence).then_some(position));
            }
        }
        Ok(None)
    }

    fn place(&self, position: u64) -> Result<Place, Fault> {
        self.shared.segments.place(position, self.end())
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many events were read one by one.
    #[cfg(test)]
    pub(crate) fn reads(&self) -> u64 {
        self.shared.reads.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("end", &self.end()).finish()
    }
}
