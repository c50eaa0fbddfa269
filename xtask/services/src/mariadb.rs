//! MariaDB: the user `tercet` may do anything from the loopback address, so that each test can make its own database.

use std::ffi::OsString;
use std::io::{self, Read};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::place::Place;
use crate::service::Kind;

pub(crate) const KIND: Kind = Kind {
    name: "mariadb",
    variable: "TEST_MYSQL_URL",
    program: "mariadbd",
    account: Some("mysql"),
    prepare,
    arguments,
    pid_file: Some("mariadb.pid"),
    serves,
    url: |port| format!("mysql://tercet:tercet@127.0.0.1:{port}/tercet"),
    ends_by: Signal::TERM,
};

/// The distribution's own settings belong to another server. Must come first.
const NO_DEFAULTS: &str = "--no-defaults";

/// Relative names are in the data folder: a whole path may be longer than a socket's name can be.
const SETTINGS: &[&str] = &[
    "--bind-address=127.0.0.1",
    "--socket=mariadb.sock",
    "--pid-file=mariadb.pid",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=48M",
    "--max-connections=300",
];

/// Read at each start, before the first client is served.
const INIT: &str = "CREATE DATABASE IF NOT EXISTS tercet;
CREATE USER IF NOT EXISTS 'tercet'@'127.0.0.1' IDENTIFIED BY 'tercet';
GRANT ALL ON *.* TO 'tercet'@'127.0.0.1' WITH GRANT OPTION;
";

fn prepare(place: &Place) -> anyhow::Result<()> {
    std::fs::write(place.folder().join("init.sql"), INIT)?;
    let mut install = place.command("mariadb-install-db")?;
    install.args([NO_DEFAULTS, "--skip-test-db"]);
    // Each that starts removes temporary tables from the folder for them, also those of another installation.
    install.env("TMPDIR", place.folder());
    place.run(install.arg(flag("--datadir=", place.data())))
}

fn arguments(place: &Place, port: u16) -> Vec<OsString> {
    let mut arguments = vec![
        NO_DEFAULTS.into(),
        flag("--datadir=", place.data()),
        flag("--init-file=", place.folder().join("init.sql")),
        flag("--tmpdir=", place.folder()),
        format!("--port={port}").into(),
    ];
    arguments.extend(SETTINGS.iter().map(OsString::from));
    arguments
}

fn flag(name: &str, value: impl Into<OsString>) -> OsString {
    let mut flag = OsString::from(name);
    flag.push(value.into());
    flag
}

/// It greets first: four bytes of length and sequence, then protocol version 10, or an error.
fn serves(stream: &mut TcpStream) -> io::Result<bool> {
    let mut greeting = [0; 5];
    stream.read_exact(&mut greeting)?;
    Ok(greeting[4] == 10)
}
