//! Black-box tests of `sql` and `redis` branches: the real server on real databases, killed in the middle, and the
//! rows and counters read back by another program than the server. Read next: `world.rs`.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::needless_pass_by_value, reason = "test code")]

#[path = "../support/mod.rs"]
mod support;

mod begin;
mod many;
mod redis;
mod sql;
mod world;
