//! Random histories that could have happened: made by the rules of `transaction` themselves, from a seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;
use transaction::{
    BranchSpec, CallSpec, CheckSpec, Command, Decision, Event, Kept, Kind, Mode, Operation, Order, Pattern,
    Phase, Progress, Protocol, Reply, Retry, Signal, Spec, Terms, Time, Trace, Transaction, Urls, carry_out,
    wanted,
};

use crate::archive::Ingest;
use crate::entry::{Entry, KeyRow, ReplyRow};

/// Labels that would be confused if keys and values ran together.
const LABELS: [(&str, &str); 6] =
    [("a", "b"), ("a", "bc"), ("ab", "c"), ("ab", ""), ("shop", "x\0y"), ("shop", "x")];

/// A world that makes entries.
pub(in crate::archive) struct World {
    rng: Rng,
    pub(in crate::archive) entries: Vec<Ingest>,
    pub(in crate::archive) transactions: BTreeMap<u64, Transaction>,
    open: Vec<u64>,
}

impl World {
    pub(in crate::archive) fn new(seed: u64) -> World {
        World {
            rng: Rng::with_seed(seed),
            entries: Vec::new(),
            transactions: BTreeMap::new(),
            open: Vec::new(),
        }
    }

    /// A world that has gone `steps` steps.
    pub(in crate::archive) fn after(seed: u64, steps: usize) -> World {
        let mut world = World::new(seed);
        (0..steps).for_each(|_| world.step());
        world
    }

    /// Time moves on with each step, by a millisecond.
    pub(in crate::archive) fn now(&self) -> Time {
        Time::START.plus_ms(self.entries.len() as u64 + 1)
    }

    fn push(&mut self, entry: Entry) -> u64 {
        let sequence = self.entries.len() as u64 + 1;
        self.entries.push(Ingest { sequence, entry });
        sequence
    }

    /// Something happens.
    pub(in crate::archive) fn step(&mut self) {
        match self.rng.u8(..) {
            0..40 => drop(self.begin()),
            40..48 => self.key(),
            _ => self.act(),
        }
    }

    /// Begins a transaction; answers its number.
    pub(in crate::archive) fn begin(&mut self) -> u64 {
        // Ids of which one is a prefix of another: 1, 11, 111, ...
        let count = self.transactions.len();
        let id = if count < 40 { "1".repeat(count + 1) } else { format!("order-{count}") };
        let spec = Arc::new(self.spec(&id));
        self.begin_as(&spec)
    }

    pub(in crate::archive) fn begin_as(&mut self, spec: &Arc<Spec>) -> u64 {
        let (number, at, trace) = (self.entries.len() as u64 + 1, self.now(), Trace([7; 16]));
        let (event, mut transaction) = transaction::begin(number, at, (spec, trace));
        self.push(Entry::event(Kept { number, at, event }));
        while let Some(event) = transaction::follow(&transaction, at) {
            self.keep(&mut transaction, at, &event);
        }
        self.settle(transaction);
        number
    }

    fn keep(&mut self, transaction: &mut Transaction, at: Time, event: &Event) {
        let sequence = self.push(Entry::event(Kept { number: transaction.number, at, event: event.clone() }));
        transaction.apply(sequence, at, event);
    }

    fn settle(&mut self, transaction: Transaction) {
        self.open.retain(|number| *number != transaction.number);
        if !transaction.phase.is_final() {
            self.open.push(transaction.number);
        }
        self.transactions.insert(transaction.number, transaction);
    }

    fn key(&mut self) {
        let row = KeyRow {
            scope: Arc::from(format!("POST {}", self.rng.u8(..30))),
            fingerprint: [self.rng.u8(..); 32],
            number: 1,
            at: self.now(),
        };
        self.push(Entry::Key(row));
    }

    /// Something happens to the ledger: an event of it, at times the results of a request.
    pub(in crate::archive) fn ledger(&mut self) {
        let (sequence, at) = (self.entries.len() as u64 + 1, self.now());
        if self.rng.u8(..) < 60 {
            let scope = Arc::from(format!("POST entries {}", self.rng.u8(..20)));
            let reply = (0..self.rng.usize(..40)).map(|_| self.rng.u8(..)).collect();
            let fingerprint = [self.rng.u8(..); 32];
            self.push(Entry::Reply(ReplyRow { scope, fingerprint, at, reply }));
            return;
        }
        let code = "E".repeat(self.rng.usize(..900));
        let event = ledger::Event::AssetDeclared { asset: self.rng.u32(..), code: &code, scale: 2 };
        let mut encoded = Vec::new();
        ledger::Kept { sequence, at, content: self.rng.u64(..), event }.encode(&mut encoded);
        self.push(Entry::Ledger(encoded));
    }

