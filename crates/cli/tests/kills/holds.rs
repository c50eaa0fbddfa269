//! The ledger under `kill -9`: what was told of entries, holds and captures is kept, nothing is done twice, and the sum
//! stays zero. Each lane works on an account of its own and keeps its own books, by which it is judged.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::load::Random;
use crate::support::{Http, PATIENCE, Tercet, hold, tcc, tercet, until};

const LANES: u64 = 6;
const ROUNDS: u32 = 25;

/// What a lane was told so far.
#[derive(Default)]
struct Books {
    /// Left its account for good.
    spent: i64,
    /// Is held in it.
    held: i64,
    /// Holds with the state that was told last.
    holds: Vec<(String, &'static str)>,
}

struct Lane<'a> {
    account: String,
    server: &'a Mutex<SocketAddr>,
    books: Books,
}

impl Lane<'_> {
    /// Asks until it is answered; the answer.
    fn ask(&self, path: &str, body: &Value) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let http = Http { address: *self.server.lock().unwrap(), token: None };
            match http.try_post(path, body) {
                Ok(reply) if reply.status == 200 => return reply.body,
                Ok(reply) if reply.status == 503 => {}
                Ok(reply) => panic!("{path}: {}", reply.text),
                Err(_) => {}
            }
            assert!(Instant::now() < end, "{path} was not answered within {PATIENCE:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn batch(&self, list: &str, mut member: Value) {
        member["from"] = json!(self.account);
        member["to"] = json!("sink");
        let body = self.ask(&format!("/v1/{list}"), &json!({ list: [member] }));
        assert!(body["results"][0]["refusal"].is_null(), "{body}");
    }

    fn step(&mut self, number: u32, random: &mut Random) {
        let id = format!("{}:{number}", self.account);
        match random.below(4) {
            0 => {
                self.batch("entries", json!({ "id": id, "amount": "3" }));
                self.books.spent += 3;
            }
            1 => {
                let spec = tcc(&id, [hold("h", (&self.account, "sink"), "2")]);
                assert_eq!(self.ask("/v1/transactions", &spec)["state"], "confirmed");
                self.books.spent += 2;
                self.books.holds.push((format!("{id}/h"), "captured"));
            }
            2 => {
                self.batch("holds", json!({ "id": id, "amount": "5" }));
                self.books.held += 5;
                self.books.holds.push((id, "held"));
            }
            _ => {
                self.batch("holds", json!({ "id": id, "amount": "5" }));
                self.ask(&format!("/v1/holds/{id}/capture"), &json!({ "id": "part", "amount": "1" }));
                self.books.spent += 1;
                if random.below(2) == 0 {
                    self.ask(&format!("/v1/holds/{id}/capture"), &json!({ "id": "rest" }));
                    self.books.spent += 4;
                    self.books.holds.push((id, "captured"));
                } else {
                    self.ask(&format!("/v1/holds/{id}/release"), &json!({}));
                    self.books.holds.push((id, "released"));
                }
            }
        }
    }
}

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn what_was_told_of_holds_survives_kills_and_nothing_is_done_twice() {
    let mut server = Tercet::start();
    let names: Vec<String> = (0..LANES).map(|lane| format!("lane-{lane}")).collect();
    server.points(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let gifts: Vec<_> = names
        .iter()
        .map(|id| json!({ "id": format!("more:{id}"), "from": "issuer", "to": id, "amount": "999000" }))
        .collect();
    assert_eq!(server.batch("entries", json!(gifts)), vec!["posted"; names.len()]);
    let address = Mutex::new(server.address);
    let stopped = AtomicBool::new(false);
    let lanes: Vec<Lane<'_>> = thread::scope(|scope| {
        let _stop = StopAtEnd(&stopped);
        let (address, stopped) = (&address, &stopped);
        let running: Vec<_> = (0..LANES)
            .zip(&names)
            .map(|(number, name)| {
                scope.spawn(move || {
                    let mut lane = Lane { account: name.clone(), server: address, books: Books::default() };
                    let mut random = Random(number + 99);
                    for step in 0.. {
                        if stopped.load(Ordering::Acquire) {
                            break;
                        }
                        lane.step(step, &mut random);
                    }
                    lane
                })
            })
            .collect();
        let mut random = Random(5);
        for _ in 0..ROUNDS {
            thread::sleep(Duration::from_millis(20 + random.below(150)));
            server.restart();
            *address.lock().unwrap() = server.address;
        }
        stopped.store(true, Ordering::Release);
        running.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    judge(&server, &lanes);
    server.restart();
    judge(&server, &lanes);
    server.signal("TERM");
    assert_eq!(server.wait_end().code, Some(0));
    let verified = tercet(&["journal", "verify", "--data"]).arg(server.data()).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

fn judge(server: &Tercet, lanes: &[Lane<'_>]) {
    let mut spent = 0;
    for lane in lanes {
        let books = &lane.books;
        assert_eq!(server.balance(&lane.account), (1_000_000 - books.spent, books.held), "{}", lane.account);
        assert!(books.holds.len() > 20, "only {} holds in {}", books.holds.len(), lane.account);
        for (id, state) in &books.holds {
            assert_eq!(server.hold_state(id), *state, "{id}");
        }
        spent += books.spent;
    }
    assert_eq!((server.balance("sink"), server.sum_of_all()), ((spent, 0), 0));
}

#[test]
fn holds_of_open_transactions_survive_kills_until_they_are_decided() {
    let mut server = Tercet::start();
    server.points(&["ann"]);
    for number in 0..40 {
        let spec =
            tcc(&format!("t-{number}"), [hold("h", ("ann", "sink"), "10"), crate::support::awaited("pay")]);
        server.begin(&spec);
        if number % 10 == 0 {
            server.restart();
        }
    }
    assert_eq!(server.balance("ann"), (1000, 400));
    for number in 0..40 {
        let outcome = if number % 2 == 0 { "done" } else { "refused" };
        let path = format!("/v1/transactions/t-{number}/branches/pay/signal");
        server.post(&path, &json!({ "outcome": outcome })).is(200);
        if number % 10 == 5 {
            server.restart();
        }
    }
    until("all to be final", || (server.balance("ann").1 == 0).then_some(()));
    assert_eq!((server.balance("ann"), server.balance("sink")), ((800, 0), (200, 0)));
    for number in 0..40 {
        let wanted = if number % 2 == 0 { "captured" } else { "released" };
        assert_eq!(server.hold_state(&format!("t-{number}/h")), wanted);
    }
}
