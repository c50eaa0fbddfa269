//! PROVES the proof: realistic bugs that can be switched on one at a time, to see whether they are caught.
//!
//! A room has a bug behind its own feature `planted`, which no shipped binary is built with; where the feature is off,
//! nothing of it is compiled. Exactly one bug, or none, is on in a process. `cargo xtask mutants` runs them all.
//! To add one: a line in the table below, and `#[cfg(feature = "planted")]` at the place where it would be made.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The variable by which a process of tests is told its bug.
pub const VARIABLE: &str = "TERCET_PLANTED";

/// Declares the bugs: name, room, what is wrong, and the promises it breaks.
macro_rules! bugs {
    ($($name:ident in $room:literal: $what:literal, breaks $promises:literal,)*) => {
        /// A bug that can be switched on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug { $(#[doc = $what] $name,)* }

        impl Bug {
            /// Every bug.
            pub const ALL: &'static [Bug] = &[$(Bug::$name,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Bug::$name => stringify!($name),)* }
            }

            /// The room it is in.
            #[must_use]
            pub fn room(self) -> &'static str {
                match self { $(Bug::$name => $room,)* }
            }

            /// Whether this is a promise that it breaks: caught by another one, it was caught for the wrong reason.
            #[must_use]
            pub fn breaks(self, promise: &str) -> bool {
                let promises = match self { $(Bug::$name => $promises,)* };
                promises.split(' ').any(|broken| broken == promise)
            }

            /// What is wrong.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $(Bug::$name => $what,)* }
            }
        }
    };
}

bugs! {
    SyncSkipped in "journal": "a frame is told as durable without a sync", breaks "P2 P3",
    SyncRetried in "journal": "a failed sync is tried again, and its success believed", breaks "P2 P3",
    FolderNotSynced in "journal": "a new segment's name is not synced", breaks "P2 P3",
    TornFrameAccepted in "journal": "a frame is read without its payload's checksum", breaks "P3",
    ChainUnchecked in "journal": "a frame need not carry the hash of the one before it", breaks "P3",
    LastFrameNotMended in "journal": "the last frame found is not written once more", breaks "P2 P3",
    DamageTakenForTail in "journal": "a bad frame with whole ones behind it is cut as a torn tail", breaks "P2 P3",
    HighWaterIgnored in "journal": "a journal that ends before what is known to be durable is opened", breaks "P3",
    AnswerBeforeDurable in "engine": "answers leave before their frame is durable", breaks "P2 P4",
    FaultSwallowed in "engine": "after a failed append answers leave all the same", breaks "P2 P4",
    CallBeforeDurable in "engine": "a branch is called before the decision is durable", breaks "P2",
    ArchiveAhead in "engine": "the archive is given a frame before it is durable", breaks "P1 P3 P16",
    ReplaySkipsFrame in "engine": "a start passes over the first frame that the archive lacks", breaks "P1 P3 P9",
    ReleasedTooEarly in "engine": "the journal may give up what the archive has not made durable", breaks "P3",
    IdsNotLearnt in "engine": "a start learns no ids from the ledger's history", breaks "P1 P9 P20",
    TimersLost in "engine": "a start wakes no open transaction", breaks "P16",
    FingerprintIgnored in "engine": "a known id with other content is answered with the first", breaks "P20",
    KeyForgotten in "engine": "an idempotency key is not kept", breaks "P20",
    ConcurrencyUnbounded in "engine": "a participant is called as often at once as there is to call", breaks "P27",
    SweepTooEarly in "engine": "a sweep counts as complete before its pages are kept", breaks "P1 P9",
    SequenceReused in "engine": "a start goes on one event before the last", breaks "P5 P23",
    FullEndsProcess in "engine": "a full disk ends the process", breaks "P5",
    AcknowledgedUnkept in "engine": "a signal is told as taken, and no event keeps it", breaks "P1",
    RepeatRefused in "engine": "an honest repeat of a begin is refused", breaks "P20",
    RetriesUnbounded in "engine": "repeated calls take no budget", breaks "P27",
    CancelOnlyAnswered in "transaction": "a cancel goes only to branches whose try was answered", breaks "P16",
    UnknownIsRefused in "transaction": "an unknown reply to a try counts as refused", breaks "P15 P17",
    RefusedConfirmIsDone in "transaction": "a refused confirm counts as done", breaks "P13 P17",
    AttentionNeverRaised in "transaction": "retries go on and nobody is asked to look", breaks "P13 P17",
    DeadlineLate in "transaction": "a deadline counts as passed a second late", breaks "P14",
    DeadlineInCooling in "transaction": "the deadline still cancels in the cooling-off window", breaks "P14",
    CoolingCutShort in "transaction": "a cooling-off window ends at once", breaks "P14",
    UncompensatedRefusal in "transaction": "a saga does not compensate the branch that refused", breaks "P16",
    DecisionTurns in "transaction": "a cancel is taken after the decision to confirm", breaks "P8 P34",
    LateTryAccepted in "transaction": "the barrier lets a try through after its cancel", breaks "P10 P12 P16",
    CancelRunsWithoutTry in "transaction": "the barrier undoes what was never done", breaks "P11",
    ConfirmTwice in "transaction": "the barrier lets a confirm through twice", breaks "P10",
    ConfirmRunsWithoutTry in "transaction": "the barrier confirms what was never tried", breaks "P13",
    TombstoneDropped in "transaction": "the barrier forgets a tombstone at once", breaks "P8 P12 P13 P16",
    DuplicatePosted in "ledger": "an entry whose id is known is posted again", breaks "P9 P20",
    ChainHalfApplied in "ledger": "a linked chain keeps what came before its refusal", breaks "P9 P16",
    CapturedAfterExpiry in "ledger": "a hold can be captured after it expired", breaks "P14",
    CapturedTooMuch in "ledger": "a hold can be captured beyond what is left of it", breaks "P9",
    LotOrderWrong in "ledger": "what expires last is spent first", breaks "P9",
    HeldIsAvailable in "ledger": "what is held can be spent", breaks "P22",
    DryRunKept in "ledger": "a dry run is kept", breaks "P9",
    HeldItemMoves in "ledger": "an item that a transaction holds can be moved by others", breaks "P9",
}

/// The bug that is on: its place in the table from 1; 0: none.
static ON: AtomicUsize = AtomicUsize::new(0);

/// Switches a bug on, or all off.
pub fn plant(bug: Option<Bug>) {
    ON.store(bug.map_or(0, |bug| bug as usize + 1), Ordering::Relaxed);
}

/// Whether this bug is on.
#[must_use]
pub fn is(bug: Bug) -> bool {
    static TOLD: OnceLock<()> = OnceLock::new();
    TOLD.get_or_init(|| {
        let told = std::env::var(VARIABLE).ok();
        if let Some(bug) = told.and_then(|told| Bug::ALL.iter().find(|bug| bug.name() == told)) {
            plant(Some(*bug));
        }
    });
    ON.load(Ordering::Relaxed) == bug as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bug_is_on_or_none() {
        let on = || Bug::ALL.iter().copied().filter(|bug| is(*bug)).collect::<Vec<_>>();
        assert!(on().is_empty());
        plant(Some(Bug::LotOrderWrong));
        assert_eq!(on(), [Bug::LotOrderWrong]);
        plant(None);
        assert!(on().is_empty());
    }
}