    /// As [`World::after`], with a ledger too.
    pub(in crate::archive) fn with_ledger(seed: u64, steps: usize) -> World {
        let mut world = World::new(seed);
        for _ in 0..steps {
            world.step();
            (0..world.rng.usize(..4)).for_each(|_| world.ledger());
        }
        world
    }

    fn act(&mut self) {
        // Now and then one that is final already: late replies are kept too.
        let any = if self.rng.u8(..) < 8 { self.rng.choice(self.transactions.keys()) } else { None };
        let Some(number) = any.copied().or_else(|| self.rng.choice(&self.open).copied()) else { return };
        let command = self.command(&self.transactions[&number].clone());
        self.command_to(number, &command);
    }

    /// Gives one command; a refusal changes nothing.
    pub(in crate::archive) fn command_to(&mut self, number: u64, command: &Command) {
        let (at, mut transaction) = (self.now(), self.transactions[&number].clone());
        let mut kept = Vec::new();
        let first = self.entries.len() as u64;
        let _ = carry_out(&mut transaction, command, at, &mut |event: &Event| {
            kept.push(event.clone());
            first + kept.len() as u64
        });
        for event in kept {
            self.push(Entry::event(Kept { number, at, event }));
        }
        self.settle(transaction);
    }

    fn command(&mut self, transaction: &Transaction) -> Command {
        if transaction.phase.is_final() {
            // A call that was given up long ago is answered at last.
            let (operation, attempt) = (Operation::Confirm, 1_000 + self.entries.len() as u32);
            let reply = reply(&mut self.rng);
            return Command::Replied { branch: Some(0), operation, attempt, reply, seed: 1 };
        }
        let calls: Vec<_> = wanted(transaction).collect();
        let rng = &mut self.rng;
        match (rng.u8(..), rng.choice(&calls)) {
            (0, _) => Command::Stop { detail: Arc::from("by hand") },
            (1..6, _) => Command::Cancel { detail: None },
            (6..16, _) => Command::Confirm,
            (16..26, _) => Command::Retry,
            (26..34, _) => Command::Due,
            (34..44, _) if transaction.spec.pattern == Pattern::Workflow => {
                Command::Progress(Arc::new(Progress {
                    step: Arc::from(format!("b{}", rng.u8(..9))),
                    operation: Arc::from("action"),
                    outcome: Signal::Done,
                    data: Arc::from([rng.u8(..)]),
                }))
            }
            (44..48, _) if transaction.spec.pattern == Pattern::Workflow => {
                Command::Conclude { decision: Decision::Confirm, detail: None, result: Some(Arc::from("r")) }
            }
            (34..44, _) => Command::Register(Arc::new(branch(rng, "later", transaction.spec.pattern))),
            (44..70, _) | (_, None) => Command::Signal {
                branch: Arc::from(format!("b{}", rng.u8(..3))),
                signal: if rng.u8(..) < 40 { Signal::Refused } else { Signal::Done },
                result: None,
            },
            (_, Some(call)) => Command::Replied {
                branch: call.branch,
                operation: call.operation,
                attempt: call.attempt,
                reply: reply(rng),
                seed: rng.u64(..),
            },
        }
    }

    fn spec(&mut self, id: &str) -> Spec {
        let rng = &mut self.rng;
        let pattern = *rng.choice(&Pattern::ALL).unwrap();
        let is_workflow = pattern == Pattern::Workflow;
        let mode = if is_workflow || rng.bool() { Mode::Interactive } else { Mode::Managed };
        let is_prepared = is_workflow || (pattern == Pattern::Message && mode == Mode::Interactive);
        let mut labels: Vec<_> = LABELS.iter().filter(|_| rng.bool()).collect();
        labels.dedup_by_key(|label| label.0);
        Spec {
            id: Arc::from(id),
            pattern,
            mode,
            order: if rng.bool() { Order::Parallel } else { Order::Sequential },
            deadline_ms: (pattern != Pattern::Message).then(|| rng.u64(1..400)),
            cooling_off_ms: if pattern == Pattern::Tcc && rng.bool() { rng.u64(1..50) } else { 0 },
            retry: Retry { initial_ms: 1, max_ms: 5, attention_after: rng.u32(1..4) },
            labels: labels.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect(),
            check: is_prepared.then(|| CheckSpec { url: Arc::from("http://c/check"), after_ms: 5 }),
            branches: (0..if is_workflow { 0 } else { rng.usize(1..4) })
                .map(|index| Arc::new(branch(rng, &format!("b{index}"), pattern)))
                .collect(),
            terms: (rng.u8(..) < 80).then(|| Box::new(terms(rng))),
        }
    }
}

