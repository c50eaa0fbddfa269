//! A client that we did not write against a real `tercet serve`: `dtmcli` 1.7.7.0, DTM's own for Python, from the package index.
//!
//! The programs beside this file are applications as its documentation would have them; each is run to its end, and what became
//! of its transactions is asked of the server. `cargo xtask test` fetches the client (`xtask/src/clients.rs`); without it these
//! tests fail. Read `python.rs`, then `tcc.rs`.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

mod bank;
mod message;
mod python;
mod saga;
#[path = "../support/mod.rs"]
mod support;
mod tcc;
