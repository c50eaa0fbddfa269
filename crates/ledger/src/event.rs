//! What is kept: the events of the ledger. `codec.rs` (beside) lays them out; the order and layout are the format, for ever.
//!
//! Balances in events are what stands *after* them, so every event explains itself and an auditor can check each
//! against the one before. `prev` and `skip` are positions of earlier events of the same subject, [`NONE`] at its beginning.

use transaction::Time;

use crate::{Cause, Floor, Standing, Value};

/// No earlier event.
pub const NONE: u64 = u64::MAX;

/// An event with where and when it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its sequence in the journal.
    pub sequence: u64,
    /// When it was decided.
    pub at: Time,
    /// Digest of all that the caller said, by which a repeat is told from a mismatch; 0 for what happens by itself.
    pub content: u64,
    /// The fact.
    pub event: Event<'a>,
}

/// A fact about the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An asset was declared as number `asset`.
    AssetDeclared {
        /// Its number.
        asset: u32,
        /// Its code.
        code: &'a str,
        /// Digits behind the point.
        scale: u8,
    },
    /// An account was opened in slot `account`.
    AccountOpened {
        /// Its slot.
        account: u32,
        /// Its id.
        id: &'a str,
        /// The number of its asset.
        asset: u32,
        /// Its floor.
        floor: Floor<i128>,
        /// Its ceiling.
        ceiling: Option<i128>,
        /// The slot of the sink of its lots, if it keeps lots.
        sink: Option<u32>,
        /// Why.
        cause: Cause<&'a str>,
    },
    /// An account's floor, ceiling or standing was changed.
    AccountChanged {
        /// The id of the operation.
        id: &'a str,
        /// The account; its balances are unchanged.
        leg: Leg,
        /// Its floor now.
        floor: Floor<i128>,
        /// Its ceiling now.
        ceiling: Option<i128>,
        /// Its standing now.
        standing: Standing,
        /// Why.
        cause: Cause<&'a str>,
    },
    /// An entry was posted.
    Posted {
        /// Its id.
        id: &'a str,
        /// Units that moved; 0 only where "up to" found nothing.
        amount: i128,
        /// The account debited, as it stands now.
        from: Leg,
        /// The account credited, as it stands now.
        to: Leg,
        /// The lots that changed: of `from` first, then of `to`.
        lots: (Vec<LotChange>, Vec<LotChange>),
        /// What it gives back: id, and position of the event that had taken it.
        refunds: Option<(&'a str, u64)>,
        /// All units given back of that event so far, this one included.
        refunded: i128,
        /// Why.
        cause: Cause<&'a str>,
    },
    /// Value is held.
    Held {
        /// The hold's id.
        id: &'a str,
        /// Its slot while it is open.
        hold: u32,
        /// Units held.
        amount: i128,
        /// The account it is held in, as it stands now.
        from: Leg,
        /// The slot of the account that a capture credits.
        to: u32,
        /// All units incoming to `to` now.
        incoming: i128,
        /// When it expires.
        expires_at: Option<Time>,
        /// A branch of a transaction owns it.
        owned: bool,
        /// The lots that changed; what each gave is what its `held` grew by.
        lots: Vec<LotChange>,
        /// Why.
        cause: Cause<&'a str>,
    },
    /// A hold was captured, wholly or in part.
    Captured {
        /// The hold's id.
        id: &'a str,
        /// Its slot.
        hold: u32,
        /// The id of the capture; empty for a branch's.
        capture: &'a str,
        /// Units captured.
        amount: i128,
        /// Units of the hold captured so far, and still held.
        so_far: (i128, i128),
        /// The hold's previous event.
        prev: u64,
        /// The account debited, as it stands now.
        from: Leg,
        /// The account credited, as it stands now.
        to: Leg,
        /// All units incoming to `to` now.
        incoming: i128,
        /// Digits behind the point of their asset.
        scale: u8,
        /// The lots that changed: of `from`, then of `to`.
        lots: (Vec<LotChange>, Vec<LotChange>),
        /// Why.
        cause: Cause<&'a str>,
    },
    /// What was left of a hold was released, by a caller or since it expired.
    Released {
        /// The hold's id.
        id: &'a str,
        /// Its slot.
        hold: u32,
        /// It expired.
        expired: bool,
        /// Units released.
        amount: i128,
        /// Units of the hold captured before.
        captured: i128,
        /// The hold's previous event.
        prev: u64,
        /// The account they were held in, as it stands now.
        from: Leg,
        /// The slot of the account that would have been credited.
        to: u32,
        /// All units incoming to `to` now.
        incoming: i128,
        /// Digits behind the point of their asset.
        scale: u8,
        /// A branch of a transaction owned it.
        owned: bool,
        /// The lots that changed.
        lots: Vec<LotChange>,
        /// Why.
        cause: Cause<&'a str>,
    },
    /// An expired hold was reopened in a slot of its own.
    Reopened {
        /// The hold's id.
        id: &'a str,
        /// Its slot now.
        hold: u32,
        /// The id of the operation.
        reopen: &'a str,
        /// Units held again.
        amount: i128,
        /// Units of the hold captured before.
        captured: i128,
        /// The hold's previous event.
        prev: u64,
        /// The account it is held in, as it stands now.
        from: Leg,
        /// The slot of the account that a capture credits.
        to: u32,
        /// All units incoming to `to` now.
        incoming: i128,
        /// When it expires now.
        expires_at: Option<Time>,
        /// The lots that changed.
        lots: Vec<LotChange>,
        /// Why.
        cause: Cause<&'a str>,
    },
    /// What was free of a lot expired and was posted to the sink.
    LotExpired {
        /// The lot: when it expired.
        lot: Time,
        /// Units that expired.
        amount: i128,
        /// The account debited, as it stands now.
        from: Leg,
        /// The sink, as it stands now.
        to: Leg,
        /// The lot as it stands now.
        lots: Vec<LotChange>,
    },
    /// A version of a machine was declared.
    MachineDeclared {
        /// Its number, over all machines and versions.
        machine: u32,
        /// Its version among those of its name, from 1.
        version: u32,
        /// The machine, encoded with postcard.
        encoded: &'a [u8],
        /// Why.
        cause: Cause<&'a str>,
    },
    /// An item was created.
    ItemCreated {
        /// Its id.
        id: &'a str,
        /// Its slot.
        item: u32,
        /// The number of its machine.
        machine: u32,
        /// Its state, by position in the machine.
        state: u16,
        /// Whose it is.
        owner: Option<&'a str>,
        /// Its attributes, sorted by key.
        attributes: Vec<(&'a str, Value<&'a str>)>,
        /// When its state expires.
        due: Option<Time>,
        /// Why.
        cause: Cause<&'a str>,
    },
    /// An item was moved, by a declared move or since its state expired.
    ItemMoved {
        /// Its id.
        id: &'a str,
        /// Its slot.
        item: u32,
        /// The number of its machine.
        machine: u32,
        /// The move, by position in the machine; `None`: its state expired.
        by: Option<u16>,
        /// The id of the operation; empty when its state expired.
        operation: &'a str,
        /// The states before and after, by position.
        states: (u16, u16),
        /// A branch of a transaction holds it now: the moves of its confirm and cancel, by position in the machine.
        held: Option<(u16, u16)>,
        /// The state is final: the item leaves memory with this event.
        ends: bool,
        /// Whose it is, told where it ends: quotas go on counting it.
        of: Option<&'a str>,
        /// On whose behalf.
        owner: Option<&'a str>,
        /// What guards compared with.
        arguments: Vec<(&'a str, Value<&'a str>)>,
        /// When its state expires.
        due: Option<Time>,
        /// Its previous event.
        prev: u64,
        /// How many moves it made, this one included.
        version: u64,
        /// Why.
        cause: Cause<&'a str>,
    },
}

