//! The file journal: opening, appending, rolling to the next segment, reading, releasing.
//!
//! After a failed write or sync it is poisoned: what the disk holds is unknown until the next opening reads it, so
//! nothing is retried here. It must never answer `Ok` before the sync. Read next: `file/recover.rs`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chain::Link;
use crate::disk::{self, Disk, DiskFile, DiskLock, LockRefused};
use crate::file::recover::{self, Visit, Walked};
use crate::file::scan::{Found, Scanner};
use crate::file::segment::{self, Header};
use crate::file::spare::{Preparer, Spares, Taken};
use crate::file::thread::PreparerThread;
use crate::file::{FileOptions, epoch, frame, mend};
use crate::{Fault, Frame, Gauge, Journal};

const LOCK: &str = "lock";

/// A journal in a folder of files, held exclusively.
pub struct FileJournal {
    // Dropped in this order: the thread ends before the lock is given back.
    thread: Option<PreparerThread>,
    spares: Arc<Spares>,
    options: FileOptions,
    held: VecDeque<Header>,
    active: Active,
    last: u64,
    link: Link,
    buffer: Vec<u8>,
    poison: Option<String>,
    _lock: Box<dyn DiskLock>,
}

/// The segment that is written to; its header is the last of those held.
struct Active {
    file: Box<dyn DiskFile>,
    number: u64,
    seed: u32,
    salt: [u8; 16],
    at: u64,
    bytes: u64,
}

impl FileJournal {
    /// Opens the journal and starts the thread that keeps spare segments ready.
    pub fn start(disk: Arc<dyn Disk>, options: FileOptions) -> Result<FileJournal, Fault> {
        let mut journal = FileJournal::open(disk, options)?;
        let thread = PreparerThread::spawn(&journal.spares);
        let what = "start the thread that prepares segments".to_owned();
        journal.thread = Some(thread.map_err(|source| Fault::Io { what, source })?);
        Ok(journal)
    }

    /// Opens the journal, making it when the folder holds none; spares are then prepared by whoever steps
    /// [`FileJournal::preparer`].
    ///
    /// Refusals: [`Fault::Locked`], [`Fault::Damaged`], [`Fault::Behind`], [`Fault::Options`]; nothing was changed
    /// then. A torn tail is cut before this returns.
    #[expect(clippy::needless_pass_by_value, reason = "callers hand their disk over")]
    pub fn open(disk: Arc<dyn Disk>, options: FileOptions) -> Result<FileJournal, Fault> {
        options.check()?;
        let lock = lock(disk.as_ref())?;
        let walked = recover::walk(disk.as_ref(), options.skim, &mut |_| Ok(()))?;
        #[cfg(feature = "planted")]
        let options = match planted::is(planted::Bug::HighWaterIgnored) {
            true => FileOptions { need: 0, ..options },
            false => options,
        };
        if walked.last < options.need {
            return Err(Fault::Behind { have: walked.last, need: options.need });
        }
        if let Some(header) = walked.segments.iter().find(|header| header.partition != options.partition) {
            let (theirs, ours) = (header.partition, options.partition);
            return Err(Fault::Options {
                why: format!("this is partition {theirs}'s journal, not {ours}'s"),
            });
        }
        let spares = Spares::gather(&disk, &options, Gauge::default())?;
        let epoch = epoch::advance(disk.as_ref(), walked.epoch)?;
        let link = Link { epoch, partition: options.partition, previous: walked.head };
        let active = match walked.segments.last() {
            Some(header) => resume(disk.as_ref(), header, &walked)?,
            None => begin(&spares, &options, &link)?,
        };
        let mut held: VecDeque<Header> = walked.segments.into();
        if held.is_empty() {
            held.push_back(segment::read_header(disk.as_ref(), active.number)?);
        }
        let (buffer, last) = (Vec::new(), walked.last);
        let thread = None;
        let journal = FileJournal {
            thread,
            spares,
            options,
            held,
            active,
            last,
            link,
            buffer,
            poison: None,
            _lock: lock,
        };
        journal.show();
        Ok(journal)
    }

    /// The preparer of this journal's spare segments, for those who step it by hand: a simulator, a test.
    #[must_use]
    pub fn preparer(&self) -> Preparer {
        Preparer::new(Arc::clone(&self.spares))
    }

