//! The load against listeners that answer well, badly, and not at all.

use super::*;
use crate::wire;

struct Two;

impl Script for Two {
    fn steps(&self) -> &'static [Step] {
        &[Step { name: "first", peer: 0 }, Step { name: "second", peer: 1 }]
    }

    fn write(&self, step: usize, id: &str, into: &mut Vec<u8>) {
        wire::post(into, ["/first", "/second"][step], id.as_bytes());
    }

    fn judge(&self, _step: usize, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status == 200 { Ok(()) } else { Err(excerpt(answer)) }
    }
}

/// A server on a thread of its own that answers by the request's number, and tells the bodies it saw.
fn server(answer: fn(usize) -> &'static str) -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, seen) = std::sync::mpsc::channel();
    let numbers = Arc::new(AtomicU64::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, told, numbers) = (stream.unwrap(), told.clone(), Arc::clone(&numbers));
            std::thread::spawn(move || {
                let mut input = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let (mut line, mut length) = (String::new(), 0);
                    while input.read_line(&mut line).unwrap_or(0) > 2 {
                        if let Some(value) = line.strip_prefix("content-length: ") {
                            length = value.trim().parse().unwrap();
                        }
                        line.clear();
                    }
                    if line.is_empty() {
                        return;
                    }
                    let mut body = vec![0; length];
                    input.read_exact(&mut body).unwrap();
                    let number = numbers.fetch_add(1, Ordering::SeqCst) as usize;
                    let _ = told.send(String::from_utf8(body).unwrap());
                    let _ = stream.write_all(answer(number).as_bytes());
                }
            });
        }
    });
    (address, seen)
}

const WELL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn plan(peers: [SocketAddr; 2], count: u64) -> Plan {
    Plan { peers: peers.to_vec(), connections: 3, until: Until::Begun(count), prefix: "p".to_owned() }
}

#[test]
fn every_transaction_is_sent_once_to_each_peer() {
    let ((one, seen_one), (two, seen_two)) = (server(|_| WELL), server(|_| WELL));
    let script: Arc<dyn Script> = Arc::new(Two);
    let tally = run(&plan([one, two], 50), &script).unwrap();
    assert_eq!((tally.errors, tally.whole.count()), (0, 50), "{:?}", tally.first_error);
    assert_eq!([tally.steps[0].count(), tally.steps[1].count()], [50, 50]);
    for seen in [seen_one, seen_two] {
        let mut ids: Vec<String> = seen.try_iter().collect();
        ids.sort_by_key(|id| id.trim_start_matches("p-").parse::<u32>().unwrap());
        assert_eq!(ids, (0..50).map(|number| format!("p-{number}")).collect::<Vec<_>>());
    }
}

#[test]
fn errors_are_counted_and_the_load_goes_on() {
    let (well, _seen) = server(|_| WELL);
    let (badly, _seen_too) = server(|number| match number {
        3 => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy",
        7 => "nonsense\r\n\r\n",
        _ => WELL,
    });
    let script: Arc<dyn Script> = Arc::new(Two);
    let tally = run(&plan([well, badly], 40), &script).unwrap();
    assert_eq!((tally.errors, tally.whole.count()), (2, 38));
    let first = tally.first_error.unwrap();
    assert!(first.contains("second: 503 busy") || first.contains("not an HTTP/1.1 answer"), "{first}");
}

#[test]
fn a_timed_load_ends() {
    let (one, _seen) = server(|_| WELL);
    let until = Until::Elapsed(Duration::from_millis(100));
    let script: Arc<dyn Script> = Arc::new(Two);
    let tally = run(&Plan { until, ..plan([one, one], 0) }, &script).unwrap();
    assert!(tally.whole.count() > 0 && tally.elapsed < Duration::from_secs(20));
}

#[test]
fn nobody_there_is_a_failure_to_begin() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let script: Arc<dyn Script> = Arc::new(Two);
    assert!(run(&plan([gone, gone], 1), &script).unwrap_err().to_string().contains("cannot connect"));
}

#[test]
fn the_transactions_state_is_the_first_one() {
    assert_eq!(state(br#"{"id":"a","state":"confirming","branches":[{"state":"confirmed"}]}"#), "confirming");
    assert_eq!(state(b"{}"), "");
}
