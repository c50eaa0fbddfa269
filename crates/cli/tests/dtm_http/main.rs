//! DTM's protocol against a real `tercet serve`: what its clients do, and what they see.
//!
//! Each test is a scenario, named after what it checks; `docs/reference/dtm.md` says what is promised.
//! Read next: `world.rs`, the participant that every scenario has.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod concurrent;
mod doors;
mod jsonrpc;
mod message;
mod options;
mod prefixes;
mod query;
mod saga;
#[path = "../support/mod.rs"]
mod support;
mod tcc;
mod topics;
mod views;
mod workflow;
mod world;
mod xa;