/// An account as it stands after an event, with the way back through its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Its slot.
    pub account: u32,
    /// How many events it has seen, this one included.
    pub version: u64,
    /// What came in less what went out.
    pub posted: i128,
    /// The sum of its open holds.
    pub held: i128,
    /// The position of its previous event.
    pub prev: u64,
    /// A position further back: [`skip_version`] says of which version.
    pub skip: u64,
}

/// A lot as it stands after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotChange {
    /// The lot: when it expires; [`Time`]`(i64::MAX)`: never.
    pub expires_at: Time,
    /// Units that can be spent.
    pub free: i128,
    /// Units under holds.
    pub held: i128,
    /// Units that this event took from it (below zero: gave to it).
    pub taken: i128,
}

/// The version that `skip` of an event with `version` points to; `None`: there is none.
///
/// With p the largest of 1, 64, 4,096, 262,144 that divides `version`: for p = 1 the latest multiple of 64 below, else
/// `version - p`. So every older version is a few hundred steps away at most, however long the history.
#[must_use]
pub fn skip_version(version: u64) -> Option<u64> {
    let power = [262_144, 4_096, 64].into_iter().find(|power| version.is_multiple_of(*power));
    let target = match power {
        Some(power) => version.checked_sub(power)?,
        None => version / 64 * 64,
    };
    (target > 0).then_some(target)
}
