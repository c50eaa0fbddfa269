//! The servers that everybody's tests share, one of each, kept in `TARGET/services` from one command to the next.
//!
//! Its file `urls` tells where they are. Never starts a second one beside one that runs. Next: `record.rs`, `server.rs`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Context;

use crate::place::Place;
use crate::record::Record;
use crate::server::{Server, temporary};
use crate::service::Service;

/// In the set's folder: a line `VARIABLE=URL` for each server.
const URLS: &str = "urls";

/// The shared servers of one target folder.
#[derive(Debug)]
pub struct Set {
    folder: PathBuf,
}

impl Set {
    /// The set of this target folder, whether or not anything runs.
    #[must_use]
    pub fn of(target: &Path) -> Set {
        Set { folder: target.join("services") }
    }

    /// Starts those that do not run, all at once, and returns them. When one fails, those it started are ended again.
    ///
    /// # Errors
    /// One is not installed or did not start; the message ends with what it said.
    pub fn start(&self) -> anyhow::Result<Vec<Service>> {
        let _lock = self.lock()?;
        let starts = thread::scope(|scope| {
            let threads = Service::ALL.map(|service| scope.spawn(move || self.start_one(service)));
            threads.map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a start panicked"))))
        });
        let mut urls = String::new();
        let mut started = Vec::new();
        let mut failed = None;
        for start in starts {
            match start {
                Ok((server, was)) => {
                    urls.push_str(&format!("{}={}\n", server.service().variable(), server.url()));
                    started.extend((was == Was::Down).then_some(server.service()));
                }
                Err(fault) => failed = Some(fault),
            }
        }
        if let Some(fault) = failed {
            self.end(&started)?;
            return Err(fault);
        }
        // A server's URL is told only when all of them serve.
        fs::write(self.folder.join(URLS), urls)?;
        Ok(started)
    }

    /// Ends these, and removes their data; their logs stay.
    ///
    /// # Errors
    /// The set's folder cannot be written.
    pub fn stop(&self, services: &[Service]) -> anyhow::Result<()> {
        let _lock = self.lock()?;
        self.end(services)
    }

    /// Those that run.
    ///
    /// # Errors
    /// A record of them cannot be read.
    pub fn running(&self) -> anyhow::Result<Vec<Server>> {
        let mut running = Vec::new();
        for service in Service::ALL {
            running.extend(self.recorded(service)?.filter(Server::runs));
        }
        Ok(running)
    }

    fn start_one(&self, service: Service) -> anyhow::Result<(Server, Was)> {
        let server = match self.recorded(service)? {
            Some(server) if server.runs() => return Ok((server, Was::Up)),
            Some(mut left) if left.pid != 0 && left.place.data().is_dir() => {
                left.start()?;
                left
            }
            Some(unfinished) => {
                unfinished.remove();
                self.create(service)?
            }
            None => self.create(service)?,
        };
        self.record(&server)?;
        Ok((server, Was::Down))
    }

    fn create(&self, service: Service) -> anyhow::Result<Server> {
        let homes = [vec![self.folder.clone()], temporary()].concat();
        let log = self.log(service);
        let _ = fs::remove_file(&log);
        let place = Place::create(service.kind(), &format!("tercet-{}-", service.name()), &homes)?;
        let mut server = Server::new(service, place.with_log(log));
        self.record(&server)?;
        server.begin()?;
        Ok(server)
    }

    fn end(&self, services: &[Service]) -> anyhow::Result<()> {
        let _ = fs::remove_file(self.folder.join(URLS));
        thread::scope(|scope| {
            let threads: Vec<_> =
                services.iter().map(|service| scope.spawn(move || self.end_one(*service))).collect();
            threads.into_iter().try_for_each(|thread| {
                thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the end of a server panicked")))
            })
        })
    }

    fn end_one(&self, service: Service) -> anyhow::Result<()> {
        if let Some(mut server) = self.recorded(service)? {
            server.stop();
            server.remove();
            fs::remove_file(self.path(service))?;
        }
        Ok(())
    }

    fn recorded(&self, service: Service) -> anyhow::Result<Option<Server>> {
        let Some(record) = Record::read(&self.path(service))? else { return Ok(None) };
        let place = Place::at(service.kind(), record.folder)?.with_log(self.log(service));
        let mut server = Server::new(service, place);
        (server.pid, server.port) = (record.pid, record.port);
        Ok(Some(server))
    }

    fn record(&self, server: &Server) -> anyhow::Result<()> {
        let folder = server.place.folder().to_owned();
        Record { pid: server.pid, port: server.port, folder }.write(&self.path(server.service()))
    }

    fn path(&self, service: Service) -> PathBuf {
        self.folder.join(service.name())
    }

    fn log(&self, service: Service) -> PathBuf {
        self.folder.join(format!("{}.log", service.name()))
    }

    /// One command at a time.
    fn lock(&self) -> anyhow::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let lock = File::create(self.folder.join("lock"))?;
        lock.lock().with_context(|| format!("cannot lock {}", self.folder.display()))?;
        Ok(lock)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Was {
    Up,
    Down,
}

/// The URL that a set above `from` tells, nearest first: a test's program lies in the target folder.
#[must_use]
pub fn listed(service: Service, from: &Path) -> Option<String> {
    let path = from.ancestors().map(|above| above.join("services").join(URLS)).find(|path| path.is_file())?;
    let text = fs::read_to_string(path).ok()?;
    let variable = format!("{}=", service.variable());
    text.lines().find_map(|line| line.strip_prefix(&variable)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_found_from_below() {
        let target = tempfile::tempdir().unwrap();
        let deep = target.path().join("debug/deps");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(listed(Service::Redis, &deep), None);
        let set = Set::of(target.path());
        fs::create_dir(&set.folder).unwrap();
        fs::write(set.folder.join(URLS), "TERCET_TEST_MYSQL=m\nTERCET_TEST_REDIS=r=s\n").unwrap();
        assert_eq!(listed(Service::Redis, &deep), Some("r=s".into()));
        assert_eq!(listed(Service::Postgres, &deep), None);
    }

    #[test]
    fn a_record_of_a_stranger_is_no_server() {
        let target = tempfile::tempdir().unwrap();
        let set = Set::of(target.path());
        drop(set.lock().unwrap());
        let folder = set.folder.join("redis-x");
        let record = Record { pid: std::process::id(), port: 20_000, folder };
        record.write(&set.path(Service::Redis)).unwrap();
        assert!(set.running().unwrap().is_empty());
        // And is never ended: this test goes on.
        set.stop(&Service::ALL).unwrap();
        assert_eq!(Record::read(&set.path(Service::Redis)).unwrap(), None);
    }
}
