//! How a file journal is laid out and how much it keeps.
//!
//! Sizes may differ from one start to the next: each segment tells its own. Read next: `file/journal.rs`.

use crate::Fault;
use crate::file::{frame, segment};

/// Options of a file journal. Start from `FileOptions::default()`.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// The partition whose journal this is; a journal of another one is refused.
    pub partition: u32,
    /// Bytes of a segment, a multiple of 4,096.
    pub segment_bytes: u64,
    /// Bytes of the very first segment, and of one made in haste when none is ready: small, so that nobody waits
    /// for its zeros. Also a multiple of 4,096.
    pub small_segment_bytes: u64,
    /// The largest payload of a frame, in bytes; a frame must fit into one segment.
    pub max_frame_bytes: u64,
    /// Bytes of segments to keep once they were released; `None` keeps all.
    pub retain_bytes: Option<u64>,
    /// Segments to hold ready ahead, at least 1. The last of them is the reserve for a full disk.
    pub spares: usize,
    /// The salt of a new journal; `None` draws one. Only tests and simulations give one.
    pub salt: Option<[u8; 16]>,
    /// The last event known to have been durable: a journal that ends before it is refused.
    pub need: u64,
    /// Events up to here were checked by an earlier start and are held by the archive too: segments that hold
    /// only such events are checked by their headers. 0 checks every frame.
    pub skim: u64,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions {
            partition: 0,
            segment_bytes: 64 << 20,
            small_segment_bytes: 4 << 20,
            max_frame_bytes: 16 << 20,
            retain_bytes: None,
            spares: 1,
            salt: None,
            need: 0,
            skim: 0,
        }
    }
}

impl FileOptions {
    pub(super) fn check(&self) -> Result<(), Fault> {
        let sizes =
            [("segment_bytes", self.segment_bytes), ("small_segment_bytes", self.small_segment_bytes)];
        for (name, bytes) in sizes {
            let fits = (2 * segment::BLOCK..=segment::LARGEST).contains(&bytes);
            if !fits || bytes % segment::BLOCK != 0 {
                let why = format!("{name} is {bytes}, but must be a multiple of 4,096 from 8,192 to 1 GiB");
                return Err(Fault::Options { why });
            }
        }
        let largest = self.segment_bytes - segment::BLOCK - frame::PREFIX as u64;
        if self.max_frame_bytes > largest {
            let why =
                format!("a frame of max_frame_bytes must fit into a segment: at most {largest} bytes here");
            return Err(Fault::Options { why });
        }
        if self.spares == 0 {
            return Err(Fault::Options { why: "spares must be at least 1: it is the reserve".to_owned() });
        }
        Ok(())
    }

    /// The salt for a new journal. It only has to be unlike others and unknown to those who fill payloads.
    pub(super) fn fresh_salt(&self) -> [u8; 16] {
        use std::hash::{BuildHasher, RandomState};
        self.salt.unwrap_or_else(|| {
            // `RandomState` is the standard library's way to the operating system's randomness.
            let mut salt = [0; 16];
            salt[..8].copy_from_slice(&RandomState::new().hash_one(1_u8).to_le_bytes());
            salt[8..].copy_from_slice(&RandomState::new().hash_one(2_u8).to_le_bytes());
            salt
        })
    }
}
