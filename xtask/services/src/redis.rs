//! Redis: with a file it appends to, so that a killed one comes back with all but its last second.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::place::Place;
use crate::service::Kind;

pub(crate) const KIND: Kind = Kind {
    name: "redis",
    variable: "TERCET_TEST_REDIS",
    program: "redis-server",
    account: None,
    prepare: |_| Ok(()),
    arguments,
    pid_file: None,
    serves,
    url: |port| format!("redis://127.0.0.1:{port}"),
    ends_by: Signal::TERM,
};

const SETTINGS: &[&str] = &[
    "--bind",
    "127.0.0.1",
    "--appendonly",
    "yes",
    "--appendfsync",
    "everysec",
    // The appended file alone: no snapshots beside it.
    "--save",
    "",
];

fn arguments(place: &Place, port: u16) -> Vec<OsString> {
    let mut arguments = vec!["--port".into(), port.to_string().into(), "--dir".into(), place.data().into()];
    arguments.extend(SETTINGS.iter().map(OsString::from));
    arguments
}

/// An error while it still loads what it kept.
fn serves(stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    Ok(answer == *b"+PONG")
}
