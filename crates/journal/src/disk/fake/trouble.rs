//! What a fake disk can be told to do wrong: fail the nth call of a kind, or take writes in small bites.
//!
//! Read next: `disk/fake.rs`.

use std::io;

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `create`
    Create,
    /// `rename`
    Rename,
    /// `write_at`
    Write,
    /// `sync_data`
    Sync,
    /// `sync_dir`
    SyncDir,
}

/// One trouble to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// After `after` more calls of this kind, one fails with an I/O error.
    Fail {
        /// Which kind of call.
        call: Call,
        /// How many of them still succeed.
        after: u32,
    },
    /// After `after` more writes, one takes only `taken` bytes and the one after it fails.
    Tear {
        /// How many writes still succeed.
        after: u32,
        /// How many bytes the torn one takes, at least 1.
        taken: usize,
    },
    /// Every write takes at most this many bytes, at least 1.
    Bites(usize),
}

/// Counts a call down; fails it when its turn has come.
pub(super) fn check(troubles: &mut Vec<Trouble>, made: Call) -> io::Result<()> {
    let mut failed = false;
    troubles.retain_mut(|trouble| match trouble {
        Trouble::Fail { call, after } if *call == made && !failed => match after.checked_sub(1) {
            Some(left) => {
                *after = left;
                true
            }
            None => {
                failed = true;
                false
            }
        },
        _ => true,
    });
    if failed { Err(io::Error::other("the fake disk was told to fail")) } else { Ok(()) }
}

/// How much of a write is taken.
pub(super) fn shorten<'b>(troubles: &mut Vec<Trouble>, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
    check(troubles, Call::Write)?;
    let mut most = bytes.len();
    let mut torn = false;
    troubles.retain_mut(|trouble| match trouble {
        Trouble::Bites(bite) => {
            most = most.min(*bite);
            true
        }
        Trouble::Tear { after, taken } => match after.checked_sub(1) {
            Some(left) => {
                *after = left;
                true
            }
            None => {
                most = most.min(*taken);
                torn = true;
                false
            }
        },
        Trouble::Fail { .. } => true,
    });
    if torn {
        troubles.push(Trouble::Fail { call: Call::Write, after: 0 });
    }
    Ok(&bytes[..most])
}
