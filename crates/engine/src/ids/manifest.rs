//! Which runs count: one small file, replaced as a whole.
//!
//! ```text
//! 0   magic "TERCETIM"     16  per run, newest first: u64 level, u64 rows, u64 from, u64 upto
//! 8   u32 format version   end u32 CRC-32 of all before
//! 12  u32 count
//! ```
//!
//! A run exists when it is listed here; a file that is not listed is a left-over of a cut-off write or of a merge that
//! is done. The listed runs cover the history from its beginning without a gap. Read next: `runs.rs`.

use std::io;

use journal::Disk;
use journal::disk::{read_exact, write_all};

use super::block::{number, short};
use super::files::{create, damaged, failed, publish};
use super::run::About;
use crate::Fault;

const NAME: &str = "manifest";
const PART: &str = "manifest.part";
const MAGIC: [u8; 8] = *b"TERCETIM";
const VERSION: u32 = 1;
const HEAD: usize = 16;
const ENTRY: usize = 32;

/// Reads the manifest; none is an empty index.
pub(super) fn read(disk: &dyn Disk) -> Result<Vec<About>, Fault> {
    let file = match disk.open(NAME) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed(disk, "open", NAME))?,
    };
    let length = file.length().map_err(failed(disk, "read", NAME))?;
    let mut bytes = vec![0; usize::try_from(length).expect("a manifest fits in memory")];
    read_exact(&*file, &mut bytes, 0).map_err(failed(disk, "read", NAME))?;
    let runs = decode(&bytes).map_err(|why| damaged(disk, NAME, why))?;
    let mut upto = runs.first().map_or(0, |run| run.upto);
    for run in &runs {
        if run.upto != upto || run.from > run.upto {
            return Err(damaged(disk, NAME, "its runs leave a gap"));
        }
        upto = run.from;
    }
    if upto == 0 { Ok(runs) } else { Err(damaged(disk, NAME, "its runs do not begin at 0")) }
}

/// Replaces the manifest, durably.
pub(super) fn replace(disk: &dyn Disk, runs: impl Iterator<Item = About>) -> Result<(), Fault> {
    let bytes = encode(runs);
    let file = create(disk, PART)?;
    write_all(&*file, &bytes, 0).map_err(failed(disk, "write", PART))?;
    file.sync_data().map_err(failed(disk, "sync", PART))?;
    publish(disk, PART, NAME)
}

/// Whether a file of this name is the index's own, and not one of these runs nor the manifest.
pub(super) fn is_left_over(name: &str, runs: &[About]) -> bool {
    let is_ours = name.ends_with(".part") || name.ends_with(super::run::SUFFIX);
    is_ours && !runs.iter().any(|run| run.name() == name)
}

fn encode(runs: impl Iterator<Item = About>) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&0u32.to_le_bytes());
    let mut count = 0u32;
    for run in runs {
        for number in [u64::from(run.level), run.rows, run.from, run.upto] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        count += 1;
    }
    bytes[12..16].copy_from_slice(&count.to_le_bytes());
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Result<Vec<About>, &'static str> {
    if bytes.len() < HEAD + 4 || bytes[..8] != MAGIC {
        return Err("this is no manifest");
    }
    let (body, sum) = bytes.split_at(bytes.len() - 4);
    if crc32fast::hash(body) != short(sum, 0) {
        return Err("it does not match its checksum");
    }
    if short(body, 8) != VERSION {
        return Err("its format version is not known here");
    }
    let entries = &body[HEAD..];
    if entries.len() != short(body, 12) as usize * ENTRY {
        return Err("its length is wrong");
    }
    let about = |entry: &[u8]| {
        let level = u32::try_from(number(entry, 0)).map_err(|_| "a level is out of range")?;
        Ok(About { level, rows: number(entry, 8), from: number(entry, 16), upto: number(entry, 24) })
    };
    entries.chunks_exact(ENTRY).map(about).collect()
}
