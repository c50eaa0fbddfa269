//! Mending the tail at an opening, before anything new is written behind it.
//!
//! Two things: what was torn becomes zeros, and the last frame is written once more. After a process died, or a
//! sync failed, that frame may be readable from the page cache and yet never reach the disk; writing the same
//! bytes again and syncing makes it as durable as it looks. It must never change a byte of a whole frame.

use std::io;

use crate::disk::{self, DiskFile};
use crate::file::recover::Walked;
use crate::file::segment::Header;

const CHUNK: usize = 256 << 10;

/// Mends the last segment. The caller found the tail by a walk and holds the lock.
pub(super) fn mend(file: &dyn DiskFile, header: &Header, walked: &Walked) -> io::Result<()> {
    let last_frame = walked.last_frame;
    #[cfg(feature = "planted")]
    let last_frame = last_frame.filter(|_| !planted::is(planted::Bug::LastFrameNotMended));
    if let Some(start) = last_frame {
        let mut frame = vec![0; usize::try_from(walked.tail - start).map_err(io::Error::other)?];
        disk::read_padded(file, &mut frame, start)?;
        disk::write_all(file, &frame, start)?;
    }
    let length = file.length()?;
    if walked.torn.is_some() || length < header.bytes {
        clear(file, walked.tail, header.bytes)?;
    }
    file.sync_data()
}

/// Makes `from..to` zeros, writing only where it is not so already.
fn clear(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let length = file.length()?;
    let zeros = vec![0; CHUNK];
    let mut chunk = vec![0; CHUNK];
    let mut at = from;
    while at < to {
        let size = usize::try_from(to - at).unwrap_or(CHUNK).min(CHUNK);
        disk::read_padded(file, &mut chunk[..size], at)?;
        if chunk[..size] != zeros[..size] || at + size as u64 > length {
            disk::write_all(file, &zeros[..size], at)?;
        }
        at += size as u64;
    }
    Ok(())
}
