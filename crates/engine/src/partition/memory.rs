//! What a partition holds in memory: open transactions, those not yet in the archive, and recent idempotency keys.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use transaction::{CallTarget, Header, Kind, Operation, Pattern, Phase, Time, Transaction};

use crate::Meters;
use crate::archive::Used;
use crate::meters::StateLabels;

/// A transaction in memory with what is under way for it.
pub(crate) struct Slot {
    pub transaction: Arc<Transaction>,
    /// Calls queued or under way, by branch and operation.
    pub in_flight: Vec<(Option<u16>, Operation)>,
    /// Calls that found no room, with the time at which they are offered again.
    pub put_off: Vec<(CallTarget, Time)>,
    /// Its timer, if one is set.
    pub due: Option<Time>,
    /// Bytes it holds, as last counted.
    pub bytes: usize,
    /// Held answers, by id.
    pub waiters: Vec<u64>,
}

/// The transactions and keys of a partition.
pub(crate) struct Memory {
    slots: HashMap<u64, Slot, BuildHasherDefault<NumberHasher>>,
    numbers: HashMap<Arc<str>, u64>,
    keys: HashMap<Arc<str>, Used>,
    /// Final transactions and keys that wait for the archive, by the sequence it must reach.
    leaving: VecDeque<(u64, Leaving)>,
    open: BTreeSet<(Time, u64)>,
    bytes: usize,
    meters: StateMeters,
}

enum Leaving {
    Transaction(u64),
    Key(Arc<str>),
}

impl Memory {
    pub(crate) fn new(meters: &Arc<Meters>) -> Memory {
        Memory {
            slots: HashMap::default(),
            numbers: HashMap::new(),
            keys: HashMap::new(),
            leaving: VecDeque::new(),
            open: BTreeSet::new(),
            bytes: 0,
            meters: StateMeters::new(meters),
        }
    }

    pub(crate) fn insert(&mut self, transaction: Arc<Transaction>) {
        let number = transaction.number;
        self.numbers.insert(Arc::clone(&transaction.spec.id), number);
        self.open.insert((transaction.created_at, number));
        self.meters.entered(&transaction);
        self.meters.oldest(self.open.first());
        let bytes = held_bytes(&transaction);
        self.bytes += bytes;
        self.meters.bytes(self.bytes);
        let slot = Slot {
            transaction,
            in_flight: Vec::new(),
            put_off: Vec::new(),
            due: None,
            bytes,
            waiters: Vec::new(),
        };
        self.slots.insert(number, slot);
    }

