//! The real `tercet serve` as a process on a folder of its own: started, asked, killed, started again.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lab::server::{Ended, Launch, Running, command};
use serde_json::Value;
use tempfile::TempDir;

use super::{Http, PATIENCE, Reply, until};

const BINARY: &str = env!("CARGO_BIN_EXE_tercet");

/// The binary with these words, and nothing of this process's `TERCET_…` variables.
pub fn tercet(words: &[&str]) -> Command {
    let mut command = command(Path::new(BINARY), &[]);
    command.args(words);
    command
}

/// A running server. It derefs to its [`Http`], so a test asks it directly.
pub struct Tercet {
    /// Removes the folder at the end; `None` when the test has its own.
    temporary: Option<TempDir>,
    launch: Launch,
    running: Running,
    http: Http,
    pub grpc: SocketAddr,
    /// From spawn to the ready line.
    pub ready_after: Duration,
}

impl Deref for Tercet {
    type Target = Http;

    fn deref(&self) -> &Http {
        &self.http
    }
}

impl Tercet {
    /// A server on a fresh folder.
    pub fn start() -> Tercet {
        Tercet::with(&[])
    }

    /// A server on a fresh folder with further flags.
    pub fn with(flags: &[&str]) -> Tercet {
        let temporary = tempfile::tempdir().unwrap();
        let started = Tercet::on(temporary.path(), flags);
        let mut server = started.unwrap_or_else(|ended| panic!("not started: {ended:?}"));
        server.temporary = Some(temporary);
        server
    }

    /// A server on this folder, whose data it keeps in `data`; an error when it ends before it is ready.
    pub fn on(folder: &Path, flags: &[&str]) -> Result<Tercet, Ended> {
        Tercet::under(&[], folder, flags)
    }

    /// The same, started by another command in such a way that it keeps that command's process id.
    pub fn under(command: &[&str], folder: &Path, flags: &[&str]) -> Result<Tercet, Ended> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let launch = Launch {
            binary: BINARY.into(),
            under: owned(command),
            flags: owned(flags),
            folder: folder.to_owned(),
            data: folder.join("data"),
        };
        let running = launch.start()?;
        let (http, grpc, ready_after) = (running.http, running.grpc, running.ready_after);
        let http = Http { address: http, token: None };
        Ok(Tercet { temporary: None, launch, running, http, grpc, ready_after })
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.launch.data.clone()
    }

    /// What it has written to standard error since its last start.
    pub fn errors(&self) -> String {
        self.running.errors()
    }

    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// Starts it again on the same folder, in the same way; kills it first where it still runs.
    pub fn restart(&mut self) {
        self.kill();
        let started = self.launch.start();
        self.running = started.unwrap_or_else(|ended| panic!("not started again: {ended:?}"));
        self.http.address = self.running.http;
        self.grpc = self.running.grpc;
        self.ready_after = self.running.ready_after;
    }

    /// Sends a signal, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Waits for its end.
    pub fn wait_end(&mut self) -> Ended {
        self.running.wait_end(PATIENCE).expect("the process ends")
    }

    /// `GET`, which must be answered.
    pub fn get(&self, path: &str) -> Reply {
        self.http.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// `POST`, which must be answered.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.http.try_post(path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Begins a transaction, which must be kept.
    pub fn begin(&self, spec: &Value) -> Reply {
        let reply = self.post("/v1/transactions", spec);
        assert!(matches!(reply.status, 200 | 202), "{}", reply.text);
        reply
    }

    /// The transaction as it stands.
    pub fn show(&self, id: &str) -> Value {
        self.get(&format!("/v1/transactions/{}", encode(id))).is(200).body.clone()
    }

    /// Waits until the transaction exists.
    pub fn wait_known(&self, id: &str) {
        let path = format!("/v1/transactions/{}", encode(id));
        until(&format!("transaction {id}"), || (self.get(&path).status == 200).then_some(()));
    }

    /// Waits until the transaction is final.
    pub fn wait_final(&self, id: &str) -> Value {
        self.wait_until(id, |body| body["finished_at"].is_string())
    }

    /// Waits until the transaction is in this state.
    pub fn wait_state(&self, id: &str, state: &str) -> Value {
        self.wait_until(id, |body| body["state"] == state)
    }

    /// Waits until `is_so` holds of the transaction.
    pub fn wait_until(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            last = self.show(id);
            if is_so(&last) {
                return last;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("waited {PATIENCE:?} in vain; {id} stands at {last:#}");
    }

    /// The names of a transaction's timeline, with the branch where there is one: `try_done stock`.
    pub fn timeline(&self, id: &str) -> Vec<String> {
        let reply = self.get(&format!("/v1/transactions/{}/timeline?limit=1000", encode(id)));
        let words = |item: &Value| {
            let branch = item["branch"].as_str().map_or_else(String::new, |branch| format!(" {branch}"));
            format!("{}{branch}", item["event"].as_str().unwrap())
        };
        reply.is(200).body["items"].as_array().unwrap().iter().map(words).collect()
    }

    /// Runs another command of the binary against this server.
    pub fn tx(&self, words: &[&str]) -> Output {
        tercet(&["tx", "--url", &format!("http://{}", self.http.address)]).args(words).output().unwrap()
    }

    /// Runs `tercet ledger` against this server, as the operator eve.
    pub fn ledger(&self, words: &[&str]) -> Output {
        let mut command = tercet(&["ledger", "--url", &format!("http://{}", self.http.address)]);
        command.args(words).env("USER", "eve").output().unwrap()
    }
}

impl Drop for Tercet {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the server wrote:\n{}", self.errors());
        }
    }
}

/// An id as one segment of a path.
pub fn encode(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F")
}
