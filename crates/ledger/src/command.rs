//! What can be asked of the ledger: the members of a batch.
//!
//! Generic over the text `S`: callers and the deciding code see `&str`, a [`crate::Batch`] keeps spans of one arena.
//! Ids are 1 to 128 characters of `A–Z a–z 0–9 . _ : / -`; times are journal time.

use transaction::Time;

use crate::{Amount, Machine};

/// One member of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<S> {
    /// Declares an asset.
    Asset(Asset<S>),
    /// Opens an account.
    Open(Open<S>),
    /// Changes an account's floor, ceiling or standing.
    Adjust(Adjust<S>),
    /// Posts an entry.
    Entry(Entry<S>),
    /// Holds value.
    Hold(Hold<S>),
    /// Captures a hold, wholly or in part.
    Capture(Capture<S>),
    /// Releases what is left of a hold.
    Release(Release<S>),
    /// Reopens an expired hold; funds are checked again.
    Reopen(Reopen<S>),
    /// Declares a machine, or a new version of it.
    Declare(Declare<S>),
    /// Creates an item.
    Create(Create<S>),
    /// Moves an item.
    Move(Move<S>),
}

/// An asset: a currency, points, a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset<S> {
    /// Its code, an id.
    pub code: S,
    /// Digits behind the point, 0 to 18.
    pub scale: u8,
}

/// The least that may be available in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor<A> {
    /// Nothing: issuers, merchants, sinks.
    None,
    /// Available may not fall below it; `zero` on the wire is 0, an overdraft is negative.
    At(A),
}

/// Whether an account takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It does.
    Active,
    /// No new entries or holds; open holds may still be captured and released.
    Frozen,
    /// As frozen, and empty: closing is refused while anything is posted, held or incoming. Can be reopened.
    Closed,
}

/// Opens an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<S> {
    /// Its id.
    pub id: S,
    /// The code of its asset.
    pub asset: S,
    /// Its floor.
    pub floor: Floor<Amount<S>>,
    /// The most that may be posted and incoming.
    pub ceiling: Option<Amount<S>>,
    /// `Some(sink)`: the account keeps lots; what expires is posted to the account `sink`.
    pub lots: Option<S>,
    /// With the next.
    pub linked: Linked,
    /// Why.
    pub cause: Cause<S>,
}

/// Changes an account; what is `None` stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjust<S> {
    /// The id of this operation.
    pub id: S,
    /// The account.
    pub account: S,
    /// Its new floor.
    pub floor: Option<Floor<Amount<S>>>,
    /// Its new ceiling; `Some(None)` removes it.
    pub ceiling: Option<Option<Amount<S>>>,
    /// Its new standing.
    pub standing: Option<Standing>,
    /// Why.
    pub cause: Cause<S>,
}

/// How much of the amount is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Take {
    /// All of it, or refused.
    Exactly,
    /// As much as is available, zero included; the outcome says how much.
    UpTo,
}

/// When something expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// Never.
    Never,
    /// So many milliseconds after it is decided.
    In(u64),
    /// Then.
    At(Time),
}

/// Does a member succeed or fail together with the next one?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linked {
    /// By itself.
    No,
    /// With the next member of the batch; chains may be of any length and mix kinds.
    ToNext,
}

/// Posts an entry: `from` is debited, `to` credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<S> {
    /// Its id.
    pub id: S,
    /// Debited.
    pub from: S,
    /// Credited.
    pub to: S,
    /// How much.
    pub amount: Amount<S>,
    /// All of it, or what is there.
    pub take: Take,
    /// When the credited lot expires; only for accounts with lots.
    pub expiry: Expiry,
    /// The id of the entry, or capture, that this one gives back (in whole or part): its accounts the other way round.
    pub refunds: Option<S>,
    /// With the next.
    pub linked: Linked,
    /// Why.
    pub cause: Cause<S>,
}

/// Holds value of `from` for `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold<S> {
    /// Its id; `transaction/branch` when it belongs to a branch.
    pub id: S,
    /// Where the value is held.
    pub from: S,
    /// Where a capture posts it.
    pub to: S,
    /// How much.
    pub amount: Amount<S>,
    /// All of it, or what is there.
    pub take: Take,
    /// When it releases itself.
    pub expiry: Expiry,
    /// With the next.
    pub linked: Linked,
    /// Who asks: a caller, or a branch, which alone may capture and release it then.
    pub origin: Origin,
    /// Why.
    pub cause: Cause<S>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A caller.
    Direct,
    /// A branch of a global transaction.
    Branch,
}

/// Captures a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture<S> {
    /// The id of this capture, unique for the hold.
    pub id: S,
    /// The hold.
    pub hold: S,
    /// How much; `None`: all that is left.
    pub amount: Option<Amount<S>>,
    /// With the next.
    pub linked: Linked,
    /// Who asks.
    pub origin: Origin,
    /// Why.
    pub cause: Cause<S>,
}

/// Releases what is left of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release<S> {
    /// The hold.
    pub hold: S,
    /// With the next.
    pub linked: Linked,
    /// Who asks.
    pub origin: Origin,
    /// Why.
    pub cause: Cause<S>,
}

/// Reopens a hold that expired: holds again what had not been captured, if it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reopen<S> {
    /// The id of this operation, unique for the hold.
    pub id: S,
    /// The hold.
    pub hold: S,
    /// When it expires now.
    pub expiry: Expiry,
    /// Why.
    pub cause: Cause<S>,
}

/// Declares a machine. The same content again changes nothing; other content under a known name is its next version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declare<S> {
    /// What it is.
    pub machine: Box<Machine>,
    /// Why.
    pub cause: Cause<S>,
}

/// An attribute of an item, or an argument of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<S> {
    /// A text; times and decimals are texts.
    Text(S),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
}

/// Creates an item in the initial state of its machine's newest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create<S> {
    /// Its id.
    pub id: S,
    /// The name of its machine.
    pub machine: S,
    /// Whose it is.
    pub owner: Option<S>,
    /// Its attributes, sorted by key.
    pub attributes: Vec<(S, Value<S>)>,
    /// With the next.
    pub linked: Linked,
    /// Why.
    pub cause: Cause<S>,
}

/// Moves an item by a declared move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move<S> {
    /// The id of this operation, unique for the item; `transaction/branch/operation` for a branch.
    pub id: S,
    /// The item.
    pub item: S,
    /// The declared move.
    pub name: S,
    /// On whose behalf: the `owner` guard compares it.
    pub owner: Option<S>,
    /// What guards compare attributes with, sorted by key.
    pub arguments: Vec<(S, Value<S>)>,
    /// For the try of a branch: the moves of its confirm and cancel, which must be possible afterwards.
    pub then: Option<(S, S)>,
    /// With the next.
    pub linked: Linked,
    /// Who asks.
    pub origin: Origin,
    /// Why.
    pub cause: Cause<S>,
}

/// Why something is asked: any part may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cause<S> {
    /// The global transaction.
    pub transaction: Option<S>,
    /// Its branch.
    pub branch: Option<S>,
    /// The person.
    pub operator: Option<S>,
    /// In words, at most 256 bytes.
    pub reason: Option<S>,
}

impl<S> Default for Cause<S> {
    fn default() -> Self {
        Cause { transaction: None, branch: None, operator: None, reason: None }
    }
}
