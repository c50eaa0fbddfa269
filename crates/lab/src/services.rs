//! PostgreSQL, MariaDB and Redis for tests: where the shared ones are, and one of a test's own to be killed.
//!
//! Everybody's tests share the servers of [`url`] and must not disturb them: each works in a database of its own. What
//! is to be killed is a [`Private`] one. How a server is started is known to `xtask/services`, which is no room.
//! Read next: `proxy/mod.rs` (cuts connections).

use std::net::SocketAddr;

pub use ::services::Service;
use ::services::{Server, listed};

/// Where the shared server is: what the environment says, else what runs for this target folder.
///
/// # Panics
/// Nothing runs: an absent server is a failure and never a skip.
#[must_use]
pub fn url(service: Service) -> String {
    let own = std::env::current_exe().unwrap_or_default();
    std::env::var(service.variable()).ok().or_else(|| listed(service, &own)).unwrap_or_else(|| {
        let (name, variable) = (service.name(), service.variable());
        panic!("{name} does not run: `cargo xtask services start` starts it, or set {variable}")
    })
}

/// A server for one test alone; it ends, and its data goes, when this is dropped.
#[derive(Debug)]
pub struct Private(Server);

impl Private {
    /// PostgreSQL.
    ///
    /// # Panics
    /// It does not start, as for each of them.
    #[must_use]
    pub fn postgres() -> Private {
        Private::start(Service::Postgres)
    }

    /// MariaDB.
    #[must_use]
    pub fn mariadb() -> Private {
        Private::start(Service::MariaDb)
    }

    /// Redis.
    #[must_use]
    pub fn redis() -> Private {
        Private::start(Service::Redis)
    }

    /// Whichever is asked for.
    #[must_use]
    pub fn start(service: Service) -> Private {
        Private(Server::private(service).unwrap_or_else(|fault| panic!("{fault:#}")))
    }

    /// Where its clients find it, also after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Where it listens, for a proxy in front of it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// `kill -9` to the server and its children; returns when all are gone.
    pub fn kill9(&mut self) {
        self.0.kill();
    }

    /// Ends it, if it still runs, and starts it on the same port with the same data; returns when it serves.
    ///
    /// # Panics
    /// It does not start there.
    pub fn restart(&mut self) {
        let address = self.address();
        self.0.stop();
        self.0.start().unwrap_or_else(|fault| panic!("{fault:#}"));
        assert_eq!(self.address(), address, "another process took its port");
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.0.kill();
        self.0.remove();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::process::Command;

    use super::*;

    fn prints(program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn postgres_keeps_what_was_committed_when_it_is_killed() {
        let mut server = Private::postgres();
        let url = server.url();
        prints("psql", &[&url, "-qc", "CREATE TABLE kept AS SELECT 7 AS n"]);
        server.kill9();
        assert!(TcpStream::connect(server.address()).is_err());
        server.restart();
        assert_eq!(prints("psql", &[&server.url(), "-Atc", "SELECT n FROM kept"]), "7\n");
        assert_eq!(server.url(), url);
    }

    #[test]
    fn mariadb_keeps_what_was_committed_when_it_is_killed() {
        let mut server = Private::mariadb();
        let port = server.address().port().to_string();
        let sql = |text: &str| {
            let at = ["--no-defaults", "-h127.0.0.1", "-P", &port, "-utercet", "-ptercet", "tercet"];
            prints("mariadb", &[&at[..], &["--skip-column-names", "-e", text]].concat())
        };
        sql("CREATE TABLE kept ENGINE=InnoDB AS SELECT 7 AS n");
        server.kill9();
        assert!(TcpStream::connect(server.address()).is_err());
        server.restart();
        assert_eq!(sql("SELECT n FROM kept"), "7\n");
    }

    #[test]
    fn redis_comes_back_and_ends_with_its_owner() {
        let mut server = Private::redis();
        let address = server.address();
        let ask = |text: &str, answer: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            let mut bytes = vec![0; answer.len()];
            stream.read_exact(&mut bytes).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), answer);
        };
        ask("SET kept 7\r\n", "+OK\r\n");
        server.restart();
        ask("GET kept\r\n", "$1\r\n7\r\n");
        server.kill9();
        server.restart();
        ask("GET kept\r\n", "$1\r\n7\r\n");
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
