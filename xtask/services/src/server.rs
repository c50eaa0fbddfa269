//! One server: started and waited for, ended gently or by SIGKILL, started again on the same port and folder.
//!
//! Dropping it ends nothing: a server may outlive who started it. Next: `process.rs` (what may be ended at all).

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::account::Account;
use crate::place::Place;
use crate::service::{Kind, Service};
use crate::{orphans, port, process};

/// How long a start may take on a busy machine, recovery after a kill included.
const READY: Duration = Duration::from_secs(60);

/// How long a gentle end may take.
const GENTLE: Duration = Duration::from_secs(10);

/// How long one look at a port may take.
const LOOK: Duration = Duration::from_secs(1);

/// So many ports are tried: another process may take one between our look and the server's.
const PORTS: usize = 3;

/// A server of ours, running or not.
#[derive(Debug)]
pub struct Server {
    service: Service,
    pub(crate) place: Place,
    pub(crate) port: u16,
    /// 0 until it was started.
    pub(crate) pid: u32,
    /// When this very process started it.
    child: Option<Child>,
}

impl Server {
    /// A new one, started, with its data in a folder of its own for temporary files.
    ///
    /// # Errors
    /// It is not installed, or did not start; the message ends with what it said.
    pub fn private(service: Service) -> anyhow::Result<Server> {
        let (kind, homes) = (service.kind(), temporary());
        orphans::end(kind, Account::of(kind.account)?, &homes);
        let mut server = Server::new(service, Place::create(kind, &orphans::prefix(kind), &homes)?);
        if let Err(fault) = server.begin() {
            server.kill();
            server.remove();
            return Err(fault);
        }
        Ok(server)
    }

    pub(crate) fn new(service: Service, place: Place) -> Server {
        Server { service, place, port: 0, pid: 0, child: None }
    }

    /// Fills the empty folder and starts it.
    pub(crate) fn begin(&mut self) -> anyhow::Result<()> {
        (self.kind().prepare)(&self.place)?;
        self.start()
    }

    /// Starts it, on the port it had when that is free, and returns when it serves.
    ///
    /// # Errors
    /// It ended, or did not serve in time; the message ends with what it said.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let mut started = self.start_once();
        for _ in 1..PORTS {
            if started.is_ok() || port::is_free(self.port) {
                break;
            }
            started = self.start_once();
        }
        started
    }

    fn start_once(&mut self) -> anyhow::Result<()> {
        // Children of one that was killed may still hold its memory.
        self.kill();
        if self.port == 0 || !port::is_free(self.port) {
            self.port = port::free()?;
        }
        let Kind { name, program, pid_file, arguments, .. } = self.kind();
        if let Some(file) = pid_file {
            let _ = std::fs::remove_file(self.place.data().join(file));
        }
        let mut command = self.place.command(program)?;
        // In a group of its own: what a terminal sends us is not meant for it.
        let child = command.args(arguments(&self.place, self.port)).process_group(0).spawn();
        let child = child.with_context(|| format!("cannot start {program}"))?;
        self.pid = child.id();
        let child = self.child.insert(child);
        let serves = self.service.kind().serves;
        let mut ended = None;
        let ready = process::within(READY, || {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || looks_ready(self.port, serves)
        });
        match ended.or(child.try_wait()?) {
            Some(status) => bail!("{name} ended at once: {status}\n{}", self.place.tail()),
            None if ready => Ok(()),
            None => {
                self.kill();
                bail!("{name} did not serve within {READY:?}\n{}", self.place.tail())
            }
        }
    }

    /// Asks it to end; the end of our patience is SIGKILL.
    pub fn stop(&mut self) {
        if self.runs() {
            process::signal(self.pid, self.kind().ends_by);
            process::within(GENTLE, || !self.runs());
        }
        self.kill();
    }

    /// SIGKILL to it and its children; returns when they are gone.
    pub fn kill(&mut self) {
        let gone = process::kill_all(self.kind().program, &self.place.data());
        if let Some(mut child) = self.child.take().filter(|_| gone) {
            let _ = child.wait();
        }
    }

    /// Whether it is there: the process we started, not one that has its number by now.
    #[must_use]
    pub fn runs(&self) -> bool {
        process::is(self.pid, self.kind().program, &self.place.data())
    }

    /// Which one it is.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Where its clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        (self.kind().url)(self.port)
    }

    /// What it says.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.place.log()
    }

    /// Removes its data, once it has ended.
    pub fn remove(&self) {
        self.place.remove();
    }

    fn kind(&self) -> &'static Kind {
        self.service.kind()
    }
}

fn looks_ready(port: u16, serves: fn(&mut TcpStream) -> std::io::Result<bool>) -> bool {
    let look = || {
        let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), LOOK)?;
        stream.set_read_timeout(Some(LOOK))?;
        serves(&mut stream)
    };
    look().unwrap_or(false)
}

/// Where data may lie that nobody needs for long.
pub(crate) fn temporary() -> Vec<PathBuf> {
    vec![std::env::temp_dir(), "/var/tmp".into(), "/tmp".into()]
}
