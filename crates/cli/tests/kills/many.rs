//! A restart with many open transactions: ready soon, all of them there, and each can be driven on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::support::{Tercet, awaited, tcc, with};

const MANY: usize = 20_000;
/// Requests written before their answers are read.
const AT_ONCE: usize = 200;

/// Sends a request for each number over one connection; answers how many were answered with `status`.
fn pipelined(server: &Tercet, status: &str, request: impl Fn(usize) -> (String, String)) -> usize {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut matching = 0;
    for first in (0..MANY).step_by(AT_ONCE) {
        let mut bytes = Vec::new();
        for number in first..first + AT_ONCE {
            let (path, body) = request(number);
            let length = body.len();
            write!(bytes, "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
                .unwrap();
        }
        stream.write_all(&bytes).unwrap();
        for _ in 0..AT_ONCE {
            matching += usize::from(read_status(&mut reader) == status);
        }
    }
    matching
}

fn read_status(reader: &mut impl BufRead) -> String {
    let mut status = String::new();
    reader.read_line(&mut status).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).unwrap();
    status.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn open_transactions(server: &Tercet) -> usize {
    let metrics = server.get("/metrics").text;
    let lines = metrics.lines().filter(|line| line.starts_with("tercet_transactions_open{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

#[test]
fn many_open_transactions_are_there_soon_after_a_kill_and_can_be_driven_on() {
    let mut server = Tercet::start();
    let begin = |number: usize| {
        let spec = with(
            tcc(&format!("t-{number}"), [awaited("a"), awaited("b")]),
            json!({ "deadline_ms": 86_400_000 }),
        );
        ("/v1/transactions".to_owned(), spec.to_string())
    };
    assert_eq!(pipelined(&server, "202", begin), MANY);
    server.restart();
    assert!(server.ready_after < Duration::from_secs(10), "ready after {:?}", server.ready_after);
    assert_eq!(open_transactions(&server), MANY);
    let cancel = |number: usize| (format!("/v1/transactions/t-{number}/cancel"), "{}".to_owned());
    assert_eq!(pipelined(&server, "200", cancel), MANY);
    assert_eq!(open_transactions(&server), 0);
    println!("ready after {:?} with {MANY} open transactions", server.ready_after);
}
