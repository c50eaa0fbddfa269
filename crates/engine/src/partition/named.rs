//! What the readers found in the past, and how it gets the names that only the live ledger knows.

use ledger::Ledger;
use transaction::Refusal;

use super::ask::{Errand, behind};
use crate::Found;
use crate::history::History;

/// What was read of the past.
pub(crate) struct Past;

impl Past {
    /// Reads what an errand asks for.
    pub(crate) fn read(_: &History, _: Errand) -> Result<Past, Refusal> {
        Err(behind())
    }

    /// With names: ids of accounts, names of machines and states.
    pub(crate) fn named(self, _: &Ledger) -> Result<Found, Refusal> {
        Err(behind())
    }
}

/// An account's place in the history.
pub(crate) struct Head {
    pub account: u32,
    pub last: u64,
    pub version: u64,
}
