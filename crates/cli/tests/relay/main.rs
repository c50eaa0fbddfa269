//! `tercet relay` as a process: from an application's database, through a real server, to a participant.
//!
//! The suite of the library is in `participant/tests/outbox/`; here are kills, signals and the commands.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "test code")]

#[path = "../support/mod.rs"]
mod support;

mod killed;
mod order;
mod told;

use std::collections::HashSet;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use participant::database::Dialect;
use participant::outbox::{Message, Outbox};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Pool, Sqlite};
use support::tercet;
use tempfile::TempDir;

/// An outbox of a test's own, in a file.
struct File {
    url: String,
    outbox: Outbox<Sqlite>,
    _folder: TempDir,
}

impl File {
    async fn new() -> File {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let outbox = Outbox::new(Pool::connect_with(options).await.unwrap());
        outbox.create_schema().await.unwrap();
        File { url: format!("sqlite://{}", path.display()), outbox, _folder: folder }
    }

    fn relay(&self, words: &[&str]) -> Command {
        relay(&self.url, words)
    }

    /// The command's output, once it has ended.
    fn run(&self, words: &[&str]) -> Output {
        self.relay(words).output().unwrap()
    }
}

/// `tercet relay WORDS --database URL`.
fn relay(url: &str, words: &[&str]) -> Command {
    let mut command = tercet(&["relay"]);
    command.args(words).args(["--database", url]);
    command
}

/// A relay that runs; it is killed with `kill -9` when this is dropped.
struct Started(Child);

fn start(mut command: Command) -> Started {
    Started(command.stderr(Stdio::null()).spawn().unwrap())
}

impl Started {
    fn kill9(&mut self) {
        // One that has ended can't be killed.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.kill9();
    }
}

async fn enqueue<D: Dialect>(outbox: &Outbox<D>, messages: &[Message]) {
    let mut connection = outbox.pool().acquire().await.unwrap();
    let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
    for message in messages {
        outbox.enqueue(&mut local, message).await.unwrap();
    }
    local.commit().await.unwrap();
}

fn message(id: &str, destination: &str) -> Message {
    Message::new(id, destination, &serde_json::json!({ "of": id })).unwrap()
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} takes too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<HashSet<_>>().len()
}
