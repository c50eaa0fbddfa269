//! Recovery: walks the segments and decides what is whole, what is a torn tail, and what is damage.
//!
//! It reads only; `file/journal.rs` mends the tail. The rule: a bad frame with nothing later behind it is the last
//! write, torn by a crash, and may be cut; anything else that does not fit is damage and refuses the start.
//! It must never drop a frame that has a later one behind it. Read next: `file/scan.rs`, `file/verify.rs`.

use crate::chain;
use crate::disk::Disk;
use crate::file::scan::{Found, Scanner};
use crate::file::segment::{self, Header};
use crate::{Fault, Frame};

/// What a visitor of frames may answer with.
pub(super) type Visit<'v> = &'v mut dyn FnMut(&Frame<'_>) -> Result<(), Fault>;

/// What a walk found.
#[derive(Debug, Clone)]
pub(super) struct Walked {
    /// The segments' headers, in order; none for a journal that is not there.
    pub(super) segments: Vec<Header>,
    /// The last whole frame's last event; 0 when there is none.
    pub(super) last: u64,
    /// The last whole frame's hash.
    pub(super) head: [u8; 32],
    /// The highest epoch of a visited frame.
    pub(super) epoch: u64,
    /// How many frames and events were visited.
    pub(super) frames: u64,
    pub(super) events: u64,
    /// Where in the last segment the last frame begins, if it is there.
    pub(super) last_frame: Option<u64>,
    /// Where in the last segment the next frame goes.
    pub(super) tail: u64,
    /// Why the bytes at the tail must be cut, if they must.
    pub(super) torn: Option<&'static str>,
}

/// Reads every header, and the frames from the segment that holds event `skim + 1` on.
pub(super) fn walk(disk: &dyn Disk, skim: u64, visit: Visit<'_>) -> Result<Walked, Fault> {
    let segments = headers(disk)?;
    let begin = segments.iter().rposition(|header| skim > 0 && header.first <= skim + 1).unwrap_or(0);
    let mut walked = Walked {
        last: segments.get(begin).map_or(0, |header| header.first - 1),
        head: segments.get(begin).map_or(chain::ORIGIN, |header| header.previous),
        epoch: 0,
        frames: 0,
        events: 0,
        last_frame: None,
        tail: Scanner::first_frame(),
        torn: None,
        segments,
    };
    for index in begin..walked.segments.len() {
        let mut scanner = Scanner::open(disk, walked.segments[index])?;
        let stop = walked.frames_of(&mut scanner, visit)?;
        match walked.segments.get(index + 1) {
            Some(next) => walked.joins(&scanner, stop, next)?,
            None => walked.end(&mut scanner, stop)?,
        }
    }
    Ok(walked)
}

/// The headers of all segments, which must be one journal's and follow each other.
fn headers(disk: &dyn Disk) -> Result<Vec<Header>, Fault> {
    let mut headers: Vec<Header> = Vec::new();
    for number in segment::numbers(disk)? {
        let header = segment::read_header(disk, number)?;
        if let Some(before) = headers.last() {
            let why = if header.number != before.number + 1 {
                Some(format!("segment {} is missing before this one", before.number + 1))
            } else if header.salt != before.salt || header.partition != before.partition {
                Some("this segment belongs to another journal".to_owned())
            } else if header.first < before.first {
                Some(format!("begins at event {}, before the segment before it", header.first))
            } else {
                None
            };
            if let Some(why) = why {
                let file = crate::disk::place(disk, &segment::name(number));
                return Err(Fault::Damaged { file, offset: 0, why });
            }
        }
        headers.push(header);
    }
    Ok(headers)
}

impl Walked {
    /// Visits the whole frames of one segment; returns why it stopped, `None` at a blank.
    fn frames_of(
        &mut self,
        scanner: &mut Scanner<'_>,
        visit: Visit<'_>,
    ) -> Result<Option<&'static str>, Fault> {
        let (place, partition) = (scanner.place(), scanner.header.partition);
        self.tail = Scanner::first_frame();
        self.last_frame = None;
        loop {
            let whole = match scanner.look(self.tail)? {
                Found::Whole(whole) => whole,
                Found::Blank => return Ok(None),
                Found::Bad(why) => return Ok(Some(why)),
            };
            let head = &whole.head;
            let is_chained = head.previous == self.head;
            #[cfg(feature = "planted")]
            let is_chained = is_chained || planted::is(planted::Bug::ChainUnchecked);
            let why = if head.sequence != self.last + 1 {
                Some(format!("event {} should follow, but a frame of event {}", self.last + 1, head.sequence))
            } else if !is_chained {
                Some("the frame does not carry the hash of the frame before it".to_owned())
            } else if head.partition != partition || head.count == 0 {
                Some("the frame is not of this journal".to_owned())
            } else {
                None
            };
            if let Some(why) = why {
                return Err(Fault::Damaged { file: place, offset: self.tail, why });
            }
            let frame =
                Frame { sequence: head.sequence, count: head.count, time: head.time, payload: whole.payload };
            visit(&frame)?;
            self.frames += 1;
            self.events += u64::from(head.count);
            self.last = frame.last();
            self.head = whole.hash;
            self.epoch = self.epoch.max(head.epoch);
            self.last_frame = Some(self.tail);
            self.tail = whole.next;
        }
    }

    /// A segment that has a next one was left only when all its frames were durable.
    fn joins(&self, scanner: &Scanner<'_>, stop: Option<&str>, next: &Header) -> Result<(), Fault> {
        if next.first == self.last + 1 && next.previous == self.head {
            return Ok(());
        }
        let found = if next.first == self.last + 1 {
            "the next segment carries another hash than the last frame has".to_owned()
        } else {
            format!("its frames end at event {}, but the next segment begins at {}", self.last, next.first)
        };
        let why = stop.map_or_else(|| found.clone(), |stop| format!("{stop}; {found}"));
        Err(Fault::Damaged { file: scanner.place(), offset: self.tail, why })
    }

    /// The end of the last segment: blank, a torn tail, or damage.
    fn end(&mut self, scanner: &mut Scanner<'_>, stop: Option<&'static str>) -> Result<(), Fault> {
        let rest = scanner.rest(self.tail, self.last)?;
        #[cfg(feature = "planted")]
        let rest = match planted::is(planted::Bug::DamageTakenForTail) {
            true => crate::file::scan::Rest { later: None, ..rest },
            false => rest,
        };
        if let Some((offset, sequence)) = rest.later {
            let stop = stop.unwrap_or("no frame is here");
            let why = format!("{stop}, but a frame of event {sequence} is behind it, at byte {offset}");
            return Err(Fault::Damaged { file: scanner.place(), offset: self.tail, why });
        }
        self.torn = rest.dirty.then(|| stop.unwrap_or("bytes without a frame"));
        Ok(())
    }
}