fn terms(rng: &mut Rng) -> Terms {
    let protocol = if rng.bool() { Protocol::DtmHttp } else { Protocol::DtmGrpc };
    Terms { protocol, retry_limit: rng.u32(..2), timeout_ms: 10, ..Terms::default() }
}

fn branch(rng: &mut Rng, id: &str, pattern: Pattern) -> BranchSpec {
    let url = |name: &str| Some(Arc::from(format!("http://p/{name}")));
    let is_await = pattern != Pattern::Message && rng.u8(..) < 80;
    let call = CallSpec {
        urls: Urls { attempt: url("try"), confirm: url("confirm"), cancel: url("cancel") },
        body: Some(Arc::from("{\"n\":1}")),
        headers: Vec::new(),
        timeout_ms: 10,
        pass_result: false,
    };
    BranchSpec {
        id: Arc::from(id),
        after: Vec::new(),
        kind: if is_await { Kind::Await } else { Kind::Call(call) },
    }
}

fn reply(rng: &mut Rng) -> Reply {
    match rng.u8(..) {
        0..110 => Reply::Done { result: rng.bool().then(|| Arc::from("{}")) },
        110..140 => Reply::Refused { detail: Arc::from("no") },
        140..170 => Reply::InProgress,
        _ => Reply::Unknown { error: Arc::from("no answer") },
    }
}

/// What an archive must answer: a plain fold of the entries.
#[derive(Default)]
pub(in crate::archive) struct Model {
    pub(in crate::archive) transactions: BTreeMap<u64, Transaction>,
    pub(in crate::archive) keys: BTreeMap<Arc<str>, KeyRow>,
}

impl Model {
    pub(in crate::archive) fn of(entries: &[Ingest]) -> Model {
        let mut model = Model::default();
        entries.iter().for_each(|ingest| model.apply(ingest));
        model
    }

    fn apply(&mut self, ingest: &Ingest) {
        match &ingest.entry {
            Entry::Key(row) => drop(self.keys.insert(Arc::clone(&row.scope), row.clone())),
            Entry::Event { kept: Kept { number, at, event }, .. } if event.begun().is_some() => {
                let begun = event.begun().unwrap();
                self.transactions.insert(*number, Transaction::begun(*number, *at, begun));
            }
            Entry::Event { kept, .. } => {
                let transaction = self.transactions.get_mut(&kept.number).unwrap();
                transaction.apply(ingest.sequence, kept.at, &kept.event);
            }
            Entry::Ledger(_) | Entry::Reply(_) | Entry::Topic(_) => {}
        }
    }

    pub(in crate::archive) fn open(&self) -> Vec<Transaction> {
        self.transactions.values().filter(|one| !one.phase.is_final()).cloned().collect()
    }
}

#[test]
fn histories_reach_what_the_tests_are_about() {
    let (mut raised, mut lowered, mut late) = (0, 0, 0);
    let mut ends = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut model = Model::default();
        for ingest in &World::after(seed, 600).entries {
            let Entry::Event { kept, .. } = &ingest.entry else { continue };
            let before = model.transactions.get(&kept.number).cloned();
            model.apply(ingest);
            let after = &model.transactions[&kept.number];
            let needed = before.as_ref().is_some_and(Transaction::needs_attention);
            raised += usize::from(!needed && after.needs_attention());
            lowered += usize::from(needed && !after.needs_attention() && !after.phase.is_final());
            late += usize::from(before.is_some_and(|before| before.phase.is_final()));
        }
        ends.extend(model.transactions.values().map(|one| (one.spec.pattern.name(), one.phase)));
    }
    assert!(raised > 50 && lowered > 50 && late > 0, "{raised} {lowered} {late}");
    // Sagas and messages do not cool off; a saga's confirm and a message's abort are done at once.
    // Only TCC cools off; what is not undone by calls (a message's abort, a workflow's failure) and what ends without any
    // (a saga's confirm, a workflow's end) is done at once.
    assert_eq!(ends.len(), Pattern::ALL.len() * Phase::ALL.len() - 4 - 4, "{ends:?}");
}
