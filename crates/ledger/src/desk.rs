//! Where a command is decided: the state, the book it is kept in, and the time it is.
//!
//! Decides batches and chains, and the checks that every verb shares. The verbs are in `open.rs`, `entry.rs`, `hold.rs`,
//! `capture.rs`; what happens by itself in `expire.rs`. No clock, disk or random source is reached from here.

use std::collections::BTreeMap;

use transaction::refusal::ID_INVALID;
use transaction::{Refusal, Time, is_id};

use crate::ahead::Ahead;
use crate::digest::Id;
use crate::refusal as r;
use crate::undo::Point;
use crate::{
    Batch, Book, Cause, Command, Done, Event, Expiry, Kept, Known, Ledger, Linked, Origin, Outcome, Results,
    Run,
};

/// What was decided of one command.
pub(crate) type Decision = Result<Outcome, Box<Refusal>>;

/// How much of what is due is decided before a batch; the rest follows in steps of its own.
const DUE_BEFORE: usize = 4096;

/// The furthest that anything expires: a hundred years, in milliseconds.
const EXPIRY_MAX_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

const REASON_MAX: usize = 256;

/// State, book and time.
pub(crate) struct Desk<'a> {
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) book: &'a mut dyn Book,
    pub(crate) now: Time,
    /// The digests of the two accounts that the member at hand names.
    pub(crate) near: Option<(Id, Id)>,
    /// What this batch has kept so far, by position: only where a member may ask for it.
    recent: Option<BTreeMap<u64, Vec<u8>>>,
}

/// A point in both state and book.
#[derive(Clone, Copy)]
struct Both {
    book: u64,
    state: Point,
}

impl Ledger {
    /// Decides each member against the state that the earlier ones left, keeps and folds what is accepted. A chain of
    /// linked members succeeds or fails as one; other members are unaffected. What is due at `now` is decided before.
    pub fn carry_out(&mut self, batch: &Batch, run: Run, (book, now): (&mut dyn Book, Time)) -> Results {
        self.loaded();
        let recent = batch.may_recall().then(BTreeMap::new);
        let mut desk = Desk { ledger: self, book, now, near: None, recent };
        match run {
            Run::Real => desk.decide_all(batch),
            Run::Dry => {
                let point = desk.begin();
                let results = desk.decide_all(batch);
                #[cfg(feature = "planted")]
                if planted::is(planted::Bug::DryRunKept) {
                    desk.ledger.undo.settle();
                    return results;
                }
                desk.take_back(point);
                results
            }
        }
    }

    /// Decides what is due at `now` by itself (expired holds, lots, states of items), in order of time, then of age; at most
    /// `at_most`. Answers how many.
    pub fn fall_due(&mut self, at_most: usize, (book, now): (&mut dyn Book, Time)) -> usize {
        self.loaded();
        Desk { ledger: self, book, now, near: None, recent: None }.fall_due(at_most)
    }

    /// When the next thing is due by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.due.first().map(|due| due.at)
    }
}

