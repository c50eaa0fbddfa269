//! The ledger through the whole engine, with its real threads: what was told is kept, counts once, and can be asked again.
//!
//! Read `world.rs` first: an engine over a disk that can lose its power.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod branches;
mod crash;
mod keys;
mod past;
mod repeats;
mod restart;
mod sweep;
mod syncs;
mod world;