    /// Why no spare segment can be made, while that lasts: for the operator, when the gauge says so.
    #[must_use]
    pub fn space_trouble(&self) -> Option<String> {
        self.spares.trouble()
    }

    fn show(&self) {
        let bytes = self.held.iter().map(|header| header.bytes).sum();
        self.spares.gauge.set_held(bytes, self.held.len() as u64);
        self.spares.set_used(self.active.at, self.active.bytes);
    }

    fn check(&self, frame: &Frame<'_>) -> Result<(), Fault> {
        assert!(frame.count > 0, "a frame holds at least one event");
        if let Some(why) = &self.poison {
            return Err(Fault::Poisoned { why: why.clone() });
        }
        if frame.sequence != self.last + 1 {
            return Err(Fault::OutOfOrder { last: self.last, got: frame.sequence });
        }
        let (bytes, limit) = (frame.payload.len() as u64, self.options.max_frame_bytes);
        if bytes > limit { Err(Fault::TooLarge { bytes, limit }) } else { Ok(()) }
    }

    /// Moves to a segment with room for `size` bytes.
    fn roll(&mut self, size: u64) -> Result<(), Fault> {
        let taken = self.spares.take(self.options.small_segment_bytes, segment::BLOCK + size)?;
        let header = Header {
            partition: self.link.partition,
            number: self.active.number + 1,
            first: self.last + 1,
            bytes: taken.bytes,
            salt: self.active.salt,
            previous: self.link.previous,
        };
        self.active = activate(&self.spares, taken, &header)?;
        self.held.push_back(header);
        self.show();
        Ok(())
    }

    fn write(&mut self) -> Result<(), Fault> {
        let (disk, name) = (self.spares.disk.as_ref(), || segment::name(self.active.number));
        let written = disk::write_all(self.active.file.as_ref(), &self.buffer, self.active.at);
        written.map_err(|error| disk::fault(disk, "write to", &name())(error))?;
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::SyncSkipped)
            || planted::is(planted::Bug::SyncRetried) && self.active.file.sync_data().is_err()
        {
            return Ok(());
        }
        self.active.file.sync_data().map_err(|error| disk::fault(disk, "sync", &name())(error))
    }

    /// Remembers a fault after which the disk's content is unknown.
    fn poisoned<T>(&mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &done
            && !matches!(fault, Fault::Full)
        {
            self.poison = Some(fault.to_string());
        }
        done
    }

    /// Visits the frames of held segment `index`; `next` is the first event to visit.
    fn read_segment(&self, index: usize, from: u64, visit: Visit<'_>) -> Result<(), Fault> {
        let header = self.held[index];
        let until = self.held.get(index + 1).map_or(self.last, |next| next.first - 1);
        let mut scanner = Scanner::open(self.spares.disk.as_ref(), header)?;
        let (place, mut at) = (scanner.place(), Scanner::first_frame());
        let (mut last, mut previous) = (header.first - 1, header.previous);
        while last < until {
            let whole = match scanner.look(at)? {
                Found::Whole(whole) => whole,
                Found::Blank => return Err(damaged(place, at, "the frame is gone")),
                Found::Bad(why) => return Err(damaged(place, at, why)),
            };
            let head = &whole.head;
            if head.sequence != last + 1 || head.previous != previous {
                return Err(damaged(place, at, "the frame does not follow the one before it"));
            }
            let frame =
                Frame { sequence: head.sequence, count: head.count, time: head.time, payload: whole.payload };
            if frame.last() >= from {
                visit(&frame)?;
            }
            (last, previous, at) = (frame.last(), whole.hash, whole.next);
        }
        Ok(())
    }
}

impl Journal for FileJournal {
    fn last_sequence(&self) -> u64 {
        self.last
    }

    fn first_sequence(&self) -> u64 {
        self.held.front().map_or(self.last + 1, |header| header.first)
    }

    fn epoch(&self) -> u64 {
        self.link.epoch
    }

    fn salt(&self) -> [u8; 16] {
        self.active.salt
    }

