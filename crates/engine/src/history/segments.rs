//! The files of the history: each begins at the position that names it, and holds whole events only.
//!
//! A new one begins once the current one is large. Bytes beyond the end, from before a kill, are overwritten, and whole
//! files beyond it removed; nothing else is. Durability in order: bytes, then names. Read next: `mod.rs`.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use journal::disk::{read_exact, write_all};
use journal::{Disk, DiskFile};

use super::record::fault;
use crate::Fault;

/// A file that has so many bytes is followed by another.
pub(super) const SEGMENT_BYTES: u64 = 1 << 30;
const SUFFIX: &str = ".past";

pub(super) struct Segments {
    disk: Arc<dyn Disk>,
    bytes: u64,
    /// Ascending by start; the first starts at 0.
    files: RwLock<Vec<Arc<Segment>>>,
    unsynced: Mutex<Unsynced>,
}

struct Segment {
    start: u64,
    /// Its path, for messages.
    shown: String,
    file: Box<dyn DiskFile>,
}

/// What the next sync is for.
#[derive(Default)]
struct Unsynced {
    files: Vec<Arc<Segment>>,
    names: bool,
}

/// Where a position lies.
pub(super) struct Place {
    segment: Arc<Segment>,
    /// Bytes from the position to the end of its file, or of the history.
    pub(super) room: u64,
}

impl Place {
    /// Fills `buffer` from a position.
    pub(super) fn read(&self, buffer: &mut [u8], position: u64) -> Result<(), Fault> {
        let segment = &self.segment;
        let read = read_exact(&*segment.file, buffer, position - segment.start);
        read.map_err(|error| fault(position, &format!("{}: {error}", segment.shown)))
    }

    /// Where a position lies in its file.
    pub(super) fn offset(&self, position: u64) -> u64 {
        position - self.segment.start
    }

    /// Its file's path, for messages.
    pub(super) fn shown(&self) -> &str {
        &self.segment.shown
    }
}

impl Segments {
    /// No files yet. What is in the folder is removed when the first is made.
    pub(super) fn none(disk: Arc<dyn Disk>, bytes: u64) -> Segments {
        Segments { disk, bytes, files: RwLock::default(), unsynced: Mutex::default() }
    }

    /// The files below `end`; the inner error says what is missing. Files beyond it are removed.
    pub(super) fn open(disk: Arc<dyn Disk>, bytes: u64, end: u64) -> Result<Result<Segments, String>, Fault> {
        let segments = Segments::none(disk, bytes);
        if end == 0 {
            return Ok(Ok(segments));
        }
        let (here, beyond): (Vec<_>, Vec<_>) =
            segments.named()?.into_iter().partition(|(start, _)| *start < end);
        let mut files: Vec<Arc<Segment>> = Vec::new();
        let mut reached = 0;
        for (start, name) in here {
            if start != reached {
                // The file before is longer than what counts of it, or ends too early.
                let former = files.last().map_or(0, |former| former.start);
                if start > reached || start <= former {
                    return Ok(Err(format!("its bytes from {reached} to {start} are missing")));
                }
            }
            let shown = segments.shown(&name);
            let file = segments.disk.open(&name).map_err(failed("open", &shown))?;
            let length = file.length().map_err(failed("read the length of", &shown))?;
            reached = start.saturating_add(length);
            files.push(Arc::new(Segment { start, shown, file }));
        }
        if reached < end {
            return Ok(Err(format!("its bytes from {reached} to {end} are missing")));
        }
        for (_, name) in beyond {
            segments.disk.remove(&name).map_err(failed("remove", &segments.shown(&name)))?;
        }
        *segments.files.write().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(Ok(segments))
    }

    /// Files of the history in the folder, ascending by where they start.
    fn named(&self) -> Result<Vec<(u64, String)>, Fault> {
        let names = self.disk.list().map_err(failed("list", &self.disk.folder()))?;
        let start = |name: &str| u64::from_str_radix(name.strip_suffix(SUFFIX)?, 16).ok();
        let mut named: Vec<_> =
            names.into_iter().filter_map(|name| start(&name).map(|start| (start, name))).collect();
        named.sort_unstable();
        Ok(named)
    }

    /// Where each file starts.
    pub(super) fn starts(&self) -> Vec<u64> {
        self.files().iter().map(|segment| segment.start).collect()
    }

    /// Where a position below `end` lies.
    pub(super) fn place(&self, position: u64, end: u64) -> Result<Place, Fault> {
        let files = self.files();
        let after = files.partition_point(|segment| segment.start <= position);
        let found = after.checked_sub(1).map(|index| &files[index]).filter(|_| position < end);
        let Some(segment) = found else {
            return Err(fault(position, &format!("no event lies there, it ends at {end}")));
        };
        let stop = files.get(after).map_or(end, |next| next.start.min(end));
        Ok(Place { segment: Arc::clone(segment), room: stop - position })
    }

    /// Writes whole events at the end.
    pub(super) fn write(&self, end: u64, bytes: &[u8]) -> Result<(), Fault> {
        let segment = self.current(end)?;
        write_all(&*segment.file, bytes, end - segment.start).map_err(failed("write", &segment.shown))?;
        let mut unsynced = self.unsynced();
        if unsynced.files.last().is_none_or(|last| last.start != segment.start) {
            unsynced.files.push(segment);
        }
        Ok(())
    }

    /// The file to which the event at `end` goes.
    fn current(&self, end: u64) -> Result<Arc<Segment>, Fault> {
        let last = self.files().last().map(Arc::clone);
        if let Some(last) = &last
            && end - last.start < self.bytes
        {
            return Ok(Arc::clone(last));
        }
        let name = format!("{end:016x}{SUFFIX}");
        let stale = if last.is_none() { self.named()? } else { vec![(end, name.clone())] };
        for (_, name) in stale {
            match self.disk.remove(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &self.shown(&name))(error));
                }
                _ => {}
            }
        }
        let shown = self.shown(&name);
        let file = self.disk.create(&name).map_err(failed("create", &shown))?;
        let segment = Arc::new(Segment { start: end, shown, file });
        self.unsynced().names = true;
        self.files.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&segment));
        Ok(segment)
    }

    /// Makes everything written durable.
    pub(super) fn sync(&self) -> Result<(), Fault> {
        let unsynced = std::mem::take(&mut *self.unsynced());
        for segment in &unsynced.files {
            segment.file.sync_data().map_err(failed("sync", &segment.shown))?;
        }
        if unsynced.names {
            self.disk.sync_dir().map_err(failed("sync the names in", &self.disk.folder()))?;
        }
        Ok(())
    }

    fn files(&self) -> RwLockReadGuard<'_, Vec<Arc<Segment>>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsynced(&self) -> MutexGuard<'_, Unsynced> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.disk.folder())
    }
}

/// An error of the disk, with what was being done to what.
pub(super) fn failed<'a>(act: &'a str, shown: &'a str) -> impl FnOnce(io::Error) -> Fault + use<'a> {
    move |error| Fault::Archive(format!("the history: {act} {shown}: {error}"))
}
