//! The bytes of one frame in a segment.
//!
//! ```text
//! 0   magic "TFRM"
//! 4   u32 checksum of the head: CRC-32 of bytes 8..88, begun with the segment's seed
//! 8   u32 checksum of the body: CRC-32 of bytes 88.., begun with the same seed
//! 12  u32 zero
//! 16  the head, 72 bytes: see chain.rs
//! 88  the payload, then zeros to a multiple of 8
//! ```
//!
//! The seed holds the journal's salt and the segment's number, so neither bytes inside a payload nor a frame from
//! a segment's earlier life pass for a frame. Head and body have each their own checksum, so a length is trusted
//! only after its own check. Must never trust a byte before that. Read next: `file/scan.rs`.

use crate::Frame;
use crate::chain::{self, HEAD_BYTES, Head, Link};

/// Bytes before the payload.
pub const PREFIX: usize = 16 + HEAD_BYTES;

/// Where a frame may begin: multiples of this.
pub const ALIGNMENT: usize = 8;

/// The first four bytes of every frame.
pub const MAGIC: [u8; 4] = *b"TFRM";

/// What a valid prefix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The frame's head.
    pub head: Head,
    /// What the body's checksum must be.
    pub body: u32,
}

/// Bytes of a whole frame with a payload of `length` bytes.
#[must_use]
pub fn size(length: usize) -> usize {
    PREFIX + length.next_multiple_of(ALIGNMENT)
}

/// The checksums' seed in one segment.
#[must_use]
pub fn seed(salt: &[u8; 16], number: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(salt);
    hasher.update(&number.to_le_bytes());
    hasher.finalize()
}

/// The checksum of head or body.
#[must_use]
pub fn checksum(seed: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(bytes);
    hasher.finalize()
}

/// Encodes `frame` into `buffer`, replacing what was there, and returns its hash. The buffer is reused from frame
/// to frame, so that an append allocates nothing.
pub fn encode(frame: &Frame<'_>, link: &Link, seed: u32, buffer: &mut Vec<u8>) -> [u8; 32] {
    let head = Head::of(frame, link).encode();
    buffer.clear();
    buffer.extend_from_slice(&MAGIC);
    buffer.extend_from_slice(&[0; 12]);
    buffer.extend_from_slice(&head);
    buffer.extend_from_slice(frame.payload);
    buffer.resize(size(frame.payload.len()), 0);
    let body = checksum(seed, &buffer[PREFIX..]);
    buffer[8..12].copy_from_slice(&body.to_le_bytes());
    let prefix = checksum(seed, &buffer[8..PREFIX]);
    buffer[4..8].copy_from_slice(&prefix.to_le_bytes());
    chain::hash(&head, frame.payload)
}

/// Reads a prefix; `None` when these bytes, [`PREFIX`] of them, begin no frame of this segment.
#[must_use]
pub fn prefix(bytes: &[u8], seed: u32) -> Option<Prefix> {
    if bytes.len() < PREFIX || bytes[..4] != MAGIC {
        return None;
    }
    let expected = u32::from_le_bytes(chain::part(bytes, 4));
    if checksum(seed, &bytes[8..PREFIX]) != expected {
        return None;
    }
    let head = Head::decode(&chain::part(bytes, 16));
    Some(Prefix { head, body: u32::from_le_bytes(chain::part(bytes, 8)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(seed: u32) -> (Vec<u8>, [u8; 32]) {
        let frame = Frame { sequence: 1, count: 2, time: 3, payload: b"some events" };
        let mut bytes = vec![0xAA; 4];
        let hash =
            encode(&frame, &Link { epoch: 1, partition: 0, previous: chain::ORIGIN }, seed, &mut bytes);
        (bytes, hash)
    }

    #[test]
    fn a_frame_reads_back() {
        let (bytes, hash) = encoded(7);
        assert_eq!(bytes.len(), size(11));
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        let read = prefix(&bytes, 7).unwrap();
        assert_eq!((read.head.sequence, read.head.count, read.head.length), (1, 2, 11));
        assert_eq!(read.body, checksum(7, &bytes[PREFIX..]));
        assert_eq!(chain::hash(&bytes[16..PREFIX], b"some events"), hash);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let (bytes, _) = encoded(7);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let whole = prefix(&flipped, 7).is_some_and(|read| read.body == checksum(7, &flipped[PREFIX..]));
            assert!(!whole, "bit {bit}");
        }
    }

    #[test]
    fn another_segments_frame_is_no_frame() {
        let (bytes, _) = encoded(seed(&[1; 16], 1));
        assert!(prefix(&bytes, seed(&[1; 16], 1)).is_some());
        assert_eq!(prefix(&bytes, seed(&[1; 16], 2)), None);
        assert_eq!(prefix(&bytes, seed(&[2; 16], 1)), None);
        assert_eq!(prefix(&bytes[..PREFIX - 1], seed(&[1; 16], 1)), None);
    }
}
