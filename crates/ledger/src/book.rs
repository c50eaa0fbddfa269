//! The port by which the ledger keeps what it decides, and asks for ids of all time. The engine implements it.

use crate::{Command, Take};

/// What an id was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Digest of the id and of the content that came with it.
    pub content: u64,
    /// Where the event lies that it led to.
    pub position: u64,
}

/// Where the next event will lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its sequence in the journal.
    pub sequence: u64,
    /// Its position in the history: the bytes of all ledger events before it, heads included.
    pub position: u64,
}

/// What the ledger needs of the engine while it decides.
pub trait Book {
    /// Where the next event will lie.
    fn place(&self) -> Place;
    /// Keeps one encoded event at that place.
    fn keep(&mut self, event: &[u8]);
    /// What this key stands for, the newest if there are several.
    fn known(&self, hash: u64) -> Option<Known>;
    /// Remembers what a key stands for.
    fn learn(&mut self, hash: u64, known: Known);
    /// The frame has no room for more: other members are refused until the next one. What a branch of a transaction does
    /// goes on, since a decision binds; callers see to it that few of those come at once.
    fn is_full(&self) -> bool {
        false
    }
    /// A point to come back to. Marks nest: a chain within a dry run has its own, and each is rolled back at most once;
    /// one that is not rolled back is simply forgotten.
    fn mark(&mut self) -> u64;
    /// Takes back everything kept and learnt since `mark`.
    fn roll_back(&mut self, mark: u64);
    /// The encoded event at a position, when the engine has read it ahead for this batch ([`may_recall`]); `None`: it was
    /// not. What the batch itself has kept is never asked for.
    fn recall(&self, position: u64) -> Option<&[u8]>;
}

/// Bytes that each event takes in the history beside its own: length and room.
pub const HEAD: u64 = 5;

/// Whether deciding this command may need [`Book::recall`].
#[must_use]
pub fn may_recall(command: &Command<&str>) -> bool {
    match command {
        Command::Entry(entry) => entry.refunds.is_some() || entry.take == Take::UpTo,
        // Only the event of a repeat tells how much "as much as is there" was.
        Command::Hold(hold) => hold.take == Take::UpTo,
        Command::Reopen(_) => true,
        _ => false,
    }
}
