//! What callers ask the engine and what they get: the only shapes that cross this room's door.

use std::sync::Arc;

use transaction::{
    Command, Pattern, Phase, Refusal, Spec, Time, TimelineEntry, Topic, TopicChange, Trace, Transaction,
};

/// Called exactly once with the answer; for a change only after its frame is durable. Runs on an engine thread: must not block.
pub type Respond<T> = Box<dyn FnOnce(Result<T, Refusal>) + Send>;

/// What a held answer waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// The transaction is final.
    #[default]
    Final,
    /// It is final, or nothing goes on for now: everything wanted waits for a time to come.
    AtRest,
}

/// Ask something of the topics.
#[derive(Clone, Debug)]
pub enum TopicAsk {
    /// Change the topic of this name.
    Change(Arc<str>, TopicChange),
    /// Read the topic of this name.
    Read(Arc<str>),
    /// Read topics in the order of their names, after this one, at most so many.
    List(Option<Arc<str>>, usize),
}

/// The topics that an answer tells of: the one after its change, the one read, or a page.
pub type Topics = Vec<Arc<Topic>>;

/// Begin a transaction.
#[derive(Clone, Debug)]
pub struct Begin {
    /// What is asked, already [`transaction::validate`]d.
    pub spec: Arc<Spec>,
    /// The trace id of the caller, or a fresh one.
    pub trace: Trace,
    /// The caller's idempotency key, if given.
    pub key: Option<Key>,
    /// Hold the answer, at most so long, in milliseconds.
    pub wait_ms: u64,
    /// What the held answer waits for.
    pub until: Until,
}

/// Ask something of a transaction that exists.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its id.
    pub id: Arc<str>,
    /// What is asked; `None` only reads it.
    pub command: Option<Command>,
    /// The caller's idempotency key, if given.
    pub key: Option<Key>,
    /// Hold the answer, at most so long, in milliseconds.
    pub wait_ms: u64,
    /// What the held answer waits for.
    pub until: Until,
}

/// An `Idempotency-Key` with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Operation and key: the scope in which it is unique.
    pub scope: Arc<str>,
    /// Digest of method, path and body: the content it stands for.
    pub fingerprint: [u8; 32],
}

/// A transaction as it stands, with what the answer rests on.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// The request was known already; nothing new was kept.
    pub replayed: bool,
    /// The journal sequence that this answer reflects, durable.
    pub sequence: u64,
}

/// Which transactions to list; every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this state, by its wire name.
    pub state: Option<String>,
    /// Only this pattern.
    pub pattern: Option<Pattern>,
    /// Only these phases of these patterns; empty: any.
    pub any_of: Vec<(Pattern, Phase)>,
    /// Only those that need attention, or only those that do not.
    pub needs_attention: Option<bool>,
    /// Only those with all these labels.
    pub labels: Vec<(String, String)>,
    /// Only those begun at or after.
    pub created_after: Option<Time>,
    /// Only those begun before.
    pub created_before: Option<Time>,
    /// At most so many.
    pub limit: usize,
    /// Go on after a former page.
    pub cursor: Option<String>,
}

/// One page of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page {
    /// The transactions.
    pub items: Vec<Arc<Transaction>>,
    /// Where to go on; `None` at the end. A page may be short and still have one.
    pub next: Option<String>,
    /// The journal sequence that it reflects.
    pub sequence: u64,
}

/// Which part of which timeline.
#[derive(Clone, Debug)]
pub struct TimelineQuery {
    /// The transaction's id.
    pub id: Arc<str>,
    /// At most so many entries.
    pub limit: usize,
    /// Go on after a former page.
    pub cursor: Option<String>,
}

/// One page of a timeline, oldest first.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The entries.
    pub items: Vec<TimelineEntry>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
    /// The journal sequence that it reflects.
    pub sequence: u64,
}
