//! A service of the demo's shop, alone and over HTTP: lost replies have their effect, duplicates have one, a late try
//! is overtaken by its cancel, books survive `kill -9`, and it ends when its standard input closes.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(folder: &Path, flags: &[&str]) -> Service {
        let calm = ["--lost", "--duplicate", "--slow", "--late"];
        let kept = calm.into_iter().filter(|flag| !flags.contains(flag)).flat_map(|flag| [flag, "0"]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_tercet"))
            .args(["demo-participant", "--role", "order", "--db"])
            .arg(folder.join("order.db"))
            .args(kept)
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("ready ").expect("the ready line").to_owned();
        Service { child, address }
    }

    /// Status and body, or `None` when the connection was cut without an answer.
    fn call(&self, transaction: &str, operation: &str) -> Option<(u16, String)> {
        let body = r#"{"pot":"customer-1","amount":5}"#;
        let request = format!(
            "POST /{operation} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Tercet-Transaction: {transaction}\r\nTercet-Branch: order\r\nTercet-Operation: {operation}\r\n\
             Tercet-Attempt: 1\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        let status = text.split(' ').nth(1)?.parse().ok()?;
        Some((status, text.split("\r\n\r\n").nth(1)?.to_owned()))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn state(folder: &Path, transaction: &str) -> Option<String> {
    let books = rusqlite::Connection::open(folder.join("order.db")).unwrap();
    books.query_row("SELECT state FROM holds WHERE transaction_id = ?1", [transaction], |row| row.get(0)).ok()
}

fn seen(folder: &Path, hazard: &str) -> i64 {
    let books = rusqlite::Connection::open(folder.join("order.db")).unwrap();
    books.query_row("SELECT seen FROM hazards WHERE name = ?1", [hazard], |row| row.get(0)).unwrap_or(0)
}

fn tombstones(folder: &Path) -> i64 {
    let books = rusqlite::Connection::open(folder.join("order.db")).unwrap();
    let empty_cancels = "SELECT count(*) FROM tercet_barrier WHERE phase = 1 AND operation = 'cancel'";
    books.query_row(empty_cancels, [], |row| row.get(0)).unwrap()
}

#[test]
fn books_and_barrier_survive_kill_nine() {
    let folder = tempfile::tempdir().unwrap();
    let first = Service::start(folder.path(), &[]);
    assert_eq!(first.call("t-1", "try").unwrap().0, 200);
    drop(first);
    let second = Service::start(folder.path(), &[]);
    assert_eq!(second.call("t-1", "try").unwrap().0, 200);
    assert_eq!(seen(folder.path(), "duplicate"), 1, "the try before the kill is remembered");
    assert_eq!(second.call("t-1", "confirm").unwrap(), (200, r#"{"hold":"captured"}"#.to_owned()));
    assert_eq!(state(folder.path(), "t-1").as_deref(), Some("captured"));
}

#[test]
fn a_lost_reply_has_had_its_effect() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &["--lost", "100"]);
    assert_eq!(service.call("t-1", "try"), None, "cut without an answer");
    assert_eq!(state(folder.path(), "t-1").as_deref(), Some("held"));
}

#[test]
fn a_duplicate_in_parallel_has_one_effect() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &["--duplicate", "100"]);
    assert_eq!(service.call("t-1", "try").unwrap().0, 200);
    assert_eq!(seen(folder.path(), "duplicate"), 1);
    assert_eq!(service.call("t-1", "cancel").unwrap().0, 200);
    assert_eq!(state(folder.path(), "t-1").as_deref(), Some("released"));
}

#[test]
fn a_late_try_is_overtaken_by_its_cancel_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &["--late", "100", "--late-ms", "600"]);
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| service.call("t-1", "try"));
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(service.call("t-1", "cancel").unwrap().0, 200);
        late.join().unwrap()
    });
    let (status, body) = late.unwrap();
    assert!(status == 409 && body.contains(r#""code":"late_try""#), "{status} {body}");
    assert_eq!(state(folder.path(), "t-1"), None, "no business effect");
    assert_eq!((tombstones(folder.path()), seen(folder.path(), "late_try")), (1, 1));
}

#[test]
fn a_caller_that_hangs_up_does_not_undo_the_effect() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path(), &["--slow", "100"]);
    let body = r#"{"pot":"customer-1","amount":5}"#;
    let mut stream = TcpStream::connect(&service.address).unwrap();
    let head = "Tercet-Transaction: t-1\r\nTercet-Branch: order\r\nTercet-Operation: try";
    write!(stream, "POST /try HTTP/1.1\r\nHost: x\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(stream);
    let begun = Instant::now();
    while state(folder.path(), "t-1").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the slow try never came through");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_ends_when_its_input_closes() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(folder.path(), &[]);
    drop(service.child.stdin.take());
    assert!(service.child.wait().unwrap().success());
}
