//! The partition: owns all state, decides every input in order, collects what must be kept in the open batch.
//!
//! Deterministic: the same inputs at the same times make the same batches. It never waits, syncs or calls; `run.rs`
//! carries batches to the journal and tells it what became durable.
//!
//! Read `begin.rs` and `act.rs` (requests), `settle.rs` (after every change), `calls.rs` (branch calls); for the ledger
//! `change.rs` (requests), `local.rs` (branches), `ask.rs` (questions), `vault.rs` (what it rests on).

mod act;
mod ask;
mod begin;
mod calls;
mod change;
mod local;
mod memory;
mod named;
mod settle;
mod sweep;
mod topics;
mod vault;
mod waiters;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use journal::{Gauge, Space};
use transaction::{Call, Refusal, Reply, Time, Transaction};

use crate::archive::Archive;
use crate::archiver::Job;
use crate::batch::{Batch, Release};
use crate::dispatch::Dispatch;
use crate::ids::RunSet;
use crate::timers::{Due, Timers};
use crate::{
    Act, Answer, Begin, Changed, Config, Found, Heard, Meters, Network, Question, Respond, Seen, TopicAsk,
    Topics, refusal,
};
use memory::Memory;
use sweep::Sweep;
use waiters::Waiters;

pub(crate) use ask::{Errand, behind};
pub(crate) use change::Asked;
pub(crate) use named::Past;
pub(crate) use sweep::Pages;
pub(crate) use vault::{Recalled, Vault};

pub(crate) use begin::{other_content, same_content, unavailable};
pub(crate) use calls::Ticket;

/// Timers, and calls kept back, that are handled before the next input gets its turn.
const AT_ONCE: usize = 1_000;
/// Bytes of frames that may wait for the archive; beyond it new work is refused until half of it is gone.
const BACKLOG_MAX: u64 = 256 * 1024 * 1024;
/// Full windows of ids that may wait to be written.
const WINDOWS_MAX: usize = 16;

/// Everything that can happen to a partition.
pub(crate) enum Input {
    /// A caller begins a transaction.
    Begin(Box<Begin>, Respond<Answer>),
    /// A caller asks something of a transaction.
    Act(Box<Act>, Respond<Answer>),
    /// A caller changes the ledger.
    Change(Box<Asked>, Respond<Changed>),
    /// A caller asks about the ledger.
    Ask(Box<Question>, Respond<Seen<Found>>),
    /// A caller changes or reads topics.
    Topics(Box<TopicAsk>, Respond<Topics>),
    /// The readers found what was asked of the past, up to a sequence; names are missing.
    Read(Box<Past>, u64, Respond<Seen<Found>>),
    /// A request that was taken before, and comes back from the readers.
    Again(Box<Input>),
    /// The ids up to a position are in these runs.
    Ids(RunSet),
    /// A branch call was answered or given up.
    Heard(Ticket, Reply),
    /// Everything up to this sequence is durable.
    Durable(u64),
    /// Everything up to this sequence is in the archive.
    Archived(u64),
    /// Take no new work.
    Stop,
}

impl Input {
    /// A caller waits for it in the queue.
    pub(crate) fn is_request(&self) -> bool {
        matches!(
            self,
            Input::Begin(..) | Input::Act(..) | Input::Change(..) | Input::Ask(..) | Input::Topics(..)
        )
    }

    /// Refuses whoever waits for it.
    pub(crate) fn refuse(self, refusal: &Refusal) {
        match self {
            Input::Begin(_, respond) | Input::Act(_, respond) => respond(Err(refusal.clone())),
            Input::Change(_, respond) => respond(Err(refusal.clone())),
            Input::Ask(_, respond) | Input::Read(_, _, respond) => respond(Err(refusal.clone())),
            Input::Topics(_, respond) => respond(Err(refusal.clone())),
            Input::Again(input) => input.refuse(refusal),
            Input::Ids(_) | Input::Heard(..) | Input::Durable(_) | Input::Archived(_) | Input::Stop => {}
        }
    }
}

/// What a request that rests on the archive needs: it is answered there.
pub(crate) enum Lookup {
    /// A begin of an id that is in the archive: the same content is answered with it.
    Begin(Box<Begin>, u64, Respond<Answer>),
    /// A begin whose key stands for a transaction in the archive: it is the answer.
    Known(u64, Respond<Answer>),
    /// A request to a transaction that is not in memory.
    Act(Box<Act>, Respond<Answer>),
    /// A request to the ledger that needs these events of the past, up to a sequence: it comes back with them.
    Recall(Box<Asked>, Vec<u64>, u64, Respond<Changed>),
    /// A question about the past of the ledger, up to a sequence.
    Errand(Errand, u64, Respond<Seen<Found>>),
}

