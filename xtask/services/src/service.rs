//! Which servers there are, and what one has to say about itself: a row each in `postgres.rs`, `mariadb.rs`, `redis.rs`.

use std::ffi::OsString;
use std::io;
use std::net::TcpStream;

use rustix::process::Signal;

use crate::place::Place;
use crate::{mariadb, postgres, redis};

/// A server that tests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// PostgreSQL.
    Postgres,
    /// MariaDB, in the place of MySQL.
    MariaDb,
    /// Redis.
    Redis,
}

/// All that differs between them.
pub(crate) struct Kind {
    /// Of its folder, record and log.
    pub(crate) name: &'static str,
    /// The environment variable that holds its URL.
    pub(crate) variable: &'static str,
    pub(crate) program: &'static str,
    /// Who runs it in the place of root, where it refuses root.
    pub(crate) account: Option<&'static str>,
    /// Fills the empty data folder.
    pub(crate) prepare: fn(&Place) -> anyhow::Result<()>,
    pub(crate) arguments: fn(&Place, u16) -> Vec<OsString>,
    /// In the data folder; of one that was killed it stays, and could name a stranger by now.
    pub(crate) pid_file: Option<&'static str>,
    /// Whether what listens there would serve a client now.
    pub(crate) serves: fn(&mut TcpStream) -> io::Result<bool>,
    pub(crate) url: fn(u16) -> String,
    /// Asks it to end soon and well, whoever is connected.
    pub(crate) ends_by: Signal,
}

impl Service {
    /// Every one of them.
    pub const ALL: [Service; 3] = [Service::Postgres, Service::MariaDb, Service::Redis];

    /// What it is called in messages and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.kind().name
    }

    /// The environment variable that holds its URL.
    #[must_use]
    pub fn variable(self) -> &'static str {
        self.kind().variable
    }

    pub(crate) fn kind(self) -> &'static Kind {
        match self {
            Service::Postgres => &postgres::KIND,
            Service::MariaDb => &mariadb::KIND,
            Service::Redis => &redis::KIND,
        }
    }
}
