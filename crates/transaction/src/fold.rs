//! Folds events into a transaction. Cannot fail and decides nothing: what an event says has happened.
//!
//! An illegal move here would be a bug in `decide.rs` or a damaged journal that passed its checksum: it stops the process.

use std::sync::Arc;

use crate::state::{BranchMove, PhaseMove};
use crate::transaction::Pace;
use crate::turn::take_turns;
use crate::{
    Attempts, Branch, BranchSpec, BranchState, Decision, Event, Operation, Phase, Reason, ReasonCode, Reply,
    Signal, Spec, Time, Trace, Transaction, Tried,
};

impl Transaction {
    /// The transaction that [`Event::Begun`] with sequence `number` creates.
    #[must_use]
    pub fn begun(number: u64, at: Time, (spec, trace): (&Arc<Spec>, Trace)) -> Transaction {
        let check = spec
            .check
            .as_ref()
            .map(|check| Box::new(Pace { next_at: at.plus_ms(check.after_ms), ..Pace::default() }));
        let mut transaction = Transaction {
            number,
            sequence: number,
            spec: Arc::clone(spec),
            trace,
            phase: Phase::Open,
            decision: None,
            reason: None,
            created_at: at,
            cooling_until: None,
            finished_at: None,
            updated_at: at,
            not_before: Time::START,
            check,
            progress: Vec::new(),
            result: None,
            branches: Vec::with_capacity(spec.branches.len()),
        };
        for branch in &spec.branches {
            transaction.branches.push(registered(branch));
        }
        for index in 0..transaction.branches.len() {
            transaction.resolve_after(index);
        }
        take_turns(&mut transaction);
        transaction
    }

    /// Folds one event, kept under `sequence` at `at`.
    pub fn apply(&mut self, sequence: u64, at: Time, event: &Event) {
        self.sequence = sequence;
        self.updated_at = at;
        match event {
            Event::Begun { .. } | Event::BegunWith { .. } => {
                unreachable!("a begun transaction is not begun again")
            }
            Event::Registered(spec) => {
                self.branches.push(registered(spec));
                self.resolve_after(self.branches.len() - 1);
            }
            Event::Replied { branch, operation, attempt, reply, next_at } => {
                self.branches[usize::from(*branch)].replied((*operation, *attempt), reply, *next_at);
            }
            Event::Checked { attempt, reply, next_at } => {
                if let Some(check) = &mut self.check {
                    check.attempts = *attempt;
                    check.heard(reply, *next_at);
                }
            }
            Event::Signalled { branch, signal, result } => {
                self.branches[usize::from(*branch)].signalled(*signal, result.clone());
            }
            Event::Cooled { until } => {
                self.step(PhaseMove::Cool);
                self.cooling_until = Some(*until);
            }
            Event::Decided { decision, reason } => {
                self.decision = Some(*decision);
                self.reason.clone_from(reason);
                self.step(match decision {
                    Decision::Confirm => PhaseMove::DecideConfirm,
                    Decision::Cancel => PhaseMove::DecideCancel,
                });
                self.check = None;
                if let Some(terms) = self.spec.terms.as_ref().filter(|terms| terms.delay_ms > 0) {
                    self.not_before = at.plus_ms(terms.delay_ms);
                }
            }
            Event::Finished => {
                self.step(PhaseMove::Finish);
                self.finished_at = Some(at);
            }
            Event::AttentionRaised { branch, why, .. } => {
                if let Some(pace) = self.pace_mut(*branch) {
                    pace.needs_attention = true;
                    pace.last_error = Some(Arc::clone(why));
                }
            }
            Event::Progressed(progress) => self.progress.push(Arc::clone(progress)),
            Event::Resulted { result } => self.result = Some(Arc::clone(result)),
            Event::Stopped { detail } => {
                self.step(PhaseMove::Stop);
                let detail = Arc::clone(detail);
                self.reason = Some(Reason { code: ReasonCode::Stopped, branch: None, detail });
                self.finished_at = Some(at);
                self.check = None;
            }
            Event::Retried => {
                self.not_before = Time::START;
                self.branches.iter_mut().for_each(|branch| branch.pace.restart());
                if let Some(check) = &mut self.check {
                    check.restart();
                }
            }
        }
        take_turns(self);
    }

