//! What a call says, as a digest. The same operation with other content is another request, and is refused.

use std::fmt;

use sha2::{Digest, Sha256};

/// The first 16 bytes of SHA-256 (FIPS 180-4) over a call's body, written as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content([u8; 16]);

impl Content {
    /// The digest of a body.
    #[must_use]
    pub fn of(body: &[u8]) -> Content {
        let whole = Sha256::digest(body);
        let mut first = [0; 16];
        first.copy_from_slice(&whole[..16]);
        Content(first)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({self})")
    }
}
