//! Decides value: accounts, entries, holds, lots, items and their machines. Integers only; pure.
//!
//! [`Ledger::carry_out`] decides a batch member by member, each against the state that the earlier ones left. What it
//! accepts becomes one [`Event`], kept through the port [`Book`] and folded by [`Ledger::apply`], which cannot fail.
//! Nothing here reads a clock, a random source or a disk; time comes in as an argument, old ids through the port.
//!
//! Read `command.rs` (what can be asked), `event.rs` (what is kept), then `ledger.rs` (the state).

#![deny(clippy::float_arithmetic)]

mod accounts;
mod ahead;
mod amount;
mod apply;
mod assets;
mod batch;
mod book;
mod capture;
mod codec;
mod command;
mod desk;
mod diagram;
mod differences;
mod digest;
mod entry;
mod event;
mod expire;
mod field;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod guard;
mod hold;
mod holds;
mod index;
mod item;
mod learnt;
mod ledger;
mod live;
mod look;
mod lots;
mod machine;
mod machine_check;
mod map;
mod open;
mod outcome;
mod page;
mod pages;
mod pair;
mod quota;
mod refund;
pub mod refusal;
mod slots;
mod texts;
mod undo;
mod view;

pub use amount::{Amount, format_units};
pub use batch::Batch;
pub use book::{Book, HEAD, Known, Place, may_recall};
pub use command::{
    Adjust, Asset, Capture, Cause, Command, Create, Declare, Entry, Expiry, Floor, Hold, Linked, Move, Open,
    Origin, Release, Reopen, Standing, Take, Value,
};
pub use event::{Event, Kept, Leg, LotChange, NONE, skip_version};
pub use learnt::learnt;
pub use ledger::{Keys, Ledger, PageId, Results, Run, Space};
pub use machine::{
    Compare, Expires, Guard, Literal, Machine, MachineMove, MachineState, Operand, Quota, VALID_FROM,
    VALID_UNTIL, When,
};
pub use outcome::{Done, Outcome};
pub use refund::taken_names;
pub use refusal::REFUSALS;
pub use view::{AccountView, AssetView, HoldState, HoldView, ItemView, LotView, MachineView};
