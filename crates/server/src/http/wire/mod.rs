//! The shapes of the wire, read and written. They live here only; what they mean is decided in `transaction` and `ledger`.
//!
//! Bodies are read strictly: unknown fields, numbers that are not whole, arrays for objects are refused, and every list
//! is bounded while it is read. Read `begin.rs`, then `transaction.rs`.

mod begin;
mod branch;
mod decide;
pub(super) mod ledger;
mod list;
mod machine;
mod progress;
mod scalar;
mod signal;
mod timeline;
mod transaction;

pub(super) use begin::BeginBody;
pub(super) use branch::BranchBody;
pub(crate) use branch::Judge;
pub(super) use decide::{CancelBody, ConfirmBody, NoBody, StopBody};
pub(super) use list::{ListView, filter};
pub use machine::MachineBody;
pub(super) use progress::ProgressBody;
pub use scalar::MOST as MOST_BRANCHES;
pub(super) use scalar::{Object, TOO_MANY};
pub(super) use signal::SignalBody;
pub(super) use timeline::{TimelineView, timeline_query};
pub(super) use transaction::TransactionView;

use ::transaction::Refusal;
use ::transaction::refusal::SPAN_INVALID;
use scalar::Span;

/// The longest that a caller may have its answer held, in milliseconds.
pub(super) const WAIT_MOST_MS: u64 = 60_000;

/// The wait that a body asks for.
fn wait(given: Option<Span>) -> Result<u64, Refusal> {
    let ms = given.map_or(0, |span| span.0);
    if ms <= WAIT_MOST_MS {
        return Ok(ms);
    }
    Err(SPAN_INVALID.at("/wait_ms", format!("{ms} is not within 0 to {WAIT_MOST_MS}")))
}
