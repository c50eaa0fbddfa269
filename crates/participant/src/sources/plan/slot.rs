//! The hash: which slot a shard's key is in. Published and never to be changed, since rows lie where it says.

use sha2::{Digest, Sha256};

/// The most slots of a rule.
pub const SLOTS_MAX: u32 = 65_536;

/// The slot of a key among `slots`: the first eight bytes of SHA-256 of the key's UTF-8, as a big-endian unsigned number,
/// modulo `slots` (which counts as 1 if it is 0).
///
/// ```
/// use participant::sources::plan::slot;
/// assert_eq!(slot("user-42", 16), 9);
/// ```
#[must_use]
pub fn slot(key: &str, slots: u32) -> u32 {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(key));
    let slot = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(slots.max(1));
    u32::try_from(slot).unwrap_or(0)
}

/// Reads `7` or `0-7`, both ends belonging to it.
pub(super) fn range(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from <= to).then_some((from, to))
}
