//! The ledger and transactions over gRPC: real sockets, a real engine with its journal in memory, and the crate's own
//! caller's side.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get ends it")]

mod apply;
mod caller;
mod cutter;
mod door;
mod initiator;
mod ledger;
mod transactions;
mod world;
