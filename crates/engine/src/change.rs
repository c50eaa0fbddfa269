//! What callers ask of the ledger through the engine, and what they get.

use std::sync::Arc;

use ledger::{AccountView, AssetView, Batch, Floor, HoldView, ItemView, MachineView, Results, Run, Standing};
use transaction::Time;

use crate::Key;

/// Change the ledger: a batch of members, decided in order, kept in one frame.
#[derive(Debug)]
pub struct Change {
    /// The members.
    pub batch: Batch,
    /// For good, or to see what would happen.
    pub run: Run,
    /// The caller's idempotency key, if given: a repeat is answered with the first results.
    pub key: Option<Key>,
}

/// What became of a [`Change`].
#[derive(Debug)]
pub struct Changed {
    /// One for each member, in order.
    pub results: Results,
    /// The ids of the members, in order, where a repeat by key was answered: the first request's ids.
    pub ids: Option<Vec<Box<str>>>,
    /// The idempotency key was known already; nothing new was kept.
    pub replayed: bool,
    /// The journal sequence that this answer reflects, durable.
    pub sequence: u64,
}

/// Something read, with the journal sequence that it reflects.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    /// What was read.
    pub value: T,
    /// The journal sequence that it reflects, durable.
    pub sequence: u64,
}

/// Which way a history is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From its beginning.
    #[default]
    OldestFirst,
    /// From now back.
    NewestFirst,
}

/// Which part of an account's history.
#[derive(Clone, Debug, Default)]
pub struct StatementQuery {
    /// The account's id.
    pub account: Arc<str>,
    /// Which way.
    pub direction: Direction,
    /// Only at or after.
    pub from: Option<Time>,
    /// Only before.
    pub until: Option<Time>,
    /// Only lines whose cause names this transaction.
    pub transaction: Option<Arc<str>>,
    /// Only lines whose cause names this operator.
    pub operator: Option<Arc<str>>,
    /// At most so many.
    pub limit: usize,
    /// Go on after a former page.
    pub cursor: Option<String>,
}

/// One page of an account's history. A page may be short (filters walk a bounded number of lines) and still have a next.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The account's asset: amounts are in its units.
    pub asset: AssetView,
    /// The lines.
    pub lines: Vec<Line>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
    /// The journal sequence that it reflects.
    pub sequence: u64,
}

/// One line of an account's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its sequence in the journal.
    pub sequence: u64,
    /// When.
    pub at: Time,
    /// Its number in the account's history, from 1.
    pub version: u64,
    /// `posted`, `held`, `captured`, `released`, `expired` (a hold), `reopened`, `lot_expired`, `changed`.
    pub event: &'static str,
    /// The id of the entry, hold or operation.
    pub id: Box<str>,
    /// The id of the capture, where one is meant.
    pub capture: Option<Box<str>>,
    /// Change of posted, in units: above zero came in.
    pub amount: i128,
    /// The other account, where there is one.
    pub other: Option<Box<str>>,
    /// Posted after it.
    pub posted: i128,
    /// Held after it.
    pub held: i128,
    /// What it gives back, as it was named.
    pub refunds: Option<Box<str>>,
    /// Of a change: floor, ceiling and standing after it.
    pub bounds: Option<AccountBounds>,
    /// Why.
    pub cause: CauseText,
}

/// What bounds an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountBounds {
    /// Its floor.
    pub floor: Floor<i128>,
    /// Its ceiling.
    pub ceiling: Option<i128>,
    /// Its standing.
    pub standing: Standing,
}

/// A cause with texts of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CauseText {
    /// The global transaction.
    pub transaction: Option<Box<str>>,
    /// Its branch.
    pub branch: Option<Box<str>>,
    /// The person.
    pub operator: Option<Box<str>>,
    /// In words.
    pub reason: Option<Box<str>>,
}

/// Which part of the history of a hold or an item, oldest first.
#[derive(Clone, Debug, Default)]
pub struct HistoryQuery {
    /// Its id.
    pub id: Arc<str>,
    /// At most so many.
    pub limit: usize,
    /// Go on after a former page.
    pub cursor: Option<String>,
}

/// One page of the history of a hold or an item, oldest first.
#[derive(Clone, Debug)]
pub struct History {
    /// The steps.
    pub steps: Vec<Step>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
    /// The journal sequence that it reflects.
    pub sequence: u64,
}

/// One step in the history of a hold or an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its sequence in the journal.
    pub sequence: u64,
    /// When.
    pub at: Time,
    /// Of a hold: `held`, `captured`, `released`, `expired`, `reopened`; of an item: `created`, `moved`, `expired`.
    pub event: &'static str,
    /// The id of the operation, where it has one.
    pub operation: Option<Box<str>>,
    /// Of an item: the move's name.
    pub by: Option<Box<str>>,
    /// Of an item: the states before and after.
    pub states: Option<(Option<Box<str>>, Box<str>)>,
    /// Of a hold: units of this step, and its asset.
    pub amount: Option<(i128, AssetView)>,
    /// On whose behalf, or whose it is.
    pub owner: Option<Box<str>>,
    /// Why.
    pub cause: CauseText,
}

/// An account as it stood at a time.
#[derive(Clone, Debug)]
pub struct AccountThen {
    /// As it stands now.
    pub now: AccountView,
    /// The balances as they stood: posted, held, version.
    pub then: Balances,
}

/// The balances of an account at some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// What had come in less what had gone out.
    pub posted: i128,
    /// The sum of the holds that were open.
    pub held: i128,
    /// How many events it had seen.
    pub version: u64,
}

/// A question about live state (the past of holds and items included).
#[derive(Clone, Debug)]
pub enum Question {
    /// An account, or as it stood at a time.
    Account(Arc<str>, Option<Time>),
    /// The accounts whose ids begin so, in the order of opening: prefix, after which id, how many.
    Accounts(Arc<str>, Arc<str>, usize),
    /// A hold, open or closed.
    Hold(Arc<str>),
    /// An item, final ones too.
    Item(Arc<str>),
    /// A machine: its newest version, or this one.
    Machine(Arc<str>, Option<u32>),
    /// All assets.
    Assets,
    /// An account's history.
    Statement(StatementQuery),
    /// A hold's history.
    HoldHistory(HistoryQuery),
    /// An item's history.
    ItemHistory(HistoryQuery),
}

/// The answer to a [`Question`], of its kind.
#[derive(Clone, Debug)]
pub enum Found {
    /// To [`Question::Account`] without a time.
    Account(Box<AccountView>),
    /// To [`Question::Account`] with a time.
    Then(Box<AccountThen>),
    /// To [`Question::Accounts`]; and the id after which to go on.
    Accounts((Vec<AccountView>, Option<Box<str>>)),
    /// To [`Question::Hold`].
    Hold(Box<HoldView>),
    /// To [`Question::Item`].
    Item(Box<ItemView>),
    /// To [`Question::Machine`].
    Machine(MachineView),
    /// To [`Question::Assets`].
    Assets(Vec<AssetView>),
    /// To [`Question::Statement`].
    Statement(Box<Statement>),
    /// To [`Question::HoldHistory`] and [`Question::ItemHistory`].
    History(Box<History>),
}
