//! Black-box scenarios of DTM's protocol over HTTP and JSON-RPC: `tercet serve` as DTM's own clients meet it.
//!
//! Each file takes one part of the protocol. `world.rs` is the server and what is sent to it, `support/dtm/shop.rs` the
//! participant that it calls. What is expected here stands in `docs/reference/dtm.md`; nothing looks into the server.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

#[path = "../support/mod.rs"]
mod support;

mod concurrent;
mod crash;
mod doors;
mod input;
mod jsonrpc;
mod message;
mod options;
mod prefixes;
mod query;
mod results;
mod saga;
mod tcc;
mod topics;
mod verdict;
mod views;
mod wire;
mod workflow;
mod world;
mod xa;
