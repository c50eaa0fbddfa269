//! XA as clients of DTM run it, on a real PostgreSQL and a real MariaDB: local transactions are prepared by the participants and
//! ended by the server's call, and in the end both databases agree and hold nothing back.
//!
//! Read `database.rs` (a branch in each database's own words), `bank.rs` (the participant), then `transfer.rs`.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

mod bank;
mod database;
mod faults;
#[path = "../support/mod.rs"]
mod support;
mod transfer;
mod world;
