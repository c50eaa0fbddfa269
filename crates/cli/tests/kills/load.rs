//! Initiators that never give up: whatever was not answered is asked again under the same id, and every answer is noted.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Http, PATIENCE, Participant, Reply, awaited, message, saga, tcc, with};

/// Random enough to choose instants and kinds; the same seed gives the same choices (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// What all initiators share.
pub struct Load<'a> {
    shop: &'a Participant,
    server: Mutex<SocketAddr>,
    facts: Mutex<Vec<Value>>,
    /// Ids that wait for a signal or a decision of their initiator.
    left_open: Mutex<Vec<(String, &'static str, Value)>>,
    stopped: AtomicBool,
}

impl<'a> Load<'a> {
    pub fn new(shop: &'a Participant, server: SocketAddr) -> Load<'a> {
        Load {
            shop,
            server: Mutex::new(server),
            facts: Mutex::default(),
            left_open: Mutex::default(),
            stopped: AtomicBool::new(false),
        }
    }

    /// The server is at this address now.
    pub fn moved_to(&self, address: SocketAddr) {
        *self.server.lock().unwrap() = address;
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Everything told, in the order of hearing.
    pub fn facts(&self) -> Vec<Value> {
        self.facts.lock().unwrap().clone()
    }

    /// The latest facts.
    pub fn recent(&self, count: usize) -> Vec<Value> {
        let facts = self.facts.lock().unwrap();
        facts[facts.len().saturating_sub(count)..].to_vec()
    }

    /// One initiator, until the load is stopped.
    pub fn run(&self, lane: u64, mut random: Random) {
        for number in 0.. {
            if self.stopped.load(Ordering::Acquire) {
                return;
            }
            let id = format!("{lane}/{number}");
            match random.below(6) {
                0 => self.managed(&id),
                1 => self.awaiting(&id),
                2 => self.interactive(&id, if random.below(2) == 0 { "confirm" } else { "cancel" }),
                3 => self.begin(&saga(&id, [self.shop.saga("a"), self.shop.saga("b")])),
                4 => self.begin(&message(&id, [self.shop.deliver("mail")])),
                _ => self.leave_open(&id),
            }
            thread::sleep(Duration::from_millis(random.below(8)));
        }
    }

    /// Signals and decides what was left open.
    pub fn settle_all(&self) {
        for (id, verb, body) in std::mem::take(&mut *self.left_open.lock().unwrap()) {
            self.ask(&format!("/v1/transactions/{}/{verb}", id.replace('/', "%2F")), &body);
        }
    }

    fn managed(&self, id: &str) {
        let spec = tcc(id, [self.shop.tcc("stock"), self.shop.tcc("points")]);
        self.begin(&with(spec, json!({ "wait_ms": 500, "labels": { "kind": "managed" } })));
    }

    fn awaiting(&self, id: &str) {
        self.begin(&tcc(id, [awaited("pay")]));
        let path = format!("/v1/transactions/{}/branches/pay/signal", id.replace('/', "%2F"));
        self.ask(&path, &json!({ "outcome": "done", "result": { "for": id } }));
    }

    fn interactive(&self, id: &str, verb: &str) {
        self.begin(&with(tcc(id, []), json!({ "mode": "interactive", "deadline_ms": 600_000 })));
        let path = format!("/v1/transactions/{}", id.replace('/', "%2F"));
        self.ask(&format!("{path}/branches"), &self.shop.tcc("stock"));
        self.ask(&format!("{path}/{verb}"), &json!({}));
    }

    fn leave_open(&self, id: &str) {
        self.begin(&with(tcc(id, [awaited("pay")]), json!({ "deadline_ms": 600_000 })));
        let signal = ("branches/pay/signal", json!({ "outcome": "done", "result": id }));
        self.left_open.lock().unwrap().push((id.to_owned(), signal.0, signal.1));
    }

    fn begin(&self, spec: &Value) {
        self.ask("/v1/transactions", spec);
    }

    /// Asks until it is answered with a 2xx, and notes what was told.
    fn ask(&self, path: &str, body: &Value) {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let http = Http { address: *self.server.lock().unwrap(), token: None };
            match http.try_post(path, body) {
                Ok(Reply { status: 200 | 202, body, .. }) => {
                    self.facts.lock().unwrap().push(body);
                    return;
                }
                Ok(Reply { status: 503, .. }) | Err(_) => thread::sleep(Duration::from_millis(2)),
                Ok(other) => panic!("{path}: {}", other.text),
            }
            assert!(std::time::Instant::now() < end, "{path} was not answered within {PATIENCE:?}");
        }
    }
}
