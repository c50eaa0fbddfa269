//! What an operator or a restart must mend. A fault while running ends the process; it is never retried on the same file.

/// A fault of the engine.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The journal failed.
    #[error("journal: {0}")]
    Journal(#[from] journal::Fault),
    /// The archive's store failed.
    #[error("archive: {0}")]
    Archive(String),
    /// The journal holds something that this version does not know.
    #[error("journal entry {sequence}: {why}")]
    Entry {
        /// The event's sequence.
        sequence: u64,
        /// What is wrong.
        why: String,
    },
    /// The archive holds more than the journal: the journal lost something, or is another one.
    #[error(
        "the archive holds events up to {archived}, but the journal ends at {last}: restore the journal folder from a backup, or, if this journal is the right one, move the archive folder away and it is rebuilt"
    )]
    ArchiveAhead {
        /// What the archive holds.
        archived: u64,
        /// Where the journal ends.
        last: u64,
    },
    /// The archive, or its history of the ledger, is missing or damaged, and the journal no longer reaches back to the beginning.
    #[error(
        "{why}, but the journal begins at {first}: restore the archive folder from a backup, or the journal segments before {first}"
    )]
    HistoryMissing {
        /// What is missing, or damaged.
        why: String,
        /// Where the journal begins.
        first: u64,
    },
    /// The writer's thread has ended; it has reported why.
    #[error("the writer has ended")]
    Writer,
    /// A thread met a state that cannot be: a bug of ours.
    #[error("a bug in the thread {0}: see the message above; the journal is whole, a restart replays it")]
    Bug(&'static str),
    /// A thread could not be started.
    #[error("thread: {0}")]
    Thread(#[from] std::io::Error),
}