    fn append(&mut self, frame: &Frame<'_>) -> Result<(), Fault> {
        self.check(frame)?;
        let size = frame::size(frame.payload.len()) as u64;
        if self.active.at + size > self.active.bytes {
            let rolled = self.roll(size);
            self.poisoned(rolled)?;
        }
        let hash = frame::encode(frame, &self.link, self.active.seed, &mut self.buffer);
        let written = self.write();
        self.poisoned(written)?;
        self.active.at += size;
        self.last = frame.last();
        self.link.previous = hash;
        self.spares.gauge.count_sync();
        self.spares.gauge.count_frame();
        self.spares.set_used(self.active.at, self.active.bytes);
        Ok(())
    }

    fn read(&mut self, from: u64, visit: Visit<'_>) -> Result<(), Fault> {
        let (from, first) = (from.max(1), self.first_sequence());
        if from < first {
            return Err(Fault::Released { asked: from, first });
        }
        let begin = self.held.partition_point(|header| header.first <= from).saturating_sub(1);
        (begin..self.held.len()).try_for_each(|index| self.read_segment(index, from, visit))
    }

    fn release(&mut self, through: u64) -> Result<(), Fault> {
        let Some(retain) = self.options.retain_bytes else { return Ok(()) };
        let mut bytes: u64 = self.held.iter().map(|header| header.bytes).sum();
        // The last segment is never given up: the next frame goes there.
        while bytes > retain && self.held.get(1).is_some_and(|next| next.first <= through.saturating_add(1)) {
            let Some(header) = self.held.pop_front() else { break };
            bytes -= header.bytes;
            self.spares.retire(header.number, header.bytes);
        }
        self.show();
        Ok(())
    }

    fn gauge(&self) -> Gauge {
        self.spares.gauge.clone()
    }

    fn head(&self) -> [u8; 32] {
        self.link.previous
    }
}

fn damaged(file: String, offset: u64, why: &str) -> Fault {
    Fault::Damaged { file, offset, why: why.to_owned() }
}

fn lock(disk: &dyn Disk) -> Result<Box<dyn DiskLock>, Fault> {
    disk.lock(LOCK).map_err(|refused| match refused {
        LockRefused::Held(holder) => Fault::Locked { folder: disk.folder(), holder },
        LockRefused::Failed(source) => disk::fault(disk, "lock", LOCK)(source),
    })
}

/// The first segment of a new journal.
fn begin(spares: &Spares, options: &FileOptions, link: &Link) -> Result<Active, Fault> {
    let taken = spares.make(options.small_segment_bytes.min(options.segment_bytes))?;
    let header = Header {
        partition: options.partition,
        number: 1,
        first: 1,
        bytes: taken.bytes,
        salt: options.fresh_salt(),
        previous: link.previous,
    };
    activate(spares, taken, &header)
}

/// Goes on in the last segment: cuts a torn tail and makes the last frame surely durable.
fn resume(disk: &dyn Disk, header: &Header, walked: &Walked) -> Result<Active, Fault> {
    let name = segment::name(header.number);
    let file = disk.open(&name).map_err(disk::fault(disk, "open", &name))?;
    mend::mend(file.as_ref(), header, walked).map_err(disk::fault(disk, "mend the tail of", &name))?;
    Ok(Active::of(file, header, walked.tail))
}

impl Active {
    fn of(file: Box<dyn DiskFile>, header: &Header, at: u64) -> Active {
        let seed = frame::seed(&header.salt, header.number);
        Active { file, number: header.number, seed, salt: header.salt, at, bytes: header.bytes }
    }
}

/// Makes a zero-filled file the segment that `header` describes. The header is durable before the name is, and
/// the name before the first frame.
fn activate(spares: &Spares, taken: Taken, header: &Header) -> Result<Active, Fault> {
    let (disk, name) = (spares.disk.as_ref(), segment::name(header.number));
    let named = disk::write_all(taken.file.as_ref(), &header.encode(), 0)
        .and_then(|()| taken.file.sync_data())
        .and_then(|()| disk.rename(&taken.name, &name));
    match named {
        Err(error) if disk::is_full(&error) => return Err(spares.give_back(taken)),
        other => other.map_err(disk::fault(disk, "begin segment", &name))?,
    }
    #[cfg(feature = "planted")]
    if planted::is(planted::Bug::FolderNotSynced) {
        return Ok(Active::of(taken.file, header, segment::BLOCK));
    }
    disk.sync_dir().map_err(disk::fault(disk, "sync the folder of", &name))?;
    Ok(Active::of(taken.file, header, segment::BLOCK))
}
