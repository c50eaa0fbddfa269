//! Looks, before fjall does, whether the small files that say what its tables consist of are as fjall wrote them. It
//! keeps a checksum of each and does not look at it: a flipped bit makes it panic, or ask for as much memory as there is
//! nowhere, and the process is gone without a word of what to do.
//!
//! Knows the layout of fjall 3: `current` holds the number of a version (8 bytes), the checksum of the file `vNUMBER` (16)
//! and a zero. `tests/cuts.rs` would notice another. Only reads. Read next: `fjall_store.rs`.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

/// Bytes of `current`.
const CURRENT: usize = 8 + 16 + 1;

/// The first file below the store's `folder` that is not as fjall wrote it.
///
/// # Errors
/// When a folder or file cannot be read.
pub(super) fn damaged(folder: &Path) -> Result<Option<PathBuf>> {
    let tables = match std::fs::read_dir(folder.join("keyspaces")) {
        Ok(tables) => tables,
        // Nothing was ever opened here.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for table in tables {
        let table = table?.path();
        let current = table.join("current");
        let Some(bytes) = read(&current)? else { continue };
        let Some((version, sum)) = parse(&bytes) else { return Ok(Some(current)) };
        let path = table.join(format!("v{version}"));
        let named = read(&path)?.map(|bytes| xxh3_128(&bytes));
        if named != Some(sum) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn parse(bytes: &[u8]) -> Option<(u64, u128)> {
    let (version, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    (bytes.len() == CURRENT && rest == [0]).then(|| (u64::from_le_bytes(*version), u128::from_le_bytes(*sum)))
}

/// `None`: there is no such file.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}
