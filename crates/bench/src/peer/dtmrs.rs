//! dtmrs as a peer, on a PostgreSQL of its own. It speaks DTM's protocol: what is sent to it is `workload/dtm/script.rs`.
//!
//! Read next: `postgres.rs`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::peer::free_address;
use crate::peer::postgres::{self, Postgres};
use crate::process::Process;

/// The peer and its store.
pub(crate) struct Dtmrs {
    pub(crate) process: Process,
    pub(crate) store: Postgres,
    pub(crate) address: SocketAddr,
}

/// Starts both. Refuses when `dtmrs`, `initdb` or `postgres` is not on PATH.
pub(crate) fn start(folder: &Path) -> anyhow::Result<Dtmrs> {
    let store = postgres::start(folder)?;
    let (address, grpc) = (free_address()?, free_address()?);
    let mut command = Command::new("dtmrs");
    command.env("DTMRS_DB", &store.url).env("DTMRS_ADDR", address.to_string());
    command.env("DTMRS_GRPC_ADDR", grpc.to_string()).env("RUST_LOG", "warn");
    let process = Process::start_at(command, &folder.join("dtmrs.log"), address)
        .context("the peer dtmrs (cargo install dtmrs --version 0.13.0 --locked)")?;
    Ok(Dtmrs { process, store, address })
}
