//! A transaction as its events tell it, judged event by event: one decision, for a reason, carried out at every branch.
//!
//! A fold of its own, far simpler than the one it judges: it knows what must have happened before what, and no turns.

use std::sync::Arc;

use transaction::{
    BranchSpec, Decision, Event, Kind, Mode, Operation, Pattern, ReasonCode, Reply, Signal, Spec, Time, Urls,
};

use super::ledger_books::LedgerBooks;
use crate::sight::{Sight, Sights};
use crate::violation::{Judged, Must};

/// When something was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chapter {
    pub(crate) sequence: u64,
    pub(crate) at: Time,
}

/// A transaction so far.
#[derive(Clone, Debug)]
pub(crate) struct TransactionBook {
    pub(crate) spec: Arc<Spec>,
    pub(crate) begun: Chapter,
    pub(crate) decided: Option<(Chapter, Decision)>,
    pub(crate) finished: Option<Chapter>,
    /// It was given up by force: nothing is known of its branches.
    pub(crate) is_stopped: bool,
    cooling: Option<(Chapter, Time)>,
    pub(crate) branches: Vec<BranchBook>,
    check: Pace,
}

/// One branch so far.
#[derive(Clone, Debug)]
pub(crate) struct BranchBook {
    pub(crate) spec: Arc<BranchSpec>,
    /// Which event made it known.
    since: u64,
    /// What its try came to.
    pub(crate) tried: Option<Signal>,
    /// The outside fact, and which event kept it.
    signalled: Option<(u64, Signal)>,
    /// Its try or action was called and answered somehow.
    pub(crate) touched: Option<Chapter>,
    confirmed: Option<Chapter>,
    cancelled: Option<Chapter>,
    attempts: [u32; 3],
    pace: Pace,
    /// Its participant refused the second phase the last time.
    is_turned_away: bool,
}

/// Failures in a row, and whether a person was asked to look.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    failures: u32,
    attention: bool,
    /// A second phase was refused: somebody must be asked to look at once.
    is_owed: bool,
}

impl Pace {
    fn heard(&mut self, reply: &Reply) {
        match reply {
            Reply::Refused { .. } => {
                self.failures += 1;
                self.is_owed = !self.attention;
            }
            Reply::Unknown { .. } => self.failures += 1,
            Reply::InProgress => {}
            Reply::Done { .. } => *self = Pace::default(),
        }
    }
}

impl BranchBook {
    fn new(spec: &Arc<BranchSpec>, since: u64) -> BranchBook {
        BranchBook {
            spec: Arc::clone(spec),
            since,
            signalled: None,
            tried: None,
            touched: None,
            confirmed: None,
            cancelled: None,
            attempts: [0; 3],
            pace: Pace::default(),
            is_turned_away: false,
        }
    }

    /// Whether a call of this operation is needed to settle it.
    fn is_called(&self, operation: Operation) -> bool {
        let Some(urls) = self.urls() else { return false };
        match operation {
            Operation::Try => urls.attempt.is_some(),
            Operation::Confirm => urls.confirm.is_some(),
            Operation::Cancel => urls.cancel.is_some(),
            Operation::Check => false,
        }
    }

    /// Where its participant is called, if it has one.
    pub(super) fn urls(&self) -> Option<&Urls> {
        match &self.spec.kind {
            Kind::Call(call) => Some(&call.urls),
            Kind::Raw(raw) => Some(&raw.urls),
            Kind::Await | Kind::Hold(_) | Kind::Item(_) => None,
        }
    }
}

