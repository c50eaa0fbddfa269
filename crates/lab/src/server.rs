//! `tercet serve` as a process: started, perhaps under a tracer, waited for, killed.
//!
//! Only processes started here are ever ended. What it writes to standard error gathers in the file `errors`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::patience::{PATIENCE, within};

/// How a process ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// `None`: by a signal, or not at all.
    pub code: Option<i32>,
    /// What it wrote to standard error.
    pub errors: String,
    /// From where the waiting began.
    pub took: Duration,
}

/// How it is started each time.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary `tercet`.
    pub binary: PathBuf,
    /// A command that ends in starting what follows it, such as a tracer, and keeps its process id.
    pub under: Vec<String>,
    /// Further flags of `serve`.
    pub flags: Vec<String>,
    /// Where `errors` is.
    pub folder: PathBuf,
    /// The data folder.
    pub data: PathBuf,
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    errors: Errors,
    /// Its HTTP listener.
    pub http: SocketAddr,
    /// Its gRPC listener.
    pub grpc: SocketAddr,
    /// From spawn to the ready line.
    pub ready_after: Duration,
}

/// The binary, with nothing of this process's `TERCET_…` variables.
#[must_use]
pub fn command(binary: &Path, under: &[String]) -> Command {
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

impl Launch {
    /// Starts it and waits for its ready line.
    ///
    /// # Errors
    /// It ended before, or was not ready in time and was killed.
    ///
    /// # Panics
    /// The binary cannot be started at all, or the ready line is none.
    pub fn start(&self) -> Result<Running, Ended> {
        let began = Instant::now();
        let path = self.folder.join("errors");
        let errors = File::options().create(true).append(true).open(&path).expect("the folder is ours");
        let gathered = Errors { from: errors.metadata().map_or(0, |file| file.len()), path };
        let mut child = command(&self.binary, &self.under)
            .args(["serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data"])
            .arg(&self.data)
            .args(&self.flags)
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the binary can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (told, hears) = channel();
        // Reads to the end, so that the server never waits for its reader.
        std::thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                let _ = told.send(line);
            }
        });
        match hears.recv_timeout(PATIENCE) {
            Ok(line) => {
                let [http, grpc] = addresses(&line);
                Ok(Running { child, errors: gathered, http, grpc, ready_after: began.elapsed() })
            }
            Err(why) => {
                // Without a line it is ending, or it is late: then it ends now.
                let most = if why == RecvTimeoutError::Disconnected { PATIENCE } else { Duration::ZERO };
                let code = within(most, || child.try_wait().ok().flatten());
                let _ = child.kill();
                let _ = child.wait();
                Err(Ended {
                    code: code.and_then(|status| status.code()),
                    errors: gathered.read(),
                    took: began.elapsed(),
                })
            }
        }
    }
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far, those before it not.
    #[must_use]
    pub fn errors(&self) -> String {
        self.errors.read()
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        let words = [format!("-{name}"), self.pid().to_string()];
        let sent = Command::new("kill").args(words).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Waits for its end, so long at most.
    pub fn wait_end(&mut self, most: Duration) -> Option<Ended> {
        let began = Instant::now();
        let status = within(most, || self.child.try_wait().ok().flatten())?;
        Some(Ended { code: status.code(), errors: self.errors(), took: began.elapsed() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `ready http=HOST:PORT grpc=HOST:PORT`, to the letter.
fn addresses(line: &str) -> [SocketAddr; 2] {
    let parse = || {
        let (http, grpc) = line.strip_prefix("ready http=")?.split_once(" grpc=")?;
        Some([http.parse().ok()?, grpc.parse().ok()?])
    };
    parse().unwrap_or_else(|| panic!("no ready line: {line:?}"))
}

/// The part of the file that one start wrote.
#[derive(Debug)]
struct Errors {
    path: PathBuf,
    from: u64,
}

impl Errors {
    fn read(&self) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let from = usize::try_from(self.from).unwrap_or(usize::MAX);
        String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned()
    }
}
