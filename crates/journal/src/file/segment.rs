//! A segment: one file, its name, its header block.
//!
//! ```text
//! 0     magic "TERCETSG"          40    salt, 16 bytes
//! 8     u32 format version        56    hash of the frame before, 32 bytes
//! 12    u32 partition             88    zeros
//! 16    u64 number                4092  u32 CRC-32 of bytes 0..4092
//! 24    u64 first sequence        4096  the first frame
//! 32    u64 the segment's bytes
//! ```
//!
//! A header is written and synced before the file takes its name, so a named segment with a bad header is damage.
//! Read next: `file/frame.rs` for what follows the header.

use crate::Fault;
use crate::chain;
use crate::disk::{self, Disk, DiskFile};

/// Bytes of the header, and the grain of segment sizes.
pub(crate) const BLOCK: u64 = 4096;

/// The largest segment, so that sizes and lengths in it fit anywhere.
pub(crate) const LARGEST: u64 = 1 << 30;

const MAGIC: [u8; 8] = *b"TERCETSG";
const VERSION: u32 = 1;
const CHECKSUM_AT: usize = BLOCK as usize - 4;

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) partition: u32,
    /// Grows by one per segment and is never used again, so it is the segment's identity.
    pub(crate) number: u64,
    /// The sequence that the segment's first frame has or will have.
    pub(crate) first: u64,
    pub(crate) bytes: u64,
    pub(crate) salt: [u8; 16],
    pub(crate) previous: [u8; 32],
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = vec![0; BLOCK as usize];
        block[0..8].copy_from_slice(&MAGIC);
        block[8..12].copy_from_slice(&VERSION.to_le_bytes());
        block[12..16].copy_from_slice(&self.partition.to_le_bytes());
        block[16..24].copy_from_slice(&self.number.to_le_bytes());
        block[24..32].copy_from_slice(&self.first.to_le_bytes());
        block[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        block[40..56].copy_from_slice(&self.salt);
        block[56..88].copy_from_slice(&self.previous);
        let sum = crc32fast::hash(&block[..CHECKSUM_AT]);
        block[CHECKSUM_AT..].copy_from_slice(&sum.to_le_bytes());
        block
    }

    /// Reads a header block; the error says where in it and what is wrong.
    fn decode(block: &[u8]) -> Result<Header, (u64, String)> {
        if block[0..8] != MAGIC {
            return Err((0, "this is no journal segment".to_owned()));
        }
        let sum = u32::from_le_bytes(chain::part(block, CHECKSUM_AT));
        if crc32fast::hash(&block[..CHECKSUM_AT]) != sum {
            return Err((CHECKSUM_AT as u64, "the segment header does not match its checksum".to_owned()));
        }
        let version = u32::from_le_bytes(chain::part(block, 8));
        if version != VERSION {
            return Err((8, format!("format version {version} is not known here; version {VERSION} is")));
        }
        Ok(Header {
            partition: u32::from_le_bytes(chain::part(block, 12)),
            number: u64::from_le_bytes(chain::part(block, 16)),
            first: u64::from_le_bytes(chain::part(block, 24)),
            bytes: u64::from_le_bytes(chain::part(block, 32)),
            salt: chain::part(block, 40),
            previous: chain::part(block, 56),
        })
    }
}

/// A segment's file name.
pub(crate) fn name(number: u64) -> String {
    format!("{number:08}.seg")
}

/// The number in a segment's file name; `None` for any other file.
pub(crate) fn number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".seg")?.parse().ok()?;
    (self::name(number) == name).then_some(number)
}

/// The numbers of the segments that are there, in order.
pub(crate) fn numbers(disk: &dyn Disk) -> Result<Vec<u64>, Fault> {
    let names = disk.list().map_err(disk::fault(disk, "list", ""))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads and checks the header of segment `number`.
pub(crate) fn read_header(disk: &dyn Disk, number: u64) -> Result<Header, Fault> {
    let name = name(number);
    let file = disk.open(&name).map_err(disk::fault(disk, "open", &name))?;
    let mut block = vec![0; BLOCK as usize];
    let read = disk::read_padded(file.as_ref(), &mut block, 0);
    read.map_err(disk::fault(disk, "read", &name))?;
    let damaged = |offset, why| Fault::Damaged { file: disk::place(disk, &name), offset, why };
    let header = Header::decode(&block).map_err(|(offset, why)| damaged(offset, why))?;
    check(&header, number, file.as_ref()).map_err(|(offset, why)| damaged(offset, why))?;
    Ok(header)
}

/// Whether a header with a right checksum is this file's.
fn check(header: &Header, number: u64, file: &dyn DiskFile) -> Result<(), (u64, String)> {
    if header.number != number {
        return Err((16, format!("the file is named {number}, its header says {}", header.number)));
    }
    if header.bytes < BLOCK || header.bytes > LARGEST || header.first == 0 {
        return Err((24, "the segment header holds impossible sizes".to_owned()));
    }
    match file.length() {
        Ok(length) if length > header.bytes => {
            Err((header.bytes, format!("the file has {length} bytes, its header says {}", header.bytes)))
        }
        // A shorter file reads as zeros behind its end: the frames tell whether anything is missing.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_strictly() {
        assert_eq!(number(&name(7)), Some(7));
        assert_eq!(number(&name(123_456_789)), Some(123_456_789));
        for other in ["7.seg", "+0000007.seg", "00000007.seg.bak", "spare-7", "epoch", ".seg"] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn every_flipped_byte_of_a_header_is_seen() {
        let header =
            Header { partition: 1, number: 2, first: 3, bytes: 8192, salt: [4; 16], previous: [5; 32] };
        let block = header.encode();
        assert_eq!(Header::decode(&block), Ok(header));
        for at in 0..block.len() {
            let mut flipped = block.clone();
            flipped[at] ^= 0x10;
            assert!(Header::decode(&flipped).is_err(), "byte {at}");
        }
    }
}
