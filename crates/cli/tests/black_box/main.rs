//! Black-box tests of `tercet serve` over HTTP with scripted participants, and of the commands beside it.
//!
//! Each file takes one part of the API; what they stand on is in `../support/mod.rs`. A test that kills the server many
//! times under load is in `../kills.rs`.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]

#[path = "../support/mod.rs"]
mod support;

mod awaits;
mod calls;
mod dispatch;
mod docs;
mod guides;
mod idempotency;
mod input;
mod interactive;
mod journal;
mod journal_forged;
mod journal_ledger;
mod lists;
mod message;
mod overload;
mod races;
mod saga;
mod serve;
mod settings;
mod shipped;
mod signed;
mod tcc;
mod tx;
mod verify;
mod waiting;