    /// The number of the transaction in memory with this id.
    pub(crate) fn number_of(&self, id: &str) -> Option<u64> {
        self.numbers.get(id).copied()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Slot> {
        self.slots.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Slot> {
        self.slots.get_mut(&number)
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Bytes that transactions in memory hold.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn key(&self, scope: &str) -> Option<&Used> {
        self.keys.get(scope)
    }

    /// Remembers a key until the archive has reached `sequence`.
    pub(crate) fn insert_key(&mut self, sequence: u64, used: Used) {
        let scope = match &used {
            Used::Key(row) => Arc::clone(&row.scope),
            Used::Reply(row) => Arc::clone(&row.scope),
        };
        self.leaving.push_back((sequence, Leaving::Key(Arc::clone(&scope))));
        self.keys.insert(scope, used);
    }

    /// Books a change of state; a final transaction leaves when the archive has it.
    pub(crate) fn changed(&mut self, before: &Shown, number: u64) {
        let Some(slot) = self.slots.get_mut(&number) else { return };
        let bytes = held_bytes(&slot.transaction);
        self.bytes = self.bytes - slot.bytes + bytes;
        slot.bytes = bytes;
        self.meters.bytes(self.bytes);
        let transaction = &slot.transaction;
        self.meters.changed(before, transaction);
        if transaction.phase.is_final() && !before.phase.is_final() {
            self.open.remove(&(transaction.created_at, number));
            self.meters.oldest(self.open.first());
            self.leaving.push_back((transaction.sequence, Leaving::Transaction(number)));
        }
    }

    /// Forgets what is final and in the archive, which has reached `sequence`.
    pub(crate) fn forget(&mut self, sequence: u64) {
        for _ in 0..self.leaving.len() {
            if self.leaving.front().is_none_or(|(needs, _)| *needs > sequence) {
                return;
            }
            match self.leaving.pop_front() {
                // A call is still out: its answer belongs into the timeline.
                Some((_, Leaving::Transaction(number))) if self.is_called(number) => {
                    self.leaving.push_back((sequence, Leaving::Transaction(number)));
                }
                Some((_, Leaving::Transaction(number))) => {
                    if let Some(slot) = self.slots.remove(&number) {
                        self.bytes -= slot.bytes;
                        self.numbers.remove(&slot.transaction.spec.id);
                    }
                }
                Some((_, Leaving::Key(scope))) => {
                    self.keys.remove(&scope);
                }
                None => return,
            }
        }
    }

    fn is_called(&self, number: u64) -> bool {
        self.slots.get(&number).is_some_and(|slot| !slot.in_flight.is_empty())
    }

    pub(crate) fn set_due(&mut self, number: u64, due: Option<Time>) {
        if let Some(slot) = self.slots.get_mut(&number) {
            slot.due = due;
        }
    }
}

impl Slot {
    pub(crate) fn is_in_flight(&self, target: &CallTarget) -> bool {
        self.in_flight.contains(&(target.branch, target.operation))
    }

    /// When the call may be offered.
    pub(crate) fn ready_at(&self, target: &CallTarget) -> Time {
        let put_off = self.put_off.iter().find(|(call, _)| call == target);
        put_off.map_or(target.at, |(_, until)| target.at.max(*until))
    }

    /// The call found no room: not before `until`.
    pub(crate) fn put_off(&mut self, target: CallTarget, until: Time) {
        self.put_off.retain(|(call, _)| (call.branch, call.operation) != (target.branch, target.operation));
        self.put_off.push((target, until));
    }
}

/// What a transaction takes in memory, roughly: its texts and its fixed parts.
fn held_bytes(transaction: &Transaction) -> usize {
    let branches = transaction.branches.iter().map(|branch| {
        let texts = [&branch.result, &branch.pace.last_error];
        let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        let asked = match &branch.spec.kind {
            Kind::Await | Kind::Hold(_) | Kind::Item(_) => 256,
            Kind::Call(call) => {
                header_bytes(&call.headers) + call.body.as_ref().map_or(0, |body| body.len()) + 256
            }
            Kind::Raw(raw) => raw.body.len() + 256,
        };
        BRANCH_BYTES + texts + asked
    });
    let progress = transaction.progress.iter().map(|step| step.data.len() + BRANCH_BYTES);
    let terms = transaction.spec.terms.as_ref().map_or(0, |terms| {
        let texts = [&terms.note, &terms.options].into_iter().flatten().map(|text| text.len()).sum::<usize>();
        let body = terms.resume.as_ref().map_or(0, |resume| resume.body.len());
        256 + texts + body + header_bytes(&terms.headers)
    });
    TRANSACTION_BYTES + terms + branches.chain(progress).sum::<usize>()
}

fn header_bytes(headers: &[Header]) -> usize {
    headers.iter().map(|header| header.name.len() + header.value.len() + 32).sum()
}

/// The fixed part of a transaction and of a branch, with the indexes that lead to it.
const TRANSACTION_BYTES: usize = 768;
const BRANCH_BYTES: usize = 384;

/// What the meters show of a transaction.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pattern: Pattern,
    pub phase: Phase,
    pub needs_attention: bool,
}

impl Shown {
    pub(crate) fn of(transaction: &Transaction) -> Shown {
        Shown {
            pattern: transaction.spec.pattern,
            phase: transaction.phase,
            needs_attention: transaction.needs_attention(),
        }
    }
}

/// Gauges looked up once, by pattern and phase.
struct StateMeters {
    open: Vec<Gauge>,
    finished: Vec<Counter>,
    attention: Gauge,
    oldest: Gauge,
    bytes: Gauge,
}

impl StateMeters {
    fn new(meters: &Meters) -> StateMeters {
        let mut open = Vec::new();
        let mut finished = Vec::new();
        for pattern in Pattern::ALL {
            for phase in Phase::ALL {
                let labels = StateLabels { pattern: pattern.name(), state: phase.name(pattern) };
                let is_seen = phase != Phase::Cooling || pattern == Pattern::Tcc;
                if !is_seen {
                    open.push(Gauge::default());
                    finished.push(Counter::default());
                } else if phase.is_final() {
                    open.push(Gauge::default());
                    finished.push(meters.finished.get_or_create(&labels).clone());
                } else {
                    open.push(meters.open.get_or_create(&labels).clone());
                    finished.push(Counter::default());
                }
            }
        }
        StateMeters {
            open,
            finished,
            attention: meters.attention.clone(),
            oldest: meters.oldest.clone(),
            bytes: meters.open_bytes.clone(),
        }
    }

    fn slot(pattern: Pattern, phase: Phase) -> usize {
        pattern as usize * Phase::ALL.len() + phase as usize
    }

    fn entered(&self, transaction: &Transaction) {
        self.open[Self::slot(transaction.spec.pattern, transaction.phase)].inc();
        if transaction.needs_attention() {
            self.attention.inc();
        }
    }

    fn changed(&self, before: &Shown, transaction: &Transaction) {
        let after = Shown::of(transaction);
        if before.phase != after.phase {
            self.open[Self::slot(before.pattern, before.phase)].dec();
            let slot = Self::slot(after.pattern, after.phase);
            self.open[slot].inc();
            if after.phase.is_final() {
                self.finished[slot].inc();
            }
        }
        match (before.needs_attention, after.needs_attention) {
            (false, true) => self.attention.inc(),
            (true, false) => self.attention.dec(),
            (true, true) | (false, false) => 0,
        };
    }

    fn bytes(&self, bytes: usize) {
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    fn oldest(&self, first: Option<&(Time, u64)>) {
        self.oldest.set(first.map_or(0, |(created_at, _)| created_at.0 / 1_000_000));
    }
}

/// Spreads transaction numbers, which are ours and never hostile (Knuth's multiplicative hash).
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}
