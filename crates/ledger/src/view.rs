//! What can be seen of the live state: copies, for answers.

use std::sync::Arc;

use transaction::Time;

use crate::{Floor, Literal, Machine, Standing};

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetView {
    /// Its code.
    pub code: Arc<str>,
    /// Digits behind the point.
    pub scale: u8,
}

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its id.
    pub id: Box<str>,
    /// Its slot.
    pub slot: u32,
    /// Its asset.
    pub asset: AssetView,
    /// Its floor.
    pub floor: Floor<i128>,
    /// Its ceiling.
    pub ceiling: Option<i128>,
    /// Its standing.
    pub standing: Standing,
    /// The id of the sink of its lots, if it keeps lots.
    pub sink: Option<Box<str>>,
    /// What came in less what went out.
    pub posted: i128,
    /// The sum of the open holds in it.
    pub held: i128,
    /// The sum of the open holds for it.
    pub incoming: i128,
    /// How many events it has seen; 0: opened, nothing since.
    pub version: u64,
    /// The position of the latest of them.
    pub last: u64,
    /// Its lots, first expiring first, a thousand at most; none in a list of accounts.
    pub lots: Vec<LotView>,
}

/// A lot as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotView {
    /// When it expires; `None`: never.
    pub expires_at: Option<Time>,
    /// Units that can be spent.
    pub free: i128,
    /// Units under holds.
    pub held: i128,
}

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// Something is still held.
    Held,
    /// Captured to the end.
    Captured,
    /// What was left was released.
    Released,
    /// What was left was released since it expired.
    Expired,
}

/// A hold as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldView {
    /// Its id.
    pub id: Box<str>,
    /// Its state.
    pub state: HoldState,
    /// The ids of the accounts: held in, and for.
    pub accounts: (Box<str>, Box<str>),
    /// The asset of both.
    pub asset: AssetView,
    /// Units held at first.
    pub amount: i128,
    /// Units captured so far.
    pub captured: i128,
    /// Units still held.
    pub left: i128,
    /// When it expires.
    pub expires_at: Option<Time>,
    /// A branch of a transaction owns it.
    pub owned: bool,
    /// The position of its latest event.
    pub last: u64,
}

/// An item as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemView {
    /// Its id.
    pub id: Box<str>,
    /// The name and version of its machine.
    pub machine: (Arc<str>, u32),
    /// Its state.
    pub state: Box<str>,
    /// Nothing moves it any more.
    pub is_final: bool,
    /// Whose it is.
    pub owner: Option<Box<str>>,
    /// Its attributes, sorted by key.
    pub attributes: Vec<(Box<str>, Literal)>,
    /// When its state expires.
    pub due: Option<Time>,
    /// A branch of a transaction holds it.
    pub held: bool,
    /// How many moves it made.
    pub version: u64,
    /// The position of its latest event.
    pub last: u64,
}

/// A version of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineView {
    /// What it is.
    pub machine: Arc<Machine>,
    /// Its version, from 1.
    pub version: u32,
}

impl AccountView {
    /// What can be spent or held without going below zero: posted less held.
    #[must_use]
    pub fn available(&self) -> i128 {
        self.posted.saturating_sub(self.held)
    }
}
