//! The chain: what ties each frame to the one before it, the same for every backend.
//!
//! A frame's hash is BLAKE3 over its *head* (all its fields and the hash of the frame before) and its payload. So
//! the last hash vouches for the whole journal, and a journal moved to another backend keeps its chain.
//! The head's bytes are a format on disk: never reshape them. Read next: `file/layout.rs`, which wraps them.

use crate::Frame;

/// Bytes of an encoded head.
pub const HEAD_BYTES: usize = 72;

/// The hash before the first frame.
pub const ORIGIN: [u8; 32] = [0; 32];

/// All that a frame says besides its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of payload.
    pub length: u32,
    /// Events in the frame.
    pub count: u32,
    /// Sequence of the first event.
    pub sequence: u64,
    /// The opening that wrote it.
    pub epoch: u64,
    /// Journal time, microseconds.
    pub time: i64,
    /// The partition whose journal this is.
    pub partition: u32,
    /// Hash of the frame before.
    pub previous: [u8; 32],
}

impl Head {
    /// The head of `frame`, the next one after `link`.
    #[must_use]
    pub fn of(frame: &Frame<'_>, link: &Link) -> Head {
        let length = u32::try_from(frame.payload.len()).expect("the backend refuses frames near 4 GiB");
        Head {
            length,
            count: frame.count,
            sequence: frame.sequence,
            epoch: link.epoch,
            time: frame.time,
            partition: link.partition,
            previous: link.previous,
        }
    }

    /// The bytes that are kept and hashed: little-endian, in the order of the fields, four zero bytes after the
    /// partition.
    #[must_use]
    pub fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.time.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.partition.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.previous);
        bytes
    }

    /// Reads what [`Head::encode`] wrote. Any bytes give a head: the checksum around them is what tells.
    #[must_use]
    pub fn decode(bytes: &[u8; HEAD_BYTES]) -> Head {
        Head {
            length: u32::from_le_bytes(part(bytes, 0)),
            count: u32::from_le_bytes(part(bytes, 4)),
            sequence: u64::from_le_bytes(part(bytes, 8)),
            epoch: u64::from_le_bytes(part(bytes, 16)),
            time: i64::from_le_bytes(part(bytes, 24)),
            partition: u32::from_le_bytes(part(bytes, 32)),
            previous: part(bytes, 40),
        }
    }
}

/// What a new frame hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The opening that writes.
    pub epoch: u64,
    /// The partition whose journal this is.
    pub partition: u32,
    /// Hash of the last frame, [`ORIGIN`] before the first.
    pub previous: [u8; 32],
}

/// The hash of a frame: over its encoded head, then its payload.
#[must_use]
pub fn hash(head: &[u8], payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    *hasher.finalize().as_bytes()
}

/// `N` bytes from `at`, as an array. The caller knows that they are there.
pub(crate) fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes is an array of N bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_back() {
        let head =
            Head { length: 1, count: 2, sequence: 3, epoch: 4, time: -5, partition: 6, previous: [7; 32] };
        assert_eq!(Head::decode(&head.encode()), head);
    }

    #[test]
    fn every_field_changes_the_hash() {
        let head =
            Head { length: 1, count: 1, sequence: 1, epoch: 1, time: 1, partition: 1, previous: ORIGIN };
        let mut seen =
            std::collections::BTreeSet::from([hash(&head.encode(), b"a"), hash(&head.encode(), b"b")]);
        let others = [
            Head { length: 2, ..head },
            Head { count: 2, ..head },
            Head { sequence: 2, ..head },
            Head { epoch: 2, ..head },
            Head { time: 2, ..head },
            Head { partition: 2, ..head },
            Head { previous: [1; 32], ..head },
        ];
        for other in others {
            assert!(seen.insert(hash(&other.encode(), b"a")), "{other:?} hashes like another");
        }
        assert_eq!(seen.len(), 9);
    }
}
