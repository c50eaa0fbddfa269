//! What can go wrong in a journal: the operator's affair or a retry's, never the caller's mistake in a request.
//!
//! Each message says what happened, where, and how to mend it. Read next: `port.rs` for which call answers which.

use std::io;

/// Why a journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Another process has the journal open.
    #[error(
        "the journal in {folder} is in use by {holder}: end that process, or give this one another data folder"
    )]
    Locked {
        /// The journal's folder.
        folder: String,
        /// Who holds it, as the lock file tells ("pid 4711").
        holder: String,
    },
    /// Another owner has opened the journal since: this one may write no more.
    #[error(
        "epoch {epoch} was fenced off by epoch {newer}: another process owns this journal now; end this one"
    )]
    Fenced {
        /// The epoch of this opening.
        epoch: u64,
        /// The newest epoch.
        newer: u64,
    },
    /// Bytes that were durable are not what was written. Nothing is dropped silently: the start is refused.
    #[error(
        "the journal is damaged: {file} at byte {offset}: {why}. Nothing was changed. Restore this file from a \
         copy or a backup and start again; `tercet journal verify` shows how far the journal is whole"
    )]
    Damaged {
        /// The file, with its folder.
        file: String,
        /// Where in the file, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        why: String,
    },
    /// The journal ends before events that are known to have been durable.
    #[error(
        "the journal ends at event {have}, but event {need} is known to have been durable: its last segment is \
         missing or cut. Restore the journal's folder from a copy or a backup and start again"
    )]
    Behind {
        /// The last event found.
        have: u64,
        /// The last event that must be there.
        need: u64,
    },
    /// No room for another frame, the reserve is used up. Nothing was written.
    #[error(
        "the disk is full and the journal's reserve is used up: free some space; the journal goes on by itself"
    )]
    Full,
    /// One frame larger than the journal takes. Nothing was written.
    #[error("a frame of {bytes} bytes is larger than the {limit} bytes allowed: seal smaller batches")]
    TooLarge {
        /// The payload's size.
        bytes: u64,
        /// The largest payload that is taken.
        limit: u64,
    },
    /// The frame does not follow the last one. Nothing was written.
    #[error("a frame that begins at event {got} cannot follow event {last}: sequences have no gaps")]
    OutOfOrder {
        /// The last durable event.
        last: u64,
        /// The sequence of the refused frame.
        got: u64,
    },
    /// The events asked for were released and are no longer held here.
    #[error(
        "event {asked} is no longer in the journal, which begins at event {first}: read it from the archive"
    )]
    Released {
        /// The event asked for.
        asked: u64,
        /// The first event still held.
        first: u64,
    },
    /// An earlier write or sync failed, so nothing more can be promised by this process.
    #[error("the journal stopped when a write failed earlier ({why}): end this process and start it again")]
    Poisoned {
        /// The earlier failure.
        why: String,
    },
    /// A call to the operating system failed.
    #[error("could not {what}: {source}. Check the disk and the folder's permissions, then start again")]
    Io {
        /// What was tried, with the file.
        what: String,
        /// What the operating system answered.
        source: io::Error,
    },
    /// The options contradict each other or the journal that is there.
    #[error("the journal's options do not fit: {why}")]
    Options {
        /// Which, and what would fit.
        why: String,
    },
    /// The visitor of a read gave up for reasons of its own.
    #[error("reading the journal was stopped: {why}")]
    Stopped {
        /// The visitor's reason.
        why: String,
    },
}