impl TransactionBook {
    pub(super) fn begun(spec: &Arc<Spec>, (sequence, at): (u64, Time)) -> TransactionBook {
        TransactionBook {
            spec: Arc::clone(spec),
            begun: Chapter { sequence, at },
            decided: None,
            finished: None,
            is_stopped: false,
            cooling: None,
            branches: spec.branches.iter().map(|branch| BranchBook::new(branch, sequence)).collect(),
            check: Pace::default(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.spec.id
    }

    /// What is tried first holds something until it is confirmed or cancelled.
    pub(super) fn is_two_phase(&self) -> bool {
        matches!(self.spec.pattern, Pattern::Tcc | Pattern::Xa)
    }

    /// A prepared message whose initiator cannot be asked: silence is consent.
    fn is_unasked(&self) -> bool {
        self.spec.pattern == Pattern::Message && self.spec.check.is_none()
    }

    fn retry_limit(&self) -> u32 {
        self.spec.terms.as_ref().map_or(0, |terms| terms.retry_limit)
    }

    /// The decision, if it had been made at `sequence`.
    pub(crate) fn decision_at(&self, sequence: u64) -> Option<Decision> {
        self.decided.filter(|(when, _)| when.sequence <= sequence).map(|(_, decision)| decision)
    }

    /// Whether its cooling-off window had begun at `sequence`.
    pub(super) fn cools_at(&self, sequence: u64) -> bool {
        self.cooling.is_some_and(|(when, _)| when.sequence <= sequence)
    }

    /// The outside fact of a branch, if it had been kept at `sequence`.
    pub(super) fn signalled_at(&self, branch: &str, sequence: u64) -> Option<Signal> {
        let book = self.branches.iter().find(|book| &*book.spec.id == branch)?;
        book.signalled.filter(|(kept, _)| *kept <= sequence).map(|(_, signal)| signal)
    }

    /// Whether this branch was known at `sequence`.
    pub(super) fn registered_at(&self, spec: &BranchSpec, sequence: u64) -> bool {
        self.branches.iter().any(|book| *book.spec == *spec && book.since <= sequence)
    }

    /// A branch that is not settled, and for which nobody was asked to look, or not for a reason that stays.
    pub(super) fn waits_for_nobody(&self, poisoned: &dyn Fn(&BranchBook) -> bool) -> bool {
        let stuck =
            |branch: &BranchBook| branch.pace.attention && (poisoned(branch) || branch.is_turned_away);
        self.finished.is_none() && !self.branches.iter().any(stuck)
    }

    pub(crate) fn needs_attention(&self) -> bool {
        self.check.attention || self.branches.iter().any(|branch| branch.pace.attention)
    }

    /// Whoever refused a confirm or a cancel is on the list with the same frame.
    pub(super) fn all_attended(&self) -> Judged {
        let quiet = self.branches.iter().find(|branch| branch.pace.is_owed);
        quiet.is_none().must("P13", || {
            let branch = quiet.map(|branch| branch.spec.id.clone());
            format!("{}/{branch:?} refused its second phase, and nobody was asked to look", self.spec.id)
        })
    }

    /// Judges the next event.
    pub(super) fn event(&mut self, when: Chapter, event: &Event, sights: &mut Sights) -> Judged {
        let id = self.spec.id.clone();
        // What is answered too late is kept for the timeline, and moves nothing.
        let is_late = match event {
            Event::Replied { operation, .. } => *operation == Operation::Try || self.is_stopped,
            _ => false,
        };
        (self.finished.is_none() || is_late)
            .must("P8", || format!("transaction {id} goes on after its end: {event:?}"))?;
        match event {
            Event::Begun { .. } | Event::BegunWith { .. } | Event::Progressed(_) | Event::Resulted { .. } => {
                Ok(())
            }
            Event::Registered(spec) => {
                let open = self.decided.is_none() && self.spec.mode == Mode::Interactive;
                let open = open && when.at.0 < self.deadline();
                self.branches.push(BranchBook::new(spec, when.sequence));
                open.must("P14", || format!("{id} takes branch {} after its decision", spec.id))
            }
            Event::Replied { branch, operation, attempt, reply, .. } => {
                self.replied((usize::from(*branch), *operation), (*attempt, reply), (when, sights))
            }
            Event::Checked { reply, .. } => {
                self.check.heard(reply);
                self.attended(self.check, "its check-back")
            }
            Event::Signalled { branch, signal, .. } => {
                let open = self.decided.is_none() && when.at.0 < self.deadline();
                let book = self.branch_mut(*branch)?;
                let first = book.tried.replace(*signal).is_none();
                book.signalled = Some((when.sequence, *signal));
                if open && when.at.0 >= self.deadline().saturating_sub(1_000) {
                    sights.see(Sight::DeadlineLost);
                }
                (open && first).must("P14", || format!("{id} takes a signal that came too late"))
            }
            Event::Cooled { until } => {
                self.cooling = Some((when, *until));
                (when.at.0 < self.deadline()).must("P14", || format!("{id} cools off after its deadline"))?;
                self.all_tried("cools off")
            }
            Event::Decided { decision, reason } => {
                self.decides(when, (*decision, reason.as_ref().map(|reason| reason.code)), sights)
            }
            Event::Finished => {
                self.finished = Some(when);
                Ok(())
            }
            Event::Stopped { .. } => {
                sights.see(Sight::Stopped);
                (self.finished, self.is_stopped) = (Some(when), true);
                Ok(())
            }
            Event::AttentionRaised { branch, .. } => {
                sights.see(Sight::AttentionReached);
                let pace = match branch {
                    Some(branch) => &mut self.branch_mut(*branch)?.pace,
                    None => &mut self.check,
                };
                (pace.attention, pace.is_owed) = (true, false);
                Ok(())
            }
            Event::Retried => {
                sights.see(Sight::OperatorRetried);
                self.rest();
                Ok(())
            }
        }
    }

    /// Retries begin anew.
    fn rest(&mut self) {
        self.check = Pace::default();
        self.branches.iter_mut().for_each(|branch| branch.pace = Pace::default());
    }

    fn branch_mut(&mut self, index: u16) -> Result<&mut BranchBook, crate::violation::Violation> {
        let id = self.spec.id.clone();
        let unknown = || crate::violation::Violation::new("P3", format!("{id} has no branch {index}"));
        self.branches.get_mut(usize::from(index)).ok_or_else(unknown)
    }

    fn deadline(&self) -> i64 {
        self.spec.deadline_ms.map_or(i64::MAX, |ms| self.begun.at.plus_ms(ms).0)
    }

    fn replied(
        &mut self,
        (index, operation): (usize, Operation),
        (attempt, reply): (u32, &Reply),
        (when, sights): (Chapter, &mut Sights),
    ) -> Judged {
        let (id, decision) = (self.spec.id.clone(), self.decided.map(|(_, decision)| decision));
        let is_stopped = self.is_stopped;
        let branch = self.branch_mut(u16::try_from(index).unwrap_or(u16::MAX))?;
        let name = format!("{id}/{}", branch.spec.id);
        let slot = match operation {
            Operation::Try => 0,
            Operation::Confirm => 1,
            Operation::Cancel => 2,
            Operation::Check => return Ok(()),
        };
        (attempt > branch.attempts[slot])
            .must("P10", || format!("attempt {attempt} of {operation:?} of {name} is answered twice"))?;
        branch.attempts[slot] = attempt;
        let needed = match operation {
            Operation::Try | Operation::Check => None,
            Operation::Confirm => Some(Decision::Confirm),
            Operation::Cancel => Some(Decision::Cancel),
        };
        (needed.is_none() || needed == decision)
            .must("P8", || format!("{operation:?} of {name} is answered, the decision is {decision:?}"))?;
        let is_done = matches!(reply, Reply::Done { .. });
        if error_of(reply).is_some_and(|error| error.contains("breaker")) {
            sights.see(Sight::BreakerOpened);
        }
        if is_stopped {
            return Ok(());
        }
        match operation {
            Operation::Try => {
                branch.touched.get_or_insert(when);
                if decision.is_none() {
                    match reply {
                        Reply::Done { .. } => branch.tried = Some(Signal::Done),
                        Reply::Refused { .. } => branch.tried = Some(Signal::Refused),
                        Reply::InProgress | Reply::Unknown { .. } => branch.pace.heard(reply),
                    }
                }
            }
            Operation::Confirm if is_done => branch.confirmed = Some(when),
            Operation::Cancel if is_done => branch.cancelled = Some(when),
            Operation::Confirm | Operation::Cancel => {
                branch.is_turned_away = matches!(reply, Reply::Refused { .. });
                if branch.is_turned_away {
                    sights.see(Sight::RefusedConfirm);
                }
                branch.pace.heard(reply);
            }
            Operation::Check => {}
        }
        let pace = branch.pace;
        if operation == Operation::Try && self.retry_limit() > 0 {
            return Ok(()); // it gives up before anybody need look
        }
        self.attended(pace, &name)
    }

    /// Whoever fails too often is on the list of those who need attention: the next failure at the latest tells.
    fn attended(&self, pace: Pace, what: &str) -> Judged {
        let most = self.spec.retry.attention_after;
        (pace.attention || pace.failures <= most).must("P17", || {
            format!("{what} of {} failed {} times and nobody was asked to look", self.spec.id, pace.failures)
        })
    }

    fn all_tried(&self, what: &str) -> Judged {
        let waits = |branch: &&BranchBook| match self.spec.mode {
            Mode::Managed => branch.tried != Some(Signal::Done),
            Mode::Interactive => branch.spec.kind == Kind::Await && branch.tried != Some(Signal::Done),
        };
        match self.branches.iter().find(waits) {
            Some(branch) if self.spec.pattern != Pattern::Message => {
                let what = format!("{} {what} before branch {} was tried", self.spec.id, branch.spec.id);
                false.must("P8", || what)
            }
            _ => Ok(()),
        }
    }

    fn decides(
        &mut self,
        when: Chapter,
        (decision, reason): (Decision, Option<ReasonCode>),
        sights: &mut Sights,
    ) -> Judged {
        let id = self.spec.id.clone();
        let before = self.decided.replace((when, decision));
        before.is_none().must("P8", || format!("{id} was decided twice: {before:?}, then {decision:?}"))?;
        let (deadline, at) = (self.deadline(), when.at.0);
        match (decision, self.cooling) {
            (Decision::Confirm, Some((_, until))) => {
                sights.see(Sight::CoolingEnded);
                (when.at >= until).must("P14", || format!("{id} confirms before its cooling-off is over"))?;
            }
            (Decision::Confirm, None) => {
                self.all_tried("confirms")?;
                (self.spec.cooling_off_ms == 0)
                    .must("P14", || format!("{id} confirms without its cooling-off window"))?;
                (at < deadline || self.is_unasked())
                    .must("P14", || format!("{id} confirms after its deadline"))?;
                if at >= deadline {
                    sights.see(Sight::SilenceSubmitted);
                } else if deadline - at <= 1_000 {
                    sights.see(Sight::DeadlineLost);
                }
            }
            (Decision::Cancel, _) => self.cancels(reason, when, sights)?,
        }
        match (reason, decision, &self.spec.check) {
            (Some(ReasonCode::CheckRefused), ..) => sights.see(Sight::CheckAborted),
            (None, Decision::Confirm, Some(_)) if self.spec.pattern == Pattern::Message => {
                sights.see(Sight::CheckSubmitted);
            }
            _ => {}
        }
        self.rest();
        Ok(())
    }

    fn cancels(&self, reason: Option<ReasonCode>, when: Chapter, sights: &mut Sights) -> Judged {
        let id = &self.spec.id;
        match reason {
            Some(ReasonCode::DeadlinePassed) => (when.at.0 >= self.deadline() && self.cooling.is_none())
                .must("P14", || format!("{id} is cancelled for its deadline, which has not come")),
            Some(ReasonCode::BranchRefused) => {
                let refused = self.branches.iter().any(|branch| branch.tried == Some(Signal::Refused));
                refused.must("P15", || format!("{id} is cancelled for a refusal that never came"))
            }
            Some(ReasonCode::Withdrawn) => {
                match self.cooling {
                    Some((_, until)) => {
                        sights.see(Sight::WithdrawWon);
                        return (when.at < until).must("P14", || format!("{id} is withdrawn too late"));
                    }
                    None if self.spec.mode == Mode::Managed => sights.see(Sight::Withdrawn),
                    None => {}
                }
                Ok(())
            }
            Some(ReasonCode::CheckRefused) => Ok(()),
            Some(ReasonCode::RetriesExhausted) => {
                sights.see(Sight::RepeatsUsedUp);
                let limit = self.retry_limit();
                let is_over = self.branches.iter().any(|branch| branch.pace.failures > limit);
                (limit > 0 && is_over)
                    .must("P15", || format!("{id} gives up before its {limit} repeats are used up"))
            }
            Some(ReasonCode::Stopped) => {
                false.must("P8", || format!("{id} is cancelled as stopped, which is no decision"))
            }
            None => false.must("P8", || format!("{id} is cancelled for no reason")),
        }
    }

    /// It is final: every branch is settled, and nothing is held for it.
    pub(super) fn finishes(&self, ledger: &LedgerBooks, sights: &mut Sights) -> Judged {
        let id = &self.spec.id;
        let Some((_, decision)) = self.decided else {
            return false.must("P8", || format!("{id} is final without a decision"));
        };
        match (self.spec.pattern, decision) {
            (Pattern::Saga, Decision::Cancel) => sights.see(Sight::SagaCompensated),
            (Pattern::Xa, Decision::Confirm) => sights.see(Sight::XaCommitted),
            (Pattern::Xa, Decision::Cancel) => sights.see(Sight::XaRolledBack),
            (Pattern::Tcc | Pattern::Message | Pattern::Workflow, _) | (Pattern::Saga, Decision::Confirm) => {
            }
        }
        for branch in &self.branches {
            let (operation, done) = match decision {
                Decision::Confirm => (Operation::Confirm, branch.confirmed),
                Decision::Cancel => (Operation::Cancel, branch.cancelled),
            };
            let owed = match (self.spec.pattern, decision) {
                (Pattern::Saga, Decision::Confirm)
                | (Pattern::Message, Decision::Cancel)
                | (Pattern::Workflow, _) => false,
                (Pattern::Saga, Decision::Cancel) => branch.touched.is_some(),
                (Pattern::Tcc | Pattern::Xa, _) | (Pattern::Message, Decision::Confirm) => true,
            };
            (!owed || !branch.is_called(operation) || done.is_some()).must("P16", || {
                format!("{id} is final, but its branch {} never answered {operation:?}", branch.spec.id)
            })?;
            self.holds_nothing(branch, ledger)?;
        }
        Ok(())
    }

    /// It is given up, which it may be only while nothing is held for it.
    pub(super) fn stops(&self, ledger: &LedgerBooks) -> Judged {
        self.branches.iter().try_for_each(|branch| self.holds_nothing(branch, ledger))
    }

    fn holds_nothing(&self, branch: &BranchBook, ledger: &LedgerBooks) -> Judged {
        let Kind::Hold(hold) = &branch.spec.kind else { return Ok(()) };
        for leg in 0..hold.legs.len() {
            let suffix = if leg == 0 { String::new() } else { format!("/{}", leg + 1) };
            let name = format!("{}/{}{suffix}", self.spec.id, branch.spec.id);
            let open = ledger.audit.open_hold(&name);
            open.is_none().must("P16", || format!("{} is final, but hold {name} is open", self.spec.id))?;
        }
        Ok(())
    }
}

fn error_of(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Unknown { error } => Some(error),
        Reply::Done { .. } | Reply::Refused { .. } | Reply::InProgress => None,
    }
}
