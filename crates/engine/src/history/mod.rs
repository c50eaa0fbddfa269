//! The past of the ledger: every one of its events, verbatim, one after another in files that only grow.
//!
//! An event's *position* is its byte offset here. Each lies as the journal held it: length (`u32`, little endian), room,
//! bytes. Events name the positions of earlier ones, so the history of an account is a thread through this file and
//! needs no index. One thread appends, any thread reads what is below [`History::end`].
//!
//! It must never be ahead of the journal's durable frames, change a byte below its end, or trust a length that it read.
//! Read next: `segments.rs` (the files), `sums.rs` (what shows that a byte changed), `walker.rs` (from event to
//! event), `statement.rs` (how an account's past is told).

mod balances;
mod blocks;
mod cursor;
mod descent;
mod ended;
mod leg;
mod line;
mod record;
mod segments;
mod statement;
mod steps;
mod sums;
#[cfg(test)]
mod tests;
mod walker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::Disk;
use ledger::Kept;

pub(crate) use self::balances::balances_at;
use self::blocks::{Files, Resumed, Sizes};
pub(crate) use self::ended::{RawHold, RawItem, hold_at, item_at};
pub(crate) use self::line::{RawLine, RawStatement};
pub(crate) use self::record::{HEAD, Record, Run};
use self::record::{head, whole};
use self::segments::{Place, SEGMENT_BYTES};
pub(crate) use self::statement::{Head, statement};
pub(crate) use self::steps::{RawOf, RawStep, RawSteps, steps};
use self::sums::Chain;
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
    /// The sum of the block that the end lies in, which speaks for all bytes before it; `None`: there were no sums yet.
    pub(crate) sum: Option<u64>,
}

impl Reach {
    /// Before the first event.
    pub(crate) const NOTHING: Reach = Reach { end: 0, last: ledger::NONE, sum: None };
}

/// The history of the ledger; cheap to clone.
#[derive(Clone)]
pub(crate) struct History {
    shared: Arc<Shared>,
}

struct Shared {
    files: Files,
    end: AtomicU64,
    /// What was wrong with the sums at the open, and was mended.
    mended: Option<String>,
    writer: Mutex<Writer>,
    #[cfg(test)]
    reads: AtomicU64,
}

/// What only the appending thread needs.
struct Writer {
    last: u64,
    chain: Chain,
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
        History::with_sizes(disk, Sizes::REAL, reach)
    }

    fn with_sizes(disk: Arc<dyn Disk>, sizes: Sizes, reach: Reach) -> Result<Result<History, String>, Fault> {
        let files = match Files::open(disk, sizes, reach.end)? {
            Ok(files) => files,
            Err(why) => return Ok(Err(why)),
        };
        let resumed = match files.resume(reach)? {
            Ok(resumed) => resumed,
            Err(why) => return Ok(Err(why)),
        };
        let history = History::over(files, reach, resumed);
        Ok(history.check_last(reach).map(|()| history))
    }

    /// An empty history in a folder whose files, if there are any, are of no use; they stay until the first event comes.
    pub(crate) fn anew(disk: Arc<dyn Disk>) -> History {
        let files = Files::none(disk, Sizes::REAL);
        let chain = Chain::new(files.block, 0, 0);
        History::over(files, Reach::NOTHING, Resumed { chain, mended: None })
    }

    /// A history in memory, for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> History {
        History::anew(Arc::new(journal::disk::fake::FakeDisk::new()))
    }

    fn over(files: Files, reach: Reach, Resumed { chain, mended }: Resumed) -> History {
        let shared = Shared {
            files,
            end: AtomicU64::new(reach.end),
            mended,
            writer: Mutex::new(Writer { last: reach.last, chain, failed: None }),
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
        self.reach_of(&self.writer())
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
        self.shared.files.segments.write(end, run.bytes())?;
        let (mut chain, mut full) = (writer.chain.clone(), Vec::new());
        let first = chain.full();
        chain.take(run.bytes(), &mut full);
        self.shared.files.sums.put(first, &full)?;
        (writer.chain, writer.last) = (chain, end + last);
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
        let reach = self.reach_of(&writer);
        let synced = self.shared.files.segments.sync().and_then(|()| self.shared.files.sums.sync());
        synced.inspect_err(|fault| writer.failed = Some(fault.to_string()))?;
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
        let length = head(&bytes).map_err(|why| self.fault(position, &why))?;
        if length > place.room {
            return Err(self.fault(position, "it goes on beyond the end"));
        }
        bytes.resize(whole(length), 0);
        if length > first {
            place.read(&mut bytes[whole(first)..], position + first)?;
        }
        Ok(Record::new(self, position, bytes))
    }

    /// The position of the event with this sequence, if it is here: the first event of each file says where to look.
    ///
    /// # Errors
    /// When the disk fails or an event cannot be decoded.
    pub(crate) fn position_of(&self, sequence: u64) -> Result<Option<u64>, Fault> {
        let mut from = 0;
        for start in self.shared.files.segments.starts().into_iter().filter(|start| *start < self.end()) {
            if self.read(start)?.kept()?.sequence > sequence {
                break;
            }
            from = start;
        }
        let mut walker = Walker::new(self, from);
        while let Some((position, event)) = walker.next()? {
            let found = Kept::decode(event).map_err(|why| self.fault(position, &why))?.sequence;
            if found >= sequence {
                return Ok((found == sequence).then_some(position));
            }
        }
        Ok(None)
    }

    /// Checks every block that is full; answers how many there are, or what does not fit, in words.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn check_blocks(&self) -> Result<Result<u64, String>, Fault> {
        let end = self.end();
        let full = end / self.shared.files.block;
        Ok(self.shared.files.first_unfit(full, end)?.map_or(Ok(full), Err))
    }

    /// What was wrong with the sums when this was opened, though the bytes were whole; it is mended.
    pub(crate) fn mended(&self) -> Option<&str> {
        self.shared.mended.as_deref()
    }

    /// What is wrong with the event at a position, and whether its block is what was written.
    fn fault(&self, position: u64, why: &str) -> Fault {
        record::fault(position, &format!("{why} ({})", self.shared.files.verdict(position, self.end())))
    }

    fn reach_of(&self, writer: &Writer) -> Reach {
        Reach { last: writer.last, end: self.end(), sum: Some(writer.chain.sum()) }
    }

    fn place(&self, position: u64) -> Result<Place, Fault> {
        self.shared.files.segments.place(position, self.end())
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
