//! The narrow port to the outbox's rows: written in the business change's local transaction, taken and marked by relays
//! in short ones of their own.
//!
//! `due_at` is when a row may be taken, and nothing else decides it: taking a row moves it to the end of the lease, a
//! failure to the end of the pause. So a lease that ran out needs nobody to notice. All times are the database's clock.

use std::future::Future;

use super::Message;

/// Answer of a query.
type Asked<T> = Result<T, sqlx::Error>;

/// A row as a relay takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its place in the order.
    pub id: i64,
    /// The message's id.
    pub message_id: String,
    /// The ordering key.
    pub key: Option<String>,
    /// URL or topic.
    pub destination: String,
    /// JSON.
    pub payload: Vec<u8>,
    /// A JSON object of texts.
    pub headers: String,
    /// Failed attempts before.
    pub attempts: u32,
    /// Whether it may be taken now.
    pub is_due: bool,
}

/// The first waiting row of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The key.
    pub key: String,
    /// The row.
    pub id: i64,
    /// Whether it may be taken now: due, and (see [`OnDead`]) not behind a dead letter.
    pub is_free: bool,
}

/// What a dead letter means for the messages behind it that have the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDead {
    /// They wait until somebody replays or drops it: order is kept.
    #[default]
    Block,
    /// They go on without it.
    Skip,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be sent.
    Waiting,
    /// Accepted by whom it was sent to.
    Sent,
    /// It waits for a person.
    Dead,
    /// A person decided that it is not to be sent.
    Dropped,
}

/// What becomes of a taken row that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `Waiting` or `Dead`.
    pub state: State,
    /// What is added to its attempts.
    pub attempts: u32,
    /// Why; the last one stays.
    pub error: Option<String>,
    /// When it may be taken again.
    pub wait_ms: i64,
}

/// What a person does with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It waits again, with no attempts counted.
    Replay,
    /// It is never sent.
    Drop,
}

/// Everything about a message that the row knows. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The row.
    pub id: i64,
    /// The message's id.
    pub message_id: String,
    /// The ordering key.
    pub key: Option<String>,
    /// URL or topic.
    pub destination: String,
    /// Where it stands.
    pub state: State,
    /// Attempts so far.
    pub attempts: u32,
    /// What the last failure, or the last person, said.
    pub last_error: Option<String>,
    /// Which relay holds it.
    pub lease_by: Option<String>,
    /// When it was enqueued.
    pub created_ms: i64,
    /// When it may be taken; the end of the lease of who holds it.
    pub due_ms: i64,
    /// When it was sent or dropped.
    pub settled_ms: Option<i64>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Rows to be sent.
    pub waiting: u64,
    /// How long the oldest of them has waited, in milliseconds.
    pub oldest_ms: u64,
    /// Dead letters.
    pub dead: u64,
}

/// The rows. Each method is a statement, or a few, of the caller's local transaction.
pub trait Queue: Send {
    /// Writes the row unless its message id is taken. `false`: it is, and nothing was written.
    fn enqueue(&mut self, message: &Message) -> impl Future<Output = Asked<bool>> + Send;

    /// The message of that id, as it was committed last.
    fn find(&mut self, message_id: &str) -> impl Future<Output = Asked<Option<Message>>> + Send;

    /// Locks and reads up to `limit` due rows without a key, but none that others have locked.
    fn free(&mut self, limit: u32) -> impl Future<Output = Asked<Vec<Letter>>> + Send;

    /// The first waiting rows of the next `limit` keys behind `after`, in the order of the keys.
    fn heads(
        &mut self,
        after: &str,
        limit: u32,
        on_dead: OnDead,
    ) -> impl Future<Output = Asked<Vec<Head>>> + Send;

    /// Locks those of the rows that are still due, but none that others have locked; answers which.
    fn lock(&mut self, ids: &[i64]) -> impl Future<Output = Asked<Vec<i64>>> + Send;

    /// Up to `limit` waiting rows of each key, in order.
    fn runs(&mut self, keys: &[String], limit: u32) -> impl Future<Output = Asked<Vec<Letter>>> + Send;

    /// Leases locked rows to a relay for so long.
    fn lease(&mut self, ids: &[i64], by: &str, ms: i64) -> impl Future<Output = Asked<()>> + Send;

    /// They were accepted, whoever holds them by now.
    fn sent(&mut self, ids: &[i64]) -> impl Future<Output = Asked<()>> + Send;

    /// Gives rows back that this relay still holds, unsent.
    fn release(&mut self, ids: &[i64], by: &str) -> impl Future<Output = Asked<()>> + Send;

    /// Notes what became of a row that this relay still holds.
    fn change(&mut self, id: i64, by: &str, change: &Change) -> impl Future<Output = Asked<()>> + Send;

    /// Dead letters behind that row, oldest first.
    fn dead(&mut self, after: i64, limit: u32) -> impl Future<Output = Asked<Vec<Trail>>> + Send;

    /// Does to a dead letter what a person decided, and notes that. `false`: it is none.
    fn settle(
        &mut self,
        message_id: &str,
        verb: Verb,
        note: &str,
    ) -> impl Future<Output = Asked<bool>> + Send;

    /// What is known about a message.
    fn trail(&mut self, message_id: &str) -> impl Future<Output = Asked<Option<Trail>>> + Send;

    /// How much there is.
    fn backlog(&mut self) -> impl Future<Output = Asked<Backlog>> + Send;

    /// Removes up to `limit` rows that were settled longer than that ago; answers how many.
    fn purge(&mut self, older_than_ms: i64, limit: u32) -> impl Future<Output = Asked<u64>> + Send;
}

impl State {
    const ALL: [State; 4] = [State::Waiting, State::Sent, State::Dead, State::Dropped];

    /// As it is written in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Sent => "sent",
            State::Dead => "dead",
            State::Dropped => "dropped",
        }
    }

    /// Read back; what nobody writes waits for a person.
    #[must_use]
    pub fn read(name: &str) -> State {
        State::ALL.into_iter().find(|state| state.name() == name).unwrap_or(State::Dead)
    }
}
