//! The native HTTP API over real sockets and a real engine with its journal in memory: what a caller sees.
//!
//! Participants are played by `world.rs`. How transactions behave over time is tested with the whole binary, in `cli`.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get ends it")]

mod auth;
mod grpc;
mod ledger;
mod limits;
mod refusals;
mod stop;
mod verbs;
mod world;
