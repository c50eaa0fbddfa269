//! Makes a disk out of any bytes: a segment as it is, a whole journal with changes, frames sealed with right checksums.
//!
//! The last way is what gets behind the checksums, which a fuzzer cannot guess. It must never make a disk that could
//! not be met: what it seals, a careless tool or another's journal could have written.

use std::sync::{Arc, OnceLock};

use super::options;
use crate::chain::{Link, ORIGIN};
use crate::disk::FakeDisk;
use crate::file::frame::{self, ALIGNMENT};
use crate::file::segment::{self, Header};
use crate::{FileJournal, Frame, Journal};

/// The bytes are the first segment.
pub(super) fn raw(bytes: &[u8]) -> FakeDisk {
    let disk = FakeDisk::new();
    disk.put(&segment::name(1), bytes);
    disk
}

/// A whole journal of two segments and some frames, written over in places: each change is a segment, an offset of
/// two bytes, a length, and that many bytes; an offset behind the end makes the file longer, no bytes cut it there.
pub(super) fn changed(mut rest: &[u8]) -> FakeDisk {
    static WHOLE: OnceLock<FakeDisk> = OnceLock::new();
    let disk = WHOLE.get_or_init(whole).copy();
    while let Some((&[number, low, high, length], after)) = rest.split_first_chunk() {
        let (bytes, after) = after.split_at(usize::from(length).min(after.len()));
        let name = segment::name(u64::from(number % 3) + 1);
        let at = usize::from(u16::from_le_bytes([low, high]));
        let mut file = disk.bytes(&name).unwrap_or_default();
        if bytes.is_empty() {
            file.truncate(at);
        } else {
            file.resize(file.len().max(at + bytes.len()), 0);
            file[at..at + bytes.len()].copy_from_slice(bytes);
        }
        disk.put(&name, &file);
        rest = after;
    }
    disk
}

fn whole() -> FakeDisk {
    let disk = FakeDisk::new();
    let mut journal = FileJournal::open(Arc::new(disk.clone()), options()).expect("a new journal");
    for (index, size) in [1000, 1500, 1001, 900, 33].into_iter().enumerate() {
        let sequence = journal.last_sequence() + 1;
        let payload = vec![b'a' + index as u8; size];
        journal.append(&Frame { sequence, count: 2, time: 1, payload: &payload }).expect("there is room");
    }
    drop(journal);
    disk
}

/// What a step of [`sealed`] does wrong, as bits of its first byte.
const ROLL: u8 = 1;
const OTHER_HASH: u8 = 2;
const OTHER_PARTITION: u8 = 4;
const OTHER_SALT: u8 = 8;
const TORN: u8 = 16;
const GAP: u8 = 32;
const JUMP: u8 = 64;

/// Frames, each sealed with right checksums and right or wrong in what it says. A step is four bytes (what is wrong,
/// the count, a number for jumps and sizes, the payload's length) and the payload.
pub(super) fn sealed(mut rest: &[u8]) -> FakeDisk {
    let mut forge = Forge::new();
    while let Some((&[wrong, count, number, length], after)) = rest.split_first_chunk() {
        let (payload, after) = after.split_at(usize::from(length).min(after.len()));
        forge.step(wrong, number, (count, payload));
        rest = after;
    }
    forge.close();
    forge.disk
}

struct Forge {
    disk: FakeDisk,
    header: Header,
    bytes: Vec<u8>,
    next: u64,
    previous: [u8; 32],
}

impl Forge {
    fn new() -> Forge {
        let header =
            Header { partition: 0, number: 1, first: 1, bytes: 8192, salt: [9; 16], previous: ORIGIN };
        Forge { disk: FakeDisk::new(), bytes: header.encode(), header, next: 1, previous: ORIGIN }
    }

    fn step(&mut self, wrong: u8, number: u8, (count, payload): (u8, &[u8])) {
        let is = |bit: u8| wrong & bit != 0;
        if is(ROLL) {
            self.roll(wrong, number);
        }
        if is(GAP) {
            self.bytes.resize(self.bytes.len() + ALIGNMENT * usize::from(number), 0);
        }
        let sequence = if is(JUMP) { self.next.wrapping_add(u64::from(number)) } else { self.next };
        let frame = Frame { sequence, count: u32::from(count), time: i64::from(number), payload };
        let link = Link {
            epoch: u64::from(number),
            partition: if is(OTHER_PARTITION) { u32::from(number) } else { self.header.partition },
            previous: if is(OTHER_HASH) { [number; 32] } else { self.previous },
        };
        let salt = if is(OTHER_SALT) { [number; 16] } else { self.header.salt };
        let mut sealed = Vec::new();
        let hash = frame::encode(&frame, &link, frame::seed(&salt, self.header.number), &mut sealed);
        if is(TORN) {
            sealed.truncate(usize::from(number));
        }
        self.bytes.extend_from_slice(&sealed);
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        self.next = sequence.wrapping_add(u64::from(count));
        self.previous = hash;
    }

    /// Ends the segment and begins the next, its header right or wrong as the frame behind it is.
    fn roll(&mut self, wrong: u8, number: u8) {
        self.close();
        let is = |bit: u8| wrong & bit != 0;
        self.header = Header {
            partition: if is(OTHER_PARTITION) { u32::from(number) } else { self.header.partition },
            number: self.header.number + if is(GAP) { u64::from(number) } else { 1 },
            first: if is(JUMP) { u64::from(number) } else { self.next },
            bytes: 4096 * u64::from(number % 8),
            salt: if is(OTHER_SALT) { [number; 16] } else { self.header.salt },
            previous: if is(OTHER_HASH) { [number; 32] } else { self.previous },
        };
        self.bytes = self.header.encode();
    }

    fn close(&self) {
        self.disk.put(&segment::name(self.header.number), &self.bytes);
    }
}