impl Desk<'_> {
    fn begin(&mut self) -> Both {
        Both { book: self.book.mark(), state: self.ledger.undo.begin() }
    }

    fn take_back(&mut self, point: Both) {
        self.ledger.take_back(point.state);
        self.book.roll_back(point.book);
        let end = self.book.place().position;
        if let Some(recent) = &mut self.recent {
            recent.split_off(&end);
        }
    }

    fn decide_all(&mut self, batch: &Batch) -> Results {
        self.fall_due(DUE_BEFORE);
        let mut results = Vec::with_capacity(batch.len());
        let mut ahead = Ahead::default();
        while let Some(member) = batch.get(results.len()) {
            self.near = ahead.of(results.len(), (self.ledger, batch));
            match member.linked() {
                Linked::No => results.push(self.decide(&member)),
                Linked::ToNext => self.decide_chain(batch, &mut results),
            }
        }
        results
    }

    /// Decides the chain that begins at the next member.
    fn decide_chain(&mut self, batch: &Batch, results: &mut Results) {
        let first = results.len();
        let is_last = |index: &usize| batch.get(*index).is_some_and(|member| member.linked() == Linked::No);
        let Some(last) = (first..batch.len()).find(is_last) else {
            let refusal = || r::LINKED_OPEN.because("the batch ends before the chain does");
            results.resize_with(batch.len(), || Err(Box::new(refusal())));
            return;
        };
        let point = self.begin();
        let mut failed = None;
        for index in first..=last {
            let Some(member) = batch.get(index) else { break };
            self.near = None;
            let decision = self.decide(&member);
            let refused = decision.is_err();
            results.push(decision);
            if refused {
                failed = Some(index);
                break;
            }
        }
        let Some(failed) = failed else {
            self.ledger.undo.settle();
            return;
        };
        #[cfg(feature = "planted")]
        let point = if planted::is(planted::Bug::ChainHalfApplied) { self.begin() } else { point };
        self.take_back(point);
        let because = || {
            let words = format!("member {} of the batch, linked with this one, was refused", failed + 1);
            Err(Box::new(r::LINKED_REFUSED.because(words)))
        };
        results.resize_with(last + 1, because);
        for result in &mut results[first..failed] {
            *result = because();
        }
    }

    fn decide(&mut self, command: &Command<&str>) -> Decision {
        if self.book.is_full() && command.origin() == Origin::Direct {
            let words =
                "what the members before lead to fills a frame of the journal: ask for the rest again";
            return Err(Box::new(r::BATCH_TOO_LARGE.because(words)));
        }
        match command {
            Command::Entry(entry) => self.post(entry),
            Command::Hold(hold) => self.hold(hold),
            Command::Capture(capture) => self.capture(capture),
            Command::Release(release) => self.release(release),
            Command::Reopen(reopen) => self.reopen(reopen),
            Command::Asset(asset) => self.declare_asset(asset),
            Command::Open(open) => self.open(open),
            Command::Adjust(adjust) => self.adjust(adjust),
            Command::Declare(_) | Command::Create(_) | Command::Move(_) => self.decide_item(command),
        }
    }

    /// Keeps an event and folds it. Answers its position.
    pub(crate) fn keep(&mut self, content: u64, event: Event<'_>) -> u64 {
        let place = self.book.place();
        let kept = Kept { sequence: place.sequence, at: self.now, content, event };
        let mut scratch = std::mem::take(&mut self.ledger.scratch);
        scratch.clear();
        kept.encode(&mut scratch);
        self.book.keep(&scratch);
        if let Some(recent) = &mut self.recent {
            recent.insert(place.position, scratch.clone());
        }
        self.ledger.scratch = scratch;
        self.ledger.apply(&kept, place.position);
        place.position
    }

    /// The event at a position: kept by this batch, or read ahead for it.
    pub(crate) fn recall(&self, position: u64) -> Option<Kept<'_>> {
        let recent = self.recent.as_ref().and_then(|recent| recent.get(&position));
        let encoded = recent.map(Vec::as_slice).or_else(|| self.book.recall(position))?;
        Kept::decode(encoded).ok()
    }

    /// Answers a repeat of what is known: a duplicate, or a mismatch. `amount` is given where the content tells it; else
    /// it is looked up, if the event is at hand.
    pub(crate) fn repeat(&self, known: Known, content: u64, (amount, scale): (Option<i128>, u8)) -> Decision {
        if known.content != content {
            return Err(Box::new(r::ID_MISMATCH.because("the first use of this id said something else")));
        }
        let amount = amount.or_else(|| match self.recall(known.position)?.event {
            Event::Posted { amount, .. }
            | Event::Held { amount, .. }
            | Event::Captured { amount, .. }
            | Event::Reopened { amount, .. } => Some(amount),
            _ => None,
        });
        Ok(Outcome { done: Done::Duplicate, amount, scale })
    }

    /// When something expires that is decided now.
    pub(crate) fn expiry(&self, expiry: Expiry) -> Result<Option<Time>, Refusal> {
        let (at, ms) = match expiry {
            Expiry::Never => return Ok(None),
            Expiry::In(ms) => (self.now.plus_ms(ms), ms),
            Expiry::At(at) => (at, self.now.ms_until(at)),
        };
        if at <= self.now {
            return Err(r::EXPIRY_INVALID.because("that time has passed"));
        }
        if ms > EXPIRY_MAX_MS {
            return Err(r::EXPIRY_INVALID.because("that is more than a hundred years away"));
        }
        Ok(Some(at))
    }
}

/// Refuses what is no id.
pub(crate) fn check_id(id: &str) -> Result<(), Refusal> {
    if is_id(id) {
        return Ok(());
    }
    Err(ID_INVALID.because(format!("{} bytes that are empty, too many, or hold another character", id.len())))
}

/// Refuses a cause that is malformed.
pub(crate) fn check_cause(cause: &Cause<&str>) -> Result<(), Refusal> {
    let ids = [("transaction", cause.transaction), ("branch", cause.branch), ("operator", cause.operator)];
    for (name, id) in ids {
        if id.is_some_and(|id| !is_id(id)) {
            return Err(r::CAUSE_INVALID.because(format!("the {name} is no id")));
        }
    }
    if cause.reason.is_some_and(|reason| reason.len() > REASON_MAX) {
        return Err(r::CAUSE_INVALID.because("the reason has more than 256 bytes"));
    }
    Ok(())
}
