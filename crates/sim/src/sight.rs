//! What should be seen sometimes: a simulation that never meets a hazard proves nothing about it.
//!
//! Each sight is counted where it happens; a run of many seeds that leaves one at zero is red. Counting decides nothing.

/// Declares the sights with the words they are printed by.
macro_rules! sights {
    ($($name:ident = $words:literal,)*) => {
        /// Something worth meeting.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Sight { $(#[doc = $words] $name,)* }

        impl Sight {
            /// Every sight.
            pub const ALL: &'static [Sight] = &[$(Sight::$name,)*];

            /// What it is, in words.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Sight::$name => $words,)* }
            }
        }
    };
}

sights! {
    CancelBeforeTry = "a cancel met a participant before its try",
    LateTry = "a try came after its cancel and was refused",
    ConfirmWithoutTry = "a confirm without a try was refused",
    DuplicateTry = "a try came twice",
    DuplicateConfirm = "a confirm came twice",
    DuplicateCancel = "a cancel came twice",
    TriedLate = "a call was answered after its time-out",
    DeadlineWon = "a deadline decided within 1 ms of the signal that came too late",
    DeadlineLost = "a signal or confirm decided within 1 ms before the deadline",
    WithdrawWon = "a withdraw cancelled in the cooling-off window",
    CoolingEnded = "a cooling-off window ended in confirm",
    Withdrawn = "a managed transaction was withdrawn while trying",
    CheckSubmitted = "a check-back submitted a message",
    CheckAborted = "a check-back aborted a message",
    SagaCompensated = "a saga was compensated",
    RepeatsUsedUp = "a saga used up its repeats and gave up",
    XaCommitted = "an xa was committed",
    XaRolledBack = "an xa was rolled back",
    SilenceSubmitted = "the time of a message whose initiator cannot be asked submitted it",
    Stopped = "a transaction was given up by force",
    AttentionReached = "a transaction needed attention",
    OperatorRetried = "an operator asked for a retry",
    RefusedConfirm = "a participant refused a confirm or cancel",
    BreakerOpened = "a breaker kept a call back",
    CrashBeforeCall = "a crash fell between a decision and its first call",
    CrashBeforeAnswer = "a crash fell between a durable frame and its answers",
    TornTailCut = "pieces of a frame that was being written were cut as a torn tail",
    UntoldFrameKept = "a frame that was never answered was found after a crash",
    SyncFailed = "a write or sync of the journal failed and ended the process",
    AppliedUntold = "a call of the disk was carried out and answered as failed",
    PowerCutInCall = "the power went in the middle of a disk call",
    PowerCutInStart = "the power went in the middle of a start",
    StorageFull = "new work was refused on a full disk",
    WaitedForRoom = "a frame waited for room on a full disk",
    FullWentOn = "new work was taken again after a full disk",
    FinishedWhileFull = "an open transaction finished on a full disk",
    DamageRefused = "a damaged folder was refused at the start",
    ArchiveRebuilt = "a lost archive was rebuilt from the journal",
    ArchiveTrailed = "a start took frames into the archive that it did not have",
    JournalReleased = "segments of the journal were released and recycled",
    SecondProcessRefused = "a second process on the folder was refused",
    OrderlyStop = "a process was stopped in good order under load",
    Paused = "the process stood still for more than a second",
    ClockJumped = "a process started with its wall clock a day off",
    RepeatFromMemory = "a repeated request was answered from memory",
    RepeatFromArchive = "a repeated request was answered from the archive",
    OtherContent = "an id came again with other content and was refused",
    KeyRepeated = "an idempotency key came again and got the first results",
    HeldAnswer = "an answer was held until its transaction was final",
    InsufficientRefused = "an entry or hold was refused for want of value",
    CeilingRefused = "an entry or hold was refused for an account's ceiling",
    LinkedRefused = "a linked chain was refused as a whole",
    LinkedPosted = "a linked chain was posted as a whole",
    PartCaptured = "a hold was captured in part",
    CaptureRacedRelease = "a capture and a release of one hold met within 1 ms",
    CaptureRacedExpiry = "a capture and the expiry of one hold met within 1 ms",
    HoldExpired = "a hold expired",
    HoldReopened = "an expired hold was reopened",
    LotExpired = "a lot expired",
    LotExpiredUnderHold = "a lot expired while part of it was held",
    Refunded = "an entry was refunded",
    ItemRaced = "two moves of one item met, and one was refused",
    ItemExpired = "an item's state expired",
    ItemHeld = "an item held by a transaction was refused to others",
    UpToTaken = "a hold or entry took as much as there was",
    DryRun = "a dry run changed nothing",
}

/// How often each was seen.
#[derive(Clone, Debug)]
pub struct Sights(Vec<u64>);

impl Default for Sights {
    fn default() -> Self {
        Sights(vec![0; Sight::ALL.len()])
    }
}

impl Sights {
    /// It was seen.
    pub(crate) fn see(&mut self, sight: Sight) {
        self.0[sight as usize] += 1;
    }

    /// How often it was.
    #[must_use]
    pub fn count(&self, sight: Sight) -> u64 {
        self.0[sight as usize]
    }

    /// Takes in those of another history.
    pub fn add(&mut self, other: &Sights) {
        for (sum, count) in self.0.iter_mut().zip(&other.0) {
            *sum += count;
        }
    }

    /// What was never seen.
    pub fn missing(&self) -> impl Iterator<Item = Sight> + '_ {
        Sight::ALL.iter().copied().filter(|sight| self.count(*sight) == 0)
    }
}
