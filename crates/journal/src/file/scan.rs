//! Reading one segment's frames through a window, so that memory stays bounded by the largest frame.
//!
//! It tells what is there and never judges whether that is damage or a torn tail. Read next: `file/recover.rs`,
//! which judges.

use crate::Fault;
use crate::chain::{self, Head};
use crate::disk::{self, Disk, DiskFile};
use crate::file::frame::{self, ALIGNMENT, MAGIC, PREFIX};
use crate::file::segment::{self, BLOCK, Header};

/// How much is read at once, unless a frame is larger.
const WINDOW: usize = 1 << 20;

/// How much of the rest is looked over at once.
const STRIDE: usize = 4096;

static ZEROS: [u8; STRIDE] = [0; STRIDE];

/// A segment being read.
pub(super) struct Scanner<'d> {
    disk: &'d dyn Disk,
    file: Box<dyn DiskFile>,
    pub(super) header: Header,
    seed: u32,
    window: Vec<u8>,
    /// Where in the file the window begins.
    start: u64,
}

/// What is at a place.
pub(super) enum Found<'w> {
    /// A whole frame.
    Whole(Whole<'w>),
    /// Nothing was ever written here, or the segment ends.
    Blank,
    /// Something that is no whole frame, and why.
    Bad(&'static str),
}

/// A frame whose checksums are right.
pub(super) struct Whole<'w> {
    pub(super) head: Head,
    pub(super) hash: [u8; 32],
    pub(super) payload: &'w [u8],
    /// Where the next frame begins.
    pub(super) next: u64,
}

/// What is behind the last whole frame.
#[derive(Default)]
pub(super) struct Rest {
    /// Whether any byte is not zero.
    pub(super) dirty: bool,
    /// The offset and the sequence of a frame that begins there and is later than the last whole one.
    pub(super) later: Option<(u64, u64)>,
}

impl<'d> Scanner<'d> {
    pub(super) fn open(disk: &'d dyn Disk, header: Header) -> Result<Scanner<'d>, Fault> {
        let name = segment::name(header.number);
        let file = disk.open(&name).map_err(disk::fault(disk, "open", &name))?;
        let seed = frame::seed(&header.salt, header.number);
        Ok(Scanner { disk, file, header, seed, window: Vec::new(), start: 0 })
    }

    /// The segment's file, for messages.
    pub(super) fn place(&self) -> String {
        disk::place(self.disk, &segment::name(self.header.number))
    }

    /// Where the first frame begins.
    pub(super) fn first_frame() -> u64 {
        BLOCK
    }

    /// `length` bytes at `at`, which lie within the segment.
    pub(super) fn bytes(&mut self, at: u64, length: usize) -> Result<&[u8], Fault> {
        let have = self.start + self.window.len() as u64;
        if at < self.start || at + length as u64 > have {
            let most = (self.header.bytes - at).min(WINDOW.max(length) as u64);
            self.window.resize(usize::try_from(most).expect("a segment is at most 1 GiB"), 0);
            self.start = at;
            let name = segment::name(self.header.number);
            let read = disk::read_padded(self.file.as_ref(), &mut self.window, at);
            read.map_err(disk::fault(self.disk, "read", &name))?;
        }
        let from = usize::try_from(at - self.start).expect("within the window");
        Ok(&self.window[from..from + length])
    }

    /// What begins at `at`.
    pub(super) fn look(&mut self, at: u64) -> Result<Found<'_>, Fault> {
        let left = self.header.bytes - at;
        if left < PREFIX as u64 {
            return Ok(Found::Blank);
        }
        let seed = self.seed;
        let bytes = self.bytes(at, PREFIX)?;
        let Some(prefix) = frame::prefix(bytes, seed) else {
            let blank = bytes == &ZEROS[..PREFIX];
            return Ok(if blank { Found::Blank } else { Found::Bad("no whole frame begins here") });
        };
        let length = prefix.head.length as usize;
        let size = frame::size(length);
        if size as u64 > left {
            return Ok(Found::Bad("the frame is longer than its segment"));
        }
        let bytes = self.bytes(at, size)?;
        let is_whole = frame::checksum(seed, &bytes[PREFIX..]) == prefix.body;
        #[cfg(feature = "planted")]
        let is_whole = is_whole || planted::is(planted::Bug::TornFrameAccepted);
        if !is_whole {
            return Ok(Found::Bad("the frame's payload does not match its checksum"));
        }
        let payload = &bytes[PREFIX..PREFIX + length];
        let hash = chain::hash(&bytes[16..PREFIX], payload);
        Ok(Found::Whole(Whole { head: prefix.head, hash, payload, next: at + size as u64 }))
    }

    /// Looks over everything from `at` to the segment's end for bytes that are not zero and for frames later than
    /// `last`. Their heads suffice: a frame is written only after the one before it is durable.
    pub(super) fn rest(&mut self, at: u64, last: u64) -> Result<Rest, Fault> {
        let (seed, end) = (self.seed, self.header.bytes);
        let mut rest = Rest::default();
        let mut block = at;
        while block < end {
            let length = usize::try_from(end - block).unwrap_or(STRIDE).min(STRIDE);
            let bytes = self.bytes(block, length)?;
            if bytes != &ZEROS[..length] {
                rest.dirty = true;
                let starts = bytes.chunks(ALIGNMENT).enumerate().filter(|(_, word)| word.starts_with(&MAGIC));
                let starts: Vec<u64> = starts.map(|(index, _)| block + (index * ALIGNMENT) as u64).collect();
                for start in starts.into_iter().filter(|start| *start > at && start + PREFIX as u64 <= end) {
                    let sequence =
                        frame::prefix(self.bytes(start, PREFIX)?, seed).map(|found| found.head.sequence);
                    if let Some(sequence) = sequence.filter(|sequence| *sequence > last) {
                        rest.later = Some((start, sequence));
                        return Ok(rest);
                    }
                }
            }
            block += length as u64;
        }
        Ok(rest)
    }
}
