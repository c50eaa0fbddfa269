//! Where the frames of a journal lie: just enough of `docs/internals/journal.md` to strike one of them.
//!
//! Trusts the bytes: it is used on folders that the server wrote and nobody damaged yet.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

const HEADER: usize = 4096;
const PREFIX: usize = 88;

/// One frame in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) offset: usize,
    pub(crate) size: usize,
    /// The sequence of its first event.
    pub(crate) first: u64,
}

/// The segments of a journal, oldest first.
pub(crate) fn segments(data: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(data.join("journal"))? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|end| end == "seg"));
    paths.sort();
    Ok(paths)
}

/// The frames of the newest segment that has any, oldest first.
pub(crate) fn newest(data: &Path) -> anyhow::Result<Vec<Place>> {
    for file in segments(data)?.into_iter().rev() {
        let bytes = fs::read(&file)?;
        let found = in_segment(&file, &bytes);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The frame that was written last.
pub(crate) fn last(data: &Path) -> anyhow::Result<Place> {
    newest(data)?.pop().context("the journal has no frame")
}

fn in_segment(file: &Path, bytes: &[u8]) -> Vec<Place> {
    let number = |at: usize| {
        bytes.get(at..at + 8).map(|eight| eight.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    };
    let mut found = Vec::new();
    let mut offset = HEADER;
    while bytes.get(offset..offset + 4) == Some(b"TFRM") {
        let (Some(payload), Some(first)) = (number(offset + 16), number(offset + 24)) else { break };
        let payload = usize::try_from(payload & 0xffff_ffff).unwrap_or(usize::MAX);
        let size = PREFIX + payload.next_multiple_of(8);
        found.push(Place { file: file.to_owned(), offset, size, first });
        offset += size;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_lie_one_behind_the_other() {
        let mut bytes = vec![0; HEADER + 400];
        for (at, payload, first) in [(HEADER, 9_u8, 1_u8), (HEADER + 104, 16, 4)] {
            bytes[at..at + 4].copy_from_slice(b"TFRM");
            bytes[at + 16] = payload;
            bytes[at + 24] = first;
        }
        let found = in_segment(Path::new("x"), &bytes);
        let places: Vec<_> = found.iter().map(|place| (place.offset, place.size, place.first)).collect();
        assert_eq!(places, [(HEADER, 104, 1), (HEADER + 104, 104, 4)]);
    }
}
