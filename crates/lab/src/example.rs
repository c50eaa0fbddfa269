//! A service of the examples as a process: started, asked to end, or killed; and a database of its own to work in.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::patience::until;
use crate::services::{Service, url};

/// A service that serves; it is killed when this is dropped.
#[derive(Debug)]
pub struct Example {
    child: Child,
    /// Where it serves HTTP.
    pub address: SocketAddr,
}

impl Example {
    /// Starts it and waits for its line `ready http=HOST:PORT`. Its log goes where ours goes.
    ///
    /// # Panics
    /// It does not start, or says something else.
    #[must_use]
    pub fn start(command: &mut Command) -> Example {
        let name = command.get_program().display().to_string();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let mut line = String::new();
        if let Some(out) = &mut child.stdout {
            BufReader::new(out).read_line(&mut line).unwrap_or_default();
        }
        let address = line.trim().strip_prefix("ready http=").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("{name} is not ready: {line:?}");
        };
        Example { child, address }
    }

    /// The URL of one of its addresses.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; how it ended.
    ///
    /// # Panics
    /// It does not end.
    pub fn stop(mut self) -> ExitStatus {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        until("the service to end", || self.child.try_wait().ok().flatten())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// A new, empty database on the shared server, and its URL. It goes with the server.
///
/// # Panics
/// The server does not run, or its own client can't make one.
#[must_use]
pub fn database(service: Service) -> String {
    let server = url(service);
    let name = format!("example_{}_{:08x}", std::process::id(), fastrand::u32(..));
    let statement = format!("CREATE DATABASE {name}");
    let (front, _) = server.rsplit_once('/').unwrap_or((&server, ""));
    let mut client = match service {
        Service::Postgres => {
            let mut client = Command::new("psql");
            client.args([&server, "-q", "-c", &statement]);
            client
        }
        Service::MariaDb => mariadb(&server, &statement),
        Service::Redis => panic!("Redis has no databases to make"),
    };
    let made = client.output().unwrap_or_else(|fault| panic!("{service:?}'s client: {fault}"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    format!("{front}/{name}")
}

/// `mysql://USER:PASSWORD@HOST:PORT/DATABASE` as its client takes it.
fn mariadb(url: &str, statement: &str) -> Command {
    let rest = url.strip_prefix("mysql://").unwrap_or(url);
    let (login, place) = rest.split_once('@').unwrap_or(("", rest));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (host, port) = place.split('/').next().and_then(|at| at.split_once(':')).unwrap_or((place, "3306"));
    let mut client = Command::new("mariadb");
    client.args(["--no-defaults", "-h", host, "-P", port, "-u", user, "-e", statement]);
    client.env("MYSQL_PWD", password);
    client
}

/// The program of an example in this workspace, built if it is not there yet, by the cargo that runs the test.
///
/// # Panics
/// It does not build.
#[must_use]
pub fn program(package: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--quiet", "--package", package]).status();
    assert!(built.is_ok_and(|status| status.success()), "{package} does not build");
    let tests = std::env::current_exe().unwrap_or_default();
    // TARGET/debug/deps/TEST
    let folder = tests.ancestors().nth(2).unwrap_or(Path::new("."));
    folder.join(package)
}
