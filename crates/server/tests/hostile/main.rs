//! Requests that mean harm, over real sockets and with a real engine: whatever comes in, the server answers or hangs up
//! within a bound, nothing panics, a sane request still works, and memory stays bounded.
//!
//! Everything drawn is drawn from a seed, which a failure names; `TERCET_HOSTILE_SEED` runs another one.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get ends it")]

mod calls;
mod requests;
mod sockets;
mod twist;
mod valid;
mod watch;
mod world;
