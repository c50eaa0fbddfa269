//! Black-box tests of the ledger over HTTP and of `tercet ledger`: the real binary on a folder of its own.
//!
//! What they stand on is in `../support/ledger.rs`. Holds under kills are in `../kills/holds.rs`.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]

#[path = "../support/mod.rs"]
mod support;

mod duplicates;
mod expiry;
mod machines;
mod mixed;
mod rush;
mod told;
mod verbs;
