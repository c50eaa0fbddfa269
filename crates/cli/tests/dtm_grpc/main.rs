//! DTM's protocol over gRPC against a real `tercet serve`: a client made from the checked-in `.proto`, and a participant that
//! speaks gRPC by hand, so that every byte on the wire is seen.
//!
//! Each test is a scenario, named after what it checks; `docs/reference/dtm.md` says what is promised.
//! Read next: `world.rs` (the client), `service.rs` (the participant), then `saga.rs`.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

mod answers;
mod door;
mod message;
mod saga;
mod service;
#[path = "../support/mod.rs"]
mod support;
mod tcc;
mod topics;
mod workflow;
mod world;
mod xa;
