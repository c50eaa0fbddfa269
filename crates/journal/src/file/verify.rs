//! Reading a whole journal without changing it: what `tercet journal verify` does.
//!
//! It takes no lock and mends nothing; the judgement is `file/recover.rs`'s, the same as at a start.

use crate::disk::{self, Disk};
use crate::file::{FileOptions, recover, segment};
use crate::{Fault, Frame};

/// What a whole journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Segments.
    pub segments: u64,
    /// Frames.
    pub frames: u64,
    /// Events.
    pub events: u64,
    /// Bytes of payload.
    pub bytes: u64,
    /// The first event held; `last + 1` when none is.
    pub first: u64,
    /// The last event; 0 when there never was one.
    pub last: u64,
    /// The hash of the last frame, which vouches for all before it.
    pub head: [u8; 32],
    /// What the next start would cut, if anything.
    pub torn_tail: Option<TornTail>,
}

/// Bytes after the last frame that are none: a write that a crash tore, never told as durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The file, with its folder.
    pub file: String,
    /// Where in it the torn bytes begin.
    pub offset: u64,
    /// What is wrong with them.
    pub why: String,
}

/// Checks every segment, frame and hash, and visits each frame in order. Of the options only `need` counts.
///
/// Damage is the fault that a start would give. While a process owns the journal, the last frame may look torn
/// because it is being written, and a segment may be recycled under the reader: verify again, or stop the process.
pub fn verify(
    disk: &dyn Disk,
    options: &FileOptions,
    visit: &mut dyn FnMut(&Frame<'_>) -> Result<(), Fault>,
) -> Result<Report, Fault> {
    let mut bytes = 0;
    let walked = recover::walk(disk, 0, &mut |frame| {
        bytes += frame.payload.len() as u64;
        visit(frame)
    })?;
    if walked.last < options.need {
        return Err(Fault::Behind { have: walked.last, need: options.need });
    }
    let torn_tail = walked.segments.last().zip(walked.torn).map(|(header, why)| TornTail {
        file: disk::place(disk, &segment::name(header.number)),
        offset: walked.tail,
        why: why.to_owned(),
    });
    Ok(Report {
        segments: walked.segments.len() as u64,
        frames: walked.frames,
        events: walked.events,
        bytes,
        first: walked.segments.first().map_or(1, |header| header.first),
        last: walked.last,
        head: walked.head,
        torn_tail,
    })
}
