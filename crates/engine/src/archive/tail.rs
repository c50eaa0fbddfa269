//! Cuts the torn tail of fjall's journal, before fjall reads it. fjall drops a batch that just ends too early, but
//! refuses to open when a block inside a long value did not reach the disk and the batch's end did, and trusts lengths
//! that were torn in two.
//!
//! What is cut was never synced: fjall syncs its journal before a table is written and before a journal is closed, so
//! only the newest one can have such a tail. Knows the journal's layout of fjall 3; `tests/cuts.rs` would notice another.
//! Must never touch a folder that another process has open. Read next: `fjall_store.rs`.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
/// What a batch's end closes with.
const MAGIC: [u8; 4] = [b'F', b'J', b'L', 3];
/// Bytes of an item after its tag that say nothing of its lengths: kind, compression, table.
const ITEM_HEAD: usize = 10;

/// Cuts fjall's newest journal in `folder` after its last whole batch, if anything but zeros follows. Answers how many
/// bytes that dropped.
///
/// # Errors
/// When the journal cannot be read or cut, or another process has the folder open.
pub(crate) fn cut(folder: &Path) -> std::io::Result<usize> {
    let _lock = match File::open(folder.join("lock")) {
        Ok(lock) => {
            lock.try_lock()?;
            lock
        }
        // Nothing was ever opened here.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let Some(path) = newest_journal(folder)? else { return Ok(0) };
    let journal = std::fs::read(&path)?;
    let whole = whole_batches(&journal);
    let used = used(&journal);
    if used <= whole {
        return Ok(0);
    }
    let file = File::options().write(true).open(&path)?;
    file.set_len(whole as u64)?;
    file.sync_all()?;
    Ok(used - whole)
}

/// Bytes of a journal up to the last that is not zero: it is laid out ahead with zeros, many times what is in use.
pub(crate) fn used(journal: &[u8]) -> usize {
    const ZEROS: [u8; 4096] = [0; 4096];
    let blocks = journal.chunks(ZEROS.len());
    let last = blocks.enumerate().rev().find(|(_, block)| **block != ZEROS[..block.len()]);
    last.map_or(0, |(index, block)| {
        let zeros = block.iter().rev().take_while(|byte| **byte == 0).count();
        index * ZEROS.len() + block.len() - zeros
    })
}

fn newest_journal(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(number) = name.strip_suffix(".jnl").and_then(|number| number.parse().ok()) else { continue };
        if newest.as_ref().is_none_or(|(newest, _)| number > *newest) {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// Bytes of the whole batches that a journal begins with.
fn whole_batches(journal: &[u8]) -> usize {
    let mut rest = journal;
    while let Some(after) = batch(rest) {
        rest = after;
    }
    journal.len() - rest.len()
}

/// What follows one whole batch; `None` when there is none.
fn batch(journal: &[u8]) -> Option<&[u8]> {
    let (&[START, a, b, c, d], rest) = journal.split_first_chunk()? else { return None };
    let count = u32::from_le_bytes([a, b, c, d]);
    let (_sequence, items) = rest.split_first_chunk::<8>()?;
    let mut rest = items;
    for _ in 0..count {
        rest = item(rest)?;
    }
    let checksum = xxh3_64(&items[..items.len() - rest.len()]);
    let (&[END], rest) = rest.split_first_chunk()? else { return None };
    let (found, rest) = rest.split_first_chunk()?;
    let (magic, rest) = rest.split_first_chunk()?;
    (u64::from_le_bytes(*found) == checksum && *magic == MAGIC).then_some(rest)
}

/// What follows one item.
fn item(journal: &[u8]) -> Option<&[u8]> {
    let (&[ITEM], rest) = journal.split_first_chunk()? else { return None };
    let (_head, rest) = rest.split_first_chunk::<ITEM_HEAD>()?;
    let (key, rest) = rest.split_first_chunk()?;
    let (_uncompressed, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_first_chunk()?;
    let key = usize::from(u16::from_le_bytes(*key));
    let value = usize::try_from(u32::from_le_bytes(*value)).ok()?;
    rest.get(key.checked_add(value)?..)
}