    fn step(&mut self, by: PhaseMove) {
        self.phase =
            self.phase.next(by).unwrap_or_else(|| panic!("{:?} from {:?} is undeclared", by, self.phase));
    }

    fn resolve_after(&mut self, index: usize) {
        let after = self.branches[index].spec.after.iter().filter_map(|id| self.branch_index(id)).collect();
        self.branches[index].after = after;
    }

    fn pace_mut(&mut self, branch: Option<u16>) -> Option<&mut Pace> {
        match branch {
            Some(index) => self.branches.get_mut(usize::from(index)).map(|branch| &mut branch.pace),
            None => self.check.as_deref_mut(),
        }
    }
}

fn registered(spec: &Arc<BranchSpec>) -> Branch {
    Branch {
        spec: Arc::clone(spec),
        state: BranchState::Registered,
        tried: Tried::Unknown,
        pace: Pace::default(),
        attempts: Attempts::default(),
        result: None,
        signal: None,
        after: Box::default(),
    }
}

impl Branch {
    pub(crate) fn step(&mut self, by: BranchMove) {
        self.state = self
            .state
            .next(by)
            .unwrap_or_else(|| panic!("branch {}: {by:?} from {:?} is undeclared", self.spec.id, self.state));
        match by {
            BranchMove::Try => self.tried = Tried::Done,
            BranchMove::Refuse => self.tried = Tried::Refused,
            BranchMove::StartTry
            | BranchMove::StartConfirm
            | BranchMove::Confirm
            | BranchMove::StartCancel
            | BranchMove::Cancel => {}
        }
        if matches!(by, BranchMove::StartTry | BranchMove::StartConfirm | BranchMove::StartCancel) {
            self.pace.restart();
        }
    }

    fn replied(&mut self, (operation, attempt): (Operation, u32), reply: &Reply, next_at: Option<Time>) {
        self.attempts.count(operation, attempt);
        if self.operation() != Some(operation) {
            return; // too late to matter: the branch has moved on
        }
        self.pace.heard(reply, next_at);
        match (operation, reply) {
            (Operation::Try, Reply::Done { result }) => {
                self.result.clone_from(result);
                self.step(BranchMove::Try);
            }
            (Operation::Try, Reply::Refused { .. }) => self.step(BranchMove::Refuse),
            (Operation::Confirm, Reply::Done { .. }) => self.step(BranchMove::Confirm),
            (Operation::Cancel, Reply::Done { .. }) => self.step(BranchMove::Cancel),
            (Operation::Confirm | Operation::Cancel, Reply::Refused { .. })
            | (Operation::Check, _)
            | (_, Reply::InProgress | Reply::Unknown { .. }) => {}
        }
    }

    fn signalled(&mut self, signal: Signal, result: Option<Arc<str>>) {
        self.signal = Some(signal);
        self.result = result;
        self.step(match signal {
            Signal::Done => BranchMove::Try,
            Signal::Refused => BranchMove::Refuse,
        });
    }
}

impl Pace {
    fn heard(&mut self, reply: &Reply, next_at: Option<Time>) {
        self.next_at = next_at.unwrap_or(Time::START);
        match reply {
            Reply::Done { .. } => {
                self.failures = 0;
                self.needs_attention = false;
                self.last_error = None;
            }
            Reply::Refused { detail } => {
                self.failures = self.failures.saturating_add(1);
                self.last_error = Some(Arc::clone(detail));
            }
            Reply::InProgress => {}
            Reply::Unknown { error } => {
                self.failures = self.failures.saturating_add(1);
                self.last_error = Some(Arc::clone(error));
            }
        }
    }
}
