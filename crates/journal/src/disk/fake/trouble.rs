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
    /// `remove`
    Remove,
    /// `sync_dir`
    SyncDir,
    /// `read_at`
    Read,
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
    /// After `after` more calls of this kind, one is carried out and answered as failed.
    Applied {
        /// Which kind of call.
        call: Call,
        /// How many of them still succeed.
        after: u32,
    },
    /// After `after` more calls that change something, the power goes in the middle of one: half of a write is taken, any
    /// other call does nothing. All that is asked then fails, until [`crash`](super::FakeDisk::crash) gives it back.
    Cut {
        /// How many of them still succeed.
        after: u32,
    },
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is carried out.
    Done,
    /// It fails, and does nothing.
    Failed,
    /// It is carried out, and answered as failed.
    DoneUntold,
    /// The power goes in the middle of it.
    Cut,
}

/// The error of a call that was told to fail.
pub(super) fn failure() -> io::Error {
    io::Error::other("the fake disk was told to fail")
}

/// Counts a call down; says what becomes of it.
pub(super) fn fate(troubles: &mut Vec<Trouble>, made: Call) -> Fate {
    let mut fate = Fate::Done;
    troubles.retain_mut(|trouble| {
        let (after, comes) = match trouble {
            Trouble::Fail { call, after } if *call == made => (after, Fate::Failed),
            Trouble::Applied { call, after } if *call == made => (after, Fate::DoneUntold),
            Trouble::Cut { after } if made != Call::Read => (after, Fate::Cut),
            Trouble::Fail { .. }
            | Trouble::Applied { .. }
            | Trouble::Cut { .. }
            | Trouble::Tear { .. }
            | Trouble::Bites(_) => return true,
        };
        if fate != Fate::Done {
            return true;
        }
        match after.checked_sub(1) {
            Some(left) => {
                *after = left;
                true
            }
            None => {
                fate = comes;
                false
            }
        }
    });
    fate
}

/// How much of a write is taken.
pub(super) fn shorten<'b>(troubles: &mut Vec<Trouble>, bytes: &'b [u8]) -> &'b [u8] {
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
        Trouble::Fail { .. } | Trouble::Applied { .. } | Trouble::Cut { .. } => true,
    });
    if torn {
        troubles.push(Trouble::Fail { call: Call::Write, after: 0 });
    }
    &bytes[..most]
}