/// What the partition reaches the world by. All of them return at once.
pub(crate) struct Ports {
    pub network: Box<dyn Network>,
    /// Called with what came back of a branch call.
    pub heard: Arc<dyn Fn(Ticket, Reply) + Send + Sync>,
    /// Hands a request to the archive's thread.
    pub lookup: Box<dyn Fn(Lookup) + Send>,
    /// Hands work to the archive's writing thread.
    pub archivist: Box<dyn Fn(Job) + Send>,
    pub archive: Archive,
    pub space: Gauge,
    /// Bytes of durable frames that wait for the archive.
    pub waiting: Arc<AtomicU64>,
    /// Bytes of pages that wait for the archive.
    pub pages_waiting: Arc<AtomicU64>,
    /// Set once no new work is taken.
    pub stopping: Arc<AtomicBool>,
}

/// How far the archive is behind the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backlog {
    /// Near enough.
    Bounded,
    /// Further than memory should hold, until half of it is gone.
    TooLong,
}

/// A partition and its state.
pub(crate) struct Partition {
    config: Config,
    ports: Ports,
    meters: Arc<Meters>,
    memory: Memory,
    topics: topics::Known,
    timers: Timers,
    waiters: Waiters,
    dispatch: Dispatch,
    vault: Vault,
    sweep: Sweep,
    batch: Batch,
    durable: u64,
    backlog: Backlog,
    /// Transactions whose calls may start once the sequence is durable.
    released: VecDeque<(u64, u64)>,
    /// Calls that leave at the end of the turn.
    leaving: Vec<(Call, Heard)>,
    /// Calls that came to nothing without being sent: heard at the next turn.
    barred: VecDeque<(Ticket, Reply)>,
}

impl Partition {
    /// A partition with no open transaction, after the durable sequence `last`.
    pub(crate) fn after(
        (last, vault, swept): (u64, Vault, u64),
        config: Config,
        (ports, meters): (Ports, Arc<Meters>),
    ) -> Partition {
        Partition {
            sweep: Sweep::after(swept),
            vault: Vault { frame_most: config.frame_bytes.saturating_mul(3), ..vault },
            dispatch: Dispatch::new(&config, &meters),
            memory: Memory::new(&meters),
            topics: topics::Known::new(),
            waiters: Waiters::default(),
            timers: Timers::default(),
            batch: Batch::after(last),
            durable: last,
            backlog: Backlog::Bounded,
            released: VecDeque::new(),
            leaving: Vec::new(),
            barred: VecDeque::new(),
            config,
            ports,
            meters,
        }
    }

