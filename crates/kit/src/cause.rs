//! What a failure usually is, and what it costs: the classic faults of participants, as a table.
//!
//! A cause is a guess from outside, worded so that whoever owns the participant knows where to look; `docs/guides/
//! verify-participant.md` has a line on each. Read next: `checks/mod.rs`.

/// A classic fault.
pub(crate) struct Cause {
    /// Its name in reports and in the guide.
    pub(crate) key: &'static str,
    /// Where to look.
    pub(crate) likely: &'static str,
    /// What is lost by it.
    pub(crate) loss: &'static str,
}

const fn cause(key: &'static str, likely: &'static str, loss: &'static str) -> Cause {
    Cause { key, likely, loss }
}

pub(crate) const ORDINARY_REFUSED: Cause = cause(
    "ordinary_refused",
    "it has nothing left to give (the kit needs enough for a few thousand calls), the body is not an ordinary one, or a \
     fault is answered with 409",
    "every transaction that needs this participant is cancelled",
);
pub(crate) const CONFIRM_IMPOSSIBLE: Cause = cause(
    "confirm_impossible",
    "the confirm checks again what belongs into the {try}: a confirm must be possible once its {try} is done",
    "the other participants are confirmed and this one never is: half an order, until a person puts it right",
);
pub(crate) const CANCEL_REFUSED: Cause = cause(
    "cancel_refused",
    "the {cancel} is refused although its {try} was done: it does not find what the {try} wrote",
    "what the {try} took is never given back, and the transaction needs attention for ever",
);
pub(crate) const CANCEL_KEEPS: Cause = cause(
    "cancel_keeps",
    "the {cancel} answers done and does not give back what the {try} took",
    "each cancelled transaction takes a little for ever: stock that nobody can sell, money that nobody can spend",
);
pub(crate) const CANCEL_GIVES_TOO_MUCH: Cause = cause(
    "cancel_gives_too_much",
    "the {cancel} gives back more than its {try} took",
    "each cancelled transaction makes money out of nothing",
);
pub(crate) const RUNS_TWICE: Cause = cause(
    "runs_twice",
    "no barrier: nothing remembers that the operation was done, so a duplicate is done again",
    "every lost reply is asked again, and each time value is taken or given back once more",
);
pub(crate) const LOOK_BEFORE_WRITE: Cause = cause(
    "look_before_write",
    "a look before the write: the barrier row is read first and inserted later, so two calls at the same instant both \
     find nothing there; insert first and let the unique key decide",
    "under load two calls of the same transaction both take effect: something is held for ever, or is taken or given back twice",
);
pub(crate) const ANSWER_DIFFERS: Cause = cause(
    "answer_differs",
    "the answer is not kept with the barrier row, so a duplicate gets one that was made anew",
    "the coordinator may have lost the first answer; it then goes on with another truth than the participant has",
);
pub(crate) const EMPTY_CANCEL_REFUSED: Cause = cause(
    "empty_cancel_refused",
    "the empty cancel is skipped: the {cancel} looks for its {try} and complains when there is none",
    "a {try} that never arrived is cancelled for ever: the transaction never ends and needs attention",
);
pub(crate) const GIVES_BACK_UNTAKEN: Cause = cause(
    "gives_back_untaken",
    "the {cancel} gives back what was never taken: it does not ask whether its {try} was done",
    "each empty {cancel} makes money out of nothing",
);
pub(crate) const NO_TOMBSTONE: Cause = cause(
    "no_tombstone",
    "no tombstone: the empty {cancel} leaves no row that the late {try} runs into",
    "what the late {try} takes is never given back: its transaction was cancelled already, and nobody comes again",
);
pub(crate) const CONFIRM_WITHOUT_TRY: Cause = cause(
    "confirm_without_try",
    "the confirm does not ask whether its {try} was done",
    "something is taken that was never reserved: oversold stock, an overdrawn account",
);
pub(crate) const CONFIRM_AFTER_CANCEL: Cause = cause(
    "confirm_after_cancel",
    "the confirm does not look for the row of the {cancel}: both have their own barrier row and do not exclude each other",
    "what was given back is taken as well; the customer has paid for a cancelled order",
);
pub(crate) const CANCEL_AFTER_CONFIRM: Cause = cause(
    "cancel_after_confirm",
    "the {cancel} does not look for the row of the confirm: both have their own barrier row and do not exclude each other",
    "what was taken is given back as well: money out of nothing, goods for free",
);
pub(crate) const NOBODY_WINS: Cause = cause(
    "nobody_wins",
    "confirm and {cancel} at the same instant refuse each other: each leaves its row before it knows that it has won",
    "what is held stays held for ever, since neither can be done any more",
);
pub(crate) const BARRIER_APART: Cause = cause(
    "barrier_apart",
    "the barrier row is written in another local transaction than the business change: one of them was kept and the other \
     was not",
    "a crash, a fault or a lost connection between the two: the call is answered done for ever and was never done, or is \
     done twice",
);
pub(crate) const BLOCKED_BY_SLOW: Cause = cause(
    "blocked_by_slow",
    "calls are served one at a time, or a local transaction is opened before the body is there",
    "one caller on a bad line stops everybody: all transactions through this participant run into their deadlines",
);
pub(crate) const SLOW_LOST: Cause = cause(
    "slow_lost",
    "a call whose body came slowly is neither done nor can it be asked again",
    "on a bad line a {try} is never done",
);
pub(crate) const RUNS_AGAIN: Cause = cause(
    "other_content_runs",
    "the barrier's key holds more than transaction, branch and operation, so that other content is a new call",
    "a caller's bug, one id used for two things, takes value twice under one id, and is never seen",
);
pub(crate) const OTHER_CONTENT_ANSWERED: Cause = cause(
    "other_content_answered",
    "neither the content is compared (refuse with 422) nor the first answer given: a new one was made up; if it is a 400, \
     the kit's other body may not suit (give other_body)",
    "the caller believes that the second request was done as it stands",
);
pub(crate) const NO_IDENTITY: Cause = cause(
    "no_identity",
    "the headers Tercet-Transaction, Tercet-Branch and Tercet-Operation are not demanded",
    "a call without them passes no barrier: each duplicate of it takes effect, and nothing can ever cancel it",
);
pub(crate) const IDENTITY_FAULT: Cause = cause(
    "identity_fault",
    "the headers of identity are used unchecked, and what they lack comes up as a fault (5xx) or as a refusal of the business",
    "a fault is asked again for ever, and a 409 cancels a transaction: a caller's mistake must be a 400",
);
pub(crate) const BAD_ID: Cause = cause(
    "bad_id",
    "ids are not checked: 1 to 128 characters of A–Z a–z 0–9 . _ : / -",
    "an id that is cut, trimmed or replaced on its way into the database becomes another one's: that call is taken for a \
     duplicate and never done",
);
pub(crate) const IDS_MELT: Cause = cause(
    "ids_melt",
    "the barrier's columns do not keep ids to the letter: a collation that is blind to case (MySQL's default), or a column \
     shorter than 128 characters",
    "two transactions are taken for one: the second is answered done and was never done",
);
pub(crate) const BRANCH_IGNORED: Cause = cause(
    "branch_ignored",
    "the barrier's key lacks the branch",
    "a transaction that calls this participant twice (two warehouses, two accounts) is done once",
);
pub(crate) const FAULT_AS_REFUSAL: Cause = cause(
    "fault_as_refusal",
    "a fault is answered with 409: a busy lock, a deadlock or a serialization failure must be tried again or be a 503 (or it \
     has simply run out: see how much the kit needs)",
    "a transaction that was possible is cancelled, just when there is much to do",
);
pub(crate) const LOST_UPDATE: Cause = cause(
    "lost_update",
    "the business change reads a figure, computes, and writes it back: changes at the same time overwrite each other; use one \
     conditional UPDATE",
    "value that was taken is there again: oversold stock",
);
pub(crate) const REFUSED_BODY_DONE: Cause = cause(
    "refused_body_done",
    "the body that was said to be impossible is possible: give another, or the business check is missing",
    "an impossible order is taken",
);
pub(crate) const REFUSED_YET_TAKEN: Cause = cause(
    "refused_yet_taken",
    "the {try} is refused and keeps a part of its change: the local transaction is not rolled back",
    "each refused transaction takes a little for ever",
);
pub(crate) const CANCEL_SKIPPED: Cause = cause(
    "cancel_skipped",
    "the {cancel} is refused when its {try} was refused: {cancel} comes to every branch, and must succeed there too",
    "the transaction never ends and needs attention, though nothing is wrong",
);
pub(crate) const UNSIGNED: Cause = cause(
    "unsigned",
    "the signature is not checked, or at some operations only, or only its time: each of them computes the code anew and \
     compares it, before anything else",
    "whoever reaches the address can take and give back as they like",
);
pub(crate) const SIGNATURE_TIME: Cause = cause(
    "signature_time",
    "the time in the signature is not compared with the clock: 300 seconds either way",
    "a call that was recorded can be played again for ever",
);
pub(crate) const SIGNATURE_OF_OTHER: Cause = cause(
    "signature_of_other",
    "the code is not computed over what came: the body's bytes before anything is parsed, and the path of the request line with \
     its query",
    "a call that was recorded is changed and played again: another amount, another operation",
);
pub(crate) const IDENTITY_UNSIGNED: Cause = cause(
    "identity_unsigned",
    "only v1 is checked, which says nothing of the headers of identity: where the signature has a v2, v2 must be checked",
    "a call that was recorded is played again under another transaction's headers, and the barrier takes it for a new one",
);
pub(crate) const SIGNATURE_FAULT: Cause = cause(
    "signature_fault",
    "a call that is not believed is refused as the business refuses (409, 422), or comes up as a fault (5xx): answer 401",
    "a 409 cancels somebody's transaction, and a fault is asked again for ever",
);
pub(crate) const PROBE: Cause = cause(
    "probe",
    "the probe shows nothing of an ordinary call, or it moves by itself: a counter or a clock is among its figures, or somebody \
     else uses the participant",
    "effects cannot be judged, only answers",
);
pub(crate) const NOT_A_REFUSAL: Cause = cause(
    "not_a_refusal",
    "it is meant as a refusal, and has another status; the coordinator takes anything but 409 and 422 for unknown",
    "the call is asked again with back-off and never ends",
);
pub(crate) const USELESS: Cause = cause(
    "useless_answer",
    "a wrong address, a missing header or body, or (401) a signature is wanted: give the secret",
    "the coordinator takes it for unknown and asks again for ever",
);
pub(crate) const FAULT_FOR_EVER: Cause = cause(
    "fault_for_ever",
    "a fault that no repetition mends: an exception that is not caught, a constraint that the change runs into, a time-out that \
     is always reached",
    "the coordinator takes it for unknown and asks again for ever: the transaction never ends",
);
