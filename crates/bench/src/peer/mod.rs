//! Other coordinators, run side by side when they are on this machine: the same branches, a durable store.
//!
//! A peer is configured as its own documentation says and never slowed down. Read next: `dtmrs.rs`, `postgres.rs`.

pub(crate) mod dtmrs;
mod postgres;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Peers that `--peer` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    /// `dtmrs` from PATH, on a PostgreSQL of its own
    Dtmrs,
}

/// A port that was free just now, for a process that cannot be asked which one it took.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
