//! PROVES the proof: realistic bugs that can be switched on one at a time, to see whether they are caught.
//!
//! A room has a bug behind its own feature `planted`, which no shipped binary is built with; where the feature is off,
//! nothing of it is compiled. Exactly one bug, or none, is on in a process. `cargo xtask mutants` runs them all.
//! To add one: a line in the table below, and `#[cfg(feature = "planted")]` at the place where it would be made.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The variable by which a process of tests is told its bug.
pub const VARIABLE: &str = "TERCET_PLANTED";

/// Declares the bugs: name, room, what is wrong.
macro_rules! bugs {
    ($($name:ident in $room:literal: $what:literal,)*) => {
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

            /// What is wrong.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $(Bug::$name => $what,)* }
            }
        }
    };
}

bugs! {
    SyncSkipped in "journal": "a frame is told as durable without a sync",
    SyncRetried in "journal": "a failed sync is tried again, and its success believed",
    FolderNotSynced in "journal": "a new segment's name is not synced",
    TornFrameAccepted in "journal": "a frame is read without its payload's checksum",
    ChainUnchecked in "journal": "a frame need not carry the hash of the one before it",
    LastFrameNotMended in "journal": "the last frame found is not written once more",
    DamageTakenForTail in "journal": "a bad frame with whole ones behind it is cut as a torn tail",
    HighWaterIgnored in "journal": "a journal that ends before what is known to be durable is opened",
    AnswerBeforeDurable in "engine": "answers leave before their frame is durable",
    FaultSwallowed in "engine": "after a failed append answers leave all the same",
    CallBeforeDurable in "engine": "a branch is called before the decision is durable",
    ArchiveAhead in "engine": "the archive is given a frame before it is durable",
    ReplaySkipsFrame in "engine": "a start passes over the first frame that the archive lacks",
    ReleasedTooEarly in "engine": "the journal may give up what the archive has not made durable",
    IdsNotLearnt in "engine": "a start learns no ids from the ledger's history",
    TimersLost in "engine": "a start wakes no open transaction",
    FingerprintIgnored in "engine": "a known id with other content is answered with the first",
    KeyForgotten in "engine": "an idempotency key is not kept",
    ConcurrencyUnbounded in "engine": "a participant is called as often at once as there is to call",
    SweepTooEarly in "engine": "a sweep counts as complete before its pages are kept",
    CancelOnlyAnswered in "transaction": "a cancel goes only to branches whose try was answered",
    UnknownIsRefused in "transaction": "an unknown reply to a try counts as refused",
    RefusedConfirmIsDone in "transaction": "a refused confirm counts as done",
    AttentionNeverRaised in "transaction": "retries go on and nobody is asked to look",
    DeadlineLate in "transaction": "a deadline counts as passed a second late",
    DeadlineInCooling in "transaction": "the deadline still cancels in the cooling-off window",
    CoolingCutShort in "transaction": "a cooling-off window ends at once",
    UncompensatedRefusal in "transaction": "a saga does not compensate the branch that refused",
    DecisionTurns in "transaction": "a cancel is taken after the decision to confirm",
    LateTryAccepted in "transaction": "the barrier lets a try through after its cancel",
    CancelRunsWithoutTry in "transaction": "the barrier undoes what was never done",
    ConfirmTwice in "transaction": "the barrier lets a confirm through twice",
    TombstoneDropped in "transaction": "the barrier forgets a tombstone at once",
    DuplicatePosted in "ledger": "an entry whose id is known is posted again",
    ChainHalfApplied in "ledger": "a linked chain keeps what came before its refusal",
    CapturedAfterExpiry in "ledger": "a hold can be captured after it expired",
    CapturedTooMuch in "ledger": "a hold can be captured beyond what is left of it",
    LotOrderWrong in "ledger": "what expires last is spent first",
    HeldIsAvailable in "ledger": "what is held can be spent",
    DryRunKept in "ledger": "a dry run is kept",
    HeldItemMoves in "ledger": "an item that a transaction holds can be moved by others",
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
