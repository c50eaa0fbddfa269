//! Rows in blocks of 4 KiB, each with its own checksum, so that one read both finds a row and proves it.
//!
//! ```text
//! 0     170 rows of u64 hash, u64 check, u64 position; zeros after the last
//! 4080  u32 CRC-32 of bytes 0..4080, begun with the block's number
//! 4084  zeros
//! ```
//!
//! It knows bytes only. Read next: `run_writer.rs`, `run.rs`.

use super::Row;

/// Bytes of a block.
pub(super) const BLOCK: usize = 4096;
/// Rows in a whole block.
pub(super) const ROWS: usize = 170;

const ROW_BYTES: usize = 24;
const SUM_AT: usize = ROWS * ROW_BYTES;

/// The little-endian number at `at`.
pub(super) fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The little-endian short number at `at`.
pub(super) fn short(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Appends a row.
pub(super) fn push_row(bytes: &mut Vec<u8>, row: Row) {
    for number in [row.hash, row.check, row.position] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

/// Ends the block that begins at `start` of `bytes`: zeros to its end, and the checksum.
pub(super) fn end(bytes: &mut Vec<u8>, start: usize, block: u64) {
    bytes.resize(start + BLOCK, 0);
    let sum = sum(&bytes[start..start + SUM_AT], block);
    bytes[start + SUM_AT..start + SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
}

/// Whether the block is what was written as number `block`.
pub(super) fn is_whole(bytes: &[u8], block: u64) -> bool {
    short(bytes, SUM_AT) == sum(&bytes[..SUM_AT], block)
}

/// A block out of its place has another checksum: its number is where the sum begins.
fn sum(rows: &[u8], block: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(block as u32);
    hasher.update(rows);
    hasher.finalize()
}

/// The row at place `at`.
pub(super) fn row(bytes: &[u8], at: usize) -> Row {
    let start = at * ROW_BYTES;
    Row { hash: number(bytes, start), check: number(bytes, start + 8), position: number(bytes, start + 16) }
}

/// The row of this hash among the first `rows`, which are in the order of their hashes.
pub(super) fn find(bytes: &[u8], rows: usize, hash: u64) -> Option<Row> {
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = (low + high) / 2;
        if number(bytes, middle * ROW_BYTES) <= hash {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let last = row(bytes, low.checked_sub(1)?);
    (last.hash == hash).then_some(last)
}
