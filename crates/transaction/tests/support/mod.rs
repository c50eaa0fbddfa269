//! Builds specs and drives a transaction by hand: its events are kept in a list, so that a test can fold them again.

#![allow(dead_code, unreachable_pub, clippy::needless_pass_by_value, reason = "each test file uses its part")]

use std::sync::Arc;

use transaction::{
    BranchSpec, CallSpec, CheckSpec, Command, Event, Kind, Mode, Operation, Order, Pattern, Refusal, Reply,
    Retry, Spec, Time, Trace, Transaction, Urls, begin, carry_out, follow,
};

pub const T0: Time = Time(1_000_000_000_000);

pub fn call(id: &str, after: &[&str]) -> Arc<BranchSpec> {
    let url = |operation: &str| Some(Arc::from(format!("http://127.0.0.1:1/{id}/{operation}")));
    let urls = Urls { attempt: url("try"), confirm: url("confirm"), cancel: url("cancel") };
    let spec = CallSpec { urls, body: None, headers: Vec::new(), timeout_ms: 3_000, pass_result: false };
    branch(id, after, Kind::Call(spec))
}

pub fn awaited(id: &str, after: &[&str]) -> Arc<BranchSpec> {
    branch(id, after, Kind::Await)
}

fn branch(id: &str, after: &[&str], kind: Kind) -> Arc<BranchSpec> {
    Arc::new(BranchSpec { id: Arc::from(id), after: after.iter().map(|id| Arc::from(*id)).collect(), kind })
}

pub fn spec(pattern: Pattern, mode: Mode, branches: Vec<Arc<BranchSpec>>) -> Spec {
    let is_prepared = pattern == Pattern::Message && mode == Mode::Interactive;
    Spec {
        id: Arc::from("t-1"),
        pattern,
        mode,
        order: pattern.default_order(),
        deadline_ms: (pattern != Pattern::Message).then_some(30_000),
        cooling_off_ms: 0,
        retry: Retry { initial_ms: 100, max_ms: 1_000, attention_after: 3 },
        labels: Vec::new(),
        check: is_prepared
            .then(|| CheckSpec { url: Arc::from("http://127.0.0.1:1/check"), after_ms: 10_000 }),
        branches,
        terms: None,
    }
}

pub fn with_order(mut spec: Spec, order: Order) -> Spec {
    spec.order = order;
    spec
}

pub fn done() -> Reply {
    Reply::Done { result: None }
}

pub fn refused() -> Reply {
    Reply::Refused { detail: Arc::from("out of stock") }
}

pub fn unknown() -> Reply {
    Reply::Unknown { error: Arc::from("HTTP 503") }
}

/// A transaction with the list of its kept events.
pub struct Driven {
    pub now: Transaction,
    pub kept: Vec<(u64, Time, Event)>,
    pub clock: Time,
}

impl Driven {
    pub fn begin(spec: Spec) -> Driven {
        let spec = Arc::new(spec);
        let (event, mut now) = begin(1, T0, (&spec, Trace::default()));
        let mut kept = vec![(1, T0, event)];
        while let Some(event) = follow(&now, T0) {
            let sequence = kept.len() as u64 + 1;
            now.apply(sequence, T0, &event);
            kept.push((sequence, T0, event));
        }
        Driven { now, kept, clock: T0 }
    }

    pub fn wait_ms(&mut self, ms: u64) -> &mut Driven {
        self.clock = self.clock.plus_ms(ms);
        self
    }

    pub fn ask(&mut self, command: Command) -> Result<usize, Refusal> {
        let before = self.kept.len();
        let (kept, clock) = (&mut self.kept, self.clock);
        carry_out(&mut self.now, &command, clock, &mut |event: &Event| {
            let sequence = kept.len() as u64 + 1;
            kept.push((sequence, clock, event.clone()));
            sequence
        })?;
        Ok(self.kept.len() - before)
    }

    /// The participant of `branch` answers the call that is under way.
    pub fn reply(&mut self, branch: &str, operation: Operation, reply: Reply) -> usize {
        let index = self.now.branch_index(branch).expect("a branch of the transaction");
        let attempt = self.now.branches[usize::from(index)].attempts.of(operation) + 1;
        let command = Command::Replied { branch: Some(index), operation, attempt, reply, seed: 7 };
        self.ask(command).expect("a reply is never refused")
    }

    pub fn check_reply(&mut self, reply: Reply) -> usize {
        let attempt = self.now.check.as_ref().map_or(0, |check| check.attempts) + 1;
        let command = Command::Replied { branch: None, operation: Operation::Check, attempt, reply, seed: 7 };
        self.ask(command).expect("a reply is never refused")
    }

    /// The transaction folded afresh from what was kept.
    pub fn folded(&self) -> Transaction {
        let (sequence, at, first) = &self.kept[0];
        let begun = first.begun().expect("the first event begins");
        let mut folded = Transaction::begun(*sequence, *at, begun);
        for (sequence, at, event) in &self.kept[1..] {
            folded.apply(*sequence, *at, event);
        }
        folded
    }

    pub fn state(&self) -> &'static str {
        self.now.state_name()
    }

    pub fn branch_states(&self) -> Vec<&'static str> {
        self.now.branches.iter().map(|branch| branch.state.name(self.now.spec.pattern)).collect()
    }

    /// The calls wanted now, as `branch.operation`.
    pub fn wanted(&self) -> Vec<String> {
        transaction::wanted(&self.now)
            .filter(|target| target.at <= self.clock)
            .map(|target| {
                let branch =
                    target.branch.map_or("-", |index| &*self.now.branches[usize::from(index)].spec.id);
                format!("{branch}.{}", target.operation.name(self.now.spec.pattern))
            })
            .collect()
    }
}
