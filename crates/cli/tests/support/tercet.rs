//! The real `tercet serve` as a process on a folder of its own: started, asked, killed, started again.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Http, PATIENCE, Reply, until};

/// The binary with these words, and nothing of this process's `TERCET_…` variables.
pub fn tercet(words: &[&str]) -> Command {
    let mut command = started_by(&[]);
    command.args(words);
    command
}

fn started_by(under: &[String]) -> Command {
    let binary = env!("CARGO_BIN_EXE_tercet");
    let mut command = match under {
        [] => Command::new(binary),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(binary);
            command
        }
    };
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TERCET_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// `None`: by a signal.
    pub code: Option<i32>,
    /// What it wrote to standard error.
    pub errors: String,
    pub took: Duration,
}

/// How it is started each time.
#[derive(Clone, Debug, Default)]
struct Launch {
    /// A command that ends in starting what follows it, such as a tracer.
    under: Vec<String>,
    flags: Vec<String>,
}

/// A running server. It derefs to its [`Http`], so a test asks it directly.
pub struct Tercet {
    folder: PathBuf,
    /// Removes the folder at the end; `None` when the test has its own.
    temporary: Option<TempDir>,
    launch: Launch,
    child: Child,
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
        let launch = Launch { under: owned(command), flags: owned(flags) };
        let (child, [http, grpc], ready_after) = spawn(folder, &launch)?;
        let http = Http { address: http, token: None };
        Ok(Tercet { folder: folder.to_owned(), temporary: None, launch, child, http, grpc, ready_after })
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What it has written to standard error so far, all starts together.
    pub fn errors(&self) -> String {
        errors(&self.folder)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same folder, in the same way; kills it first where it still runs.
    pub fn restart(&mut self) {
        self.kill();
        let started =
            spawn(&self.folder, &self.launch).unwrap_or_else(|ended| panic!("not started again: {ended:?}"));
        let (child, [http, grpc], ready_after) = started;
        self.child = child;
        self.http.address = http;
        self.grpc = grpc;
        self.ready_after = ready_after;
    }

    /// Sends a signal, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// Waits for its end.
    pub fn wait_end(&mut self) -> Ended {
        wait_end(&mut self.child, &self.folder, Instant::now())
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

type Started = (Child, [SocketAddr; 2], Duration);

fn spawn(folder: &Path, launch: &Launch) -> Result<Started, Ended> {
    let began = Instant::now();
    let errors = File::options().create(true).append(true).open(folder.join("errors")).unwrap();
    let mut child = started_by(&launch.under)
        .args(["serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data"])
        .arg(folder.join("data"))
        .args(&launch.flags)
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (told, hears) = channel();
    // Reads to the end, so that the server never waits for its reader.
    std::thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            let _ = told.send(line);
        }
    });
    match hears.recv_timeout(PATIENCE) {
        Ok(line) => Ok((child, addresses(&line), began.elapsed())),
        Err(_) => Err(wait_end(&mut child, folder, began)),
    }
}

/// `ready http=HOST:PORT grpc=HOST:PORT`, to the letter.
fn addresses(line: &str) -> [SocketAddr; 2] {
    let rest = line.strip_prefix("ready http=").unwrap_or_else(|| panic!("no ready line: {line:?}"));
    let (http, grpc) = rest.split_once(" grpc=").unwrap_or_else(|| panic!("no ready line: {line:?}"));
    [http.parse().unwrap(), grpc.parse().unwrap()]
}

fn wait_end(child: &mut Child, folder: &Path, began: Instant) -> Ended {
    let status = until("the end of the process", || child.try_wait().unwrap());
    Ended { code: status.code(), errors: errors(folder), took: began.elapsed() }
}

fn errors(folder: &Path) -> String {
    fs::read_to_string(folder.join("errors")).unwrap_or_default()
}
