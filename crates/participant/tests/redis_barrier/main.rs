//! The barrier in front of a real Redis: its rule, its answers, its races, and what a restart leaves.
//!
//! `store.rs` finds the server (`cargo xtask services start`); every test keeps to keys of its own.

#![allow(clippy::unwrap_used)]

mod answers;
mod counters;
mod guide;
mod races;
mod restart;
mod store;
mod walk;
