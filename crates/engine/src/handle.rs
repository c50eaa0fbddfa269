//! The handle by which callers reach a running engine: cheap to clone, never blocks, refuses at once what is too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use journal::{Gauge, Space};
use transaction::Refusal;

use crate::mailbox::Mailbox;
use crate::partition::{Asked, Input};
use crate::reader::Queries;
use crate::{
    Act, Answer, Begin, Change, Changed, Filter, Found, Meters, Page, Question, Respond, Seen, Timeline,
    TimelineQuery, TopicAsk, Topics, refusal,
};

/// Members of ledger requests that may wait for their answers: some 150 bytes each.
const MEMBERS_MAX: usize = 256 * 1024;

/// Whether the engine can take work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// The disk is full: only what is open goes on.
    StorageFull,
    /// It is going down, or is down.
    Stopping,
}

/// A running engine's handle.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inputs: Arc<Mailbox>,
    pub(crate) queries: Queries,
    pub(crate) queued: Arc<AtomicUsize>,
    pub(crate) queue_max: usize,
    /// Members of ledger requests that are not answered yet.
    pub(crate) members: Arc<AtomicUsize>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) space: Gauge,
    pub(crate) meters: Arc<Meters>,
}

impl Engine {
    /// Begins a transaction, or answers the known one of the same id and content (`replayed`).
    /// Refuses as `overloaded`, `storage_full`, `stopping`, `idempotency_mismatch`.
    pub fn begin(&self, begin: Begin, respond: Respond<Answer>) {
        self.submit(respond, |respond| Input::Begin(Box::new(begin), respond));
    }

    /// Asks something of a transaction, or reads it. Refuses as `transaction_unknown` and as [`transaction::decide`] does.
    pub fn act(&self, act: Act, respond: Respond<Answer>) {
        self.submit(respond, |respond| Input::Act(Box::new(act), respond));
    }

    /// Lists transactions, newest first.
    pub fn list(&self, filter: Filter, respond: Respond<Page>) {
        self.queries.list(filter, respond);
    }

    /// Tells a transaction's history, oldest first.
    pub fn timeline(&self, query: TimelineQuery, respond: Respond<Timeline>) {
        self.queries.timeline(query, respond);
    }

    /// Changes the ledger. Refuses as [`Engine::begin`] does; what becomes of each member is in its results.
    pub fn change(&self, change: Change, respond: Respond<Changed>) {
        let members = change.batch.len().max(1);
        if self.members.fetch_add(members, Ordering::AcqRel) > MEMBERS_MAX {
            self.members.fetch_sub(members, Ordering::AcqRel);
            respond(Err(self
                .meters
                .shed(&refusal::OVERLOADED, "too many members of batches wait for the partition")));
            return;
        }
        let waiting = Arc::clone(&self.members);
        let counted: Respond<Changed> = Box::new(move |answer| {
            waiting.fetch_sub(members, Ordering::AcqRel);
            respond(answer);
        });
        let asked = Box::new(Asked { change, recalled: None });
        self.submit(counted, |respond| Input::Change(asked, respond));
    }

    /// Asks about the ledger; the answer is of the question's kind. Refuses what is unknown with the ledger's own codes.
    pub fn ask(&self, question: Question, respond: Respond<Seen<Found>>) {
        self.submit(respond, |respond| Input::Ask(Box::new(question), respond));
    }

    /// Changes or reads topics. Refuses as [`Engine::begin`] does, and as [`transaction::Topic::changed`].
    pub fn topics(&self, ask: TopicAsk, respond: Respond<Topics>) {
        self.submit(respond, |respond| Input::Topics(Box::new(ask), respond));
    }

    /// Whether it can take work now.
    #[must_use]
    pub fn health(&self) -> Health {
        let space = self.space.space();
        self.meters.show_space(space);
        match (self.stopping.load(Ordering::Acquire), space) {
            (true, _) => Health::Stopping,
            (false, Space::Ample) => Health::Ready,
            (false, Space::Reserve | Space::Full) => Health::StorageFull,
        }
    }

    /// What it measures.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    fn submit<T>(&self, respond: Respond<T>, input: impl FnOnce(Respond<T>) -> Input) {
        if let Some(refusal) = self.refuses() {
            respond(Err(refusal));
            return;
        }
        if self.queued.fetch_add(1, Ordering::AcqRel) >= self.queue_max {
            self.queued.fetch_sub(1, Ordering::AcqRel);
            respond(Err(self.meters.shed(&refusal::OVERLOADED, "the partition's queue is full")));
            return;
        }
        if let Err(input) = self.inputs.push(input(respond)) {
            input.refuse(&refusal::STOPPING.because("the engine has stopped"));
        }
    }

    fn refuses(&self) -> Option<Refusal> {
        let is_stopping = self.stopping.load(Ordering::Acquire);
        is_stopping.then(|| refusal::STOPPING.because("the process is going down"))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("health", &self.health()).finish_non_exhaustive()
    }
}
