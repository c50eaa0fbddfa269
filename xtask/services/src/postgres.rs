//! PostgreSQL: everybody on the loopback address is the superuser `tercet`, so that each test can make its own database.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::place::Place;
use crate::service::Kind;

pub(crate) const KIND: Kind = Kind {
    name: "postgres",
    variable: "TEST_POSTGRES_URL",
    program: "postgres",
    account: Some("postgres"),
    prepare,
    arguments,
    pid_file: Some("postmaster.pid"),
    serves,
    url: |port| format!("postgres://tercet@127.0.0.1:{port}/tercet"),
    // "Fast": the default, SIGTERM, waits for every client to leave.
    ends_by: Signal::INT,
};

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    // The data folder itself: a whole path may be longer than a socket's name can be.
    "unix_socket_directories=.",
    "fsync=on",
    "synchronous_commit=on",
    "max_connections=300",
    // Off unless it is asked for, and XA needs it.
    "max_prepared_transactions=100",
    "shared_buffers=64MB",
    "log_min_messages=warning",
];

fn prepare(place: &Place) -> anyhow::Result<()> {
    let mut initdb = place.command("initdb")?;
    initdb.args(["--username=tercet", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    place.run(initdb.arg("--pgdata").arg(place.data()))?;
    let mut single = place.command(KIND.program)?;
    single.arg("--single").arg("-D").arg(place.data()).arg("postgres");
    place.run_with(&mut single, "CREATE DATABASE tercet;\n")
}

fn arguments(place: &Place, port: u16) -> Vec<OsString> {
    let mut arguments = vec!["-D".into(), place.data().into(), "-p".into(), port.to_string().into()];
    for setting in SETTINGS {
        arguments.extend(["-c".into(), (*setting).into()]);
    }
    arguments
}

/// Asks to be let in: an authentication message says yes, an error (starting up, recovering) not yet.
fn serves(stream: &mut TcpStream) -> io::Result<bool> {
    let asks = b"\0\x03\0\0user\0tercet\0database\0tercet\0\0";
    let length = u32::try_from(asks.len() + 4).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), &asks[..]].concat())?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    Ok(kind == *b"R")
}
