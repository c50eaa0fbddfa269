//! Starts and ends the servers that tests need: PostgreSQL, MariaDB and Redis, on free ports of the loopback address.
//!
//! Belongs to the chores and is no room: `cargo xtask services` keeps a set of them for everybody (`set.rs`), the
//! laboratory starts one for a single test (`server.rs`), and both know in one place how. Must never touch a server that
//! it did not start, and never relax what makes a commit durable.
//! Next: `service.rs` (what the three have in common), then `postgres.rs`, `mariadb.rs`, `redis.rs`.

mod account;
mod mariadb;
mod orphans;
mod place;
mod port;
mod postgres;
mod process;
pub mod program;
mod record;
mod redis;
mod server;
mod service;
mod set;

pub use server::Server;
pub use service::Service;
pub use set::{Set, listed};