    /// Takes over an open transaction at start-up; it is driven on at the next turn.
    pub(crate) fn restore(&mut self, transaction: Transaction) {
        let number = transaction.number;
        self.memory.insert(Arc::new(transaction));
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::TimersLost) {
            return;
        }
        self.memory.set_due(number, Some(Time::START));
        self.timers.set(Time::START, Due::Transaction(number));
    }

    /// Takes one input.
    pub(crate) fn handle(&mut self, input: Input, now: Time) {
        match input {
            Input::Begin(begin, respond) => self.begin(begin, respond, now),
            Input::Act(act, respond) => self.act(act, respond, now),
            Input::Change(asked, respond) => self.change(asked, respond, now),
            Input::Ask(question, respond) => self.ask(*question, respond),
            Input::Topics(ask, respond) => self.topics(*ask, respond, now),
            Input::Read(past, sequence, respond) => self.name(*past, sequence, respond),
            Input::Again(input) => self.handle(*input, now),
            Input::Ids(runs) => self.vault.ids.installed(runs),
            Input::Heard(ticket, reply) => self.heard(&ticket, reply, now),
            Input::Durable(sequence) => self.became_durable(sequence, now),
            Input::Archived(sequence) => self.memory.forget(sequence),
            Input::Stop => self.ports.stopping.store(true, Ordering::Release),
        }
    }

    /// Does what is due at `now`: deadlines, ends of windows, repeated calls, held answers; then sends what may be sent.
    pub(crate) fn tick(&mut self, now: Time) {
        if !self.is_full() {
            self.ledger_falls_due(AT_ONCE, now);
        }
        for _ in 0..AT_ONCE {
            match (!self.is_full()).then(|| self.timers.pop(now)).flatten() {
                None => break,
                Some(Due::Transaction(number)) => self.fell_due(number, now),
                Some(Due::Waiter(id)) => self.waited_enough(id),
            }
        }
        for _ in 0..AT_ONCE {
            // A frame has a largest size: the rest waits for the next turn.
            let Some((ticket, reply)) = (!self.is_full()).then(|| self.barred.pop_front()).flatten() else {
                break;
            };
            self.reply(&ticket, reply, now);
        }
        self.send_calls(now);
    }

    /// Lets the calls go that this turn has brought.
    pub(crate) fn let_calls_go(&mut self) {
        if !self.leaving.is_empty() {
            self.ports.network.send(std::mem::take(&mut self.leaving));
        }
    }

    /// When `tick` should be called next, inputs apart.
    pub(crate) fn next_at(&self, now: Time) -> Option<Time> {
        if !self.barred.is_empty() {
            return Some(now);
        }
        // What is queued when a stop was asked for is not sent any more: waiting for it would be a loop.
        let is_stopping = self.ports.stopping.load(Ordering::Acquire);
        let dispatch = if is_stopping { None } else { self.dispatch.next_at(now) };
        [self.timers.next_at(), dispatch, self.vault.ledger.next_due()].into_iter().flatten().min()
    }

    /// Takes the open batch, to be kept; `None` when there is nothing in it.
    pub(crate) fn seal(&mut self) -> Option<Batch> {
        if self.batch.is_empty() {
            return None;
        }
        self.sweep();
        let next = Batch::after(self.batch.last);
        Some(std::mem::replace(&mut self.batch, next))
    }

    /// The open batch is as large as a frame should get.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.payload.len() >= self.config.frame_bytes
    }

    /// Calls under way.
    pub(crate) fn calls_in_flight(&self) -> usize {
        self.dispatch.in_flight()
    }

    /// Answers every held request with the transaction as it stands.
    pub(crate) fn release_waiters(&mut self) {
        while let Some(id) = self.waiters.first() {
            self.waited_enough(id);
        }
    }

    /// Why new work is refused now, if it is.
    fn refuses_new(&mut self) -> Option<Refusal> {
        let waiting = self.ports.waiting.load(Ordering::Acquire);
        self.backlog = match self.backlog {
            Backlog::Bounded if waiting > BACKLOG_MAX => Backlog::TooLong,
            Backlog::TooLong if waiting <= BACKLOG_MAX / 2 => Backlog::Bounded,
            stays => stays,
        };
        let refuse = |kind, detail| Some(self.meters.shed(kind, detail));
        if self.ports.stopping.load(Ordering::Acquire) {
            return refuse(&refusal::STOPPING, "the process is going down");
        }
        if self.ports.space.space() != Space::Ample {
            return refuse(
                &refusal::STORAGE_FULL,
                "the journal is down to its reserve, which is kept for what is open",
            );
        }
        if self.vault.ids.waiting() > WINDOWS_MAX {
            return refuse(&refusal::OVERLOADED, "the index of ids is behind the journal");
        }
        if self.backlog == Backlog::TooLong {
            return refuse(&refusal::OVERLOADED, "the archive is behind the journal");
        }
        if self.memory.open_count() >= self.config.open_max {
            return refuse(&refusal::OVERLOADED, "as many transactions are open as the configuration allows");
        }
        if self.memory.bytes() >= self.config.open_bytes {
            return refuse(
                &refusal::OVERLOADED,
                "open transactions hold as much memory as the configuration allows",
            );
        }
        None
    }

    /// Answers when everything decided so far is durable.
    fn release(&mut self, respond: Respond<Answer>, answer: Result<Answer, Refusal>) {
        self.release_any(Release::Transaction(respond, answer));
    }

    /// Lets an answer go when everything decided so far is durable.
    fn release_any(&mut self, release: Release) {
        if self.batch.is_empty() && self.batch.last == self.durable {
            release.give();
        } else {
            self.batch.answers.0.push(release);
        }
    }

    fn became_durable(&mut self, sequence: u64, now: Time) {
        self.durable = self.durable.max(sequence);
        self.sweep_durable(self.durable);
        while let Some(&(needs, number)) = self.released.front() {
            if needs > self.durable {
                break;
            }
            self.released.pop_front();
            self.start_calls(number, now);
        }
    }

    /// A seed for the jitter of one decision: the configured seed and the sequence reached.
    fn seed(&self) -> u64 {
        self.config.seed ^ self.batch.last.wrapping_mul(0xd134_2543_de82_ef95)
    }

    fn answer(&self, transaction: &Arc<Transaction>, replayed: Replayed) -> Answer {
        Answer {
            transaction: Arc::clone(transaction),
            replayed: replayed == Replayed::Yes,
            sequence: self.batch.last,
        }
    }
}

/// Was the request known already?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replayed {
    Yes,
    No,
}

#[cfg(test)]
mod tests;
