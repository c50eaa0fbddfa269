//! The participant that the documentation gives away, `docs/start/participant.py`: its barrier against every hazard, and
//! a whole transaction with it. It runs on python3; where there is none this fails and says so.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Http, Tercet, tcc, with};

struct Stock {
    child: Child,
    http: Http,
    _folder: TempDir,
}

impl Stock {
    fn start() -> Stock {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/start/participant.py");
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).arg("0").arg(folder.path().join("stock.db")).stdout(Stdio::piped());
        let mut child =
            command.spawn().expect("python3 is not installed: the documentation's participant needs it");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let address: SocketAddr = line.trim().strip_prefix("stock on http://").unwrap().parse().unwrap();
        thread::spawn(move || lines.lines().count());
        Stock { child, http: Http { address, token: None }, _folder: folder }
    }

    /// One call as the coordinator makes it: status and detail.
    fn call(&self, transaction: &str, operation: &str) -> (u16, String) {
        let headers = [
            ("tercet-transaction", transaction),
            ("tercet-branch", "stock"),
            ("tercet-operation", operation),
        ];
        let body = json!({ "sku": "A", "n": 2 }).to_string();
        let reply = self.http.send(("POST", "/x"), &headers, body.as_bytes()).unwrap();
        (reply.status, reply.body["detail"].as_str().unwrap_or_default().to_owned())
    }

    fn books(&self) -> (Value, Value) {
        let body = self.http.try_get("/").unwrap().body;
        (body["free"]["A"].clone(), body["held"].clone())
    }

    fn branch(&self) -> Value {
        let url = |operation: &str| format!("http://{}/{operation}", self.http.address);
        json!({
            "id": "stock", "kind": "call", "body": { "sku": "A", "n": 2 },
            "try": url("try"), "confirm": url("confirm"), "cancel": url("cancel"),
        })
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn its_barrier_stands_every_hazard() {
    let stock = Stock::start();
    // Transaction, operation, status, and what is free and held afterwards; ten are there at first.
    let steps = [
        ("a", "try", 200, 8, 2),
        ("a", "try", 200, 8, 2), // a duplicate
        ("a", "confirm", 200, 8, 0),
        ("a", "confirm", 200, 8, 0), // a duplicate
        ("a", "try", 200, 8, 0),     // a duplicate long after
        ("a", "cancel", 409, 8, 0),  // a cancel after the confirm
        ("b", "cancel", 200, 8, 0),  // an empty cancel
        ("b", "cancel", 200, 8, 0),
        ("b", "try", 409, 8, 0), // a late try
        ("b", "confirm", 409, 8, 0),
        ("c", "confirm", 409, 8, 0), // a confirm without a try
        ("c", "try", 200, 6, 2),
        ("c", "cancel", 200, 8, 0),
        ("c", "cancel", 200, 8, 0),
        ("c", "confirm", 409, 8, 0), // a confirm after the cancel
    ];
    for (transaction, operation, status, free, held) in steps {
        let (answered, detail) = stock.call(transaction, operation);
        assert_eq!(answered, status, "{operation} of {transaction}: {detail}");
        assert_eq!(stock.books(), (json!(free), json!(held)), "after {operation} of {transaction}");
    }
    for transaction in ["d", "e", "f", "g"] {
        assert_eq!(stock.call(transaction, "try").0, 200);
    }
    assert_eq!(stock.call("h", "try"), (409, "sold out".to_owned()));
    assert_eq!(stock.call("h", "cancel").0, 200, "a refused try is cancelled like any other");
    assert_eq!(stock.books(), (json!(0), json!(8)));
}

#[test]
fn duplicates_at_the_same_time_take_effect_once() {
    let stock = Stock::start();
    let together = |operation: &str| {
        thread::scope(|scope| {
            let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| stock.call("a", operation).0)).collect();
            calls.into_iter().all(|call| call.join().unwrap() == 200)
        })
    };
    assert!(together("try"));
    assert_eq!(stock.books(), (json!(8), json!(2)));
    assert!(together("cancel"));
    assert_eq!(stock.books(), (json!(10), json!(0)));
}

#[test]
fn a_transaction_with_it_sells_once_and_a_refused_one_takes_nothing() {
    let stock = Stock::start();
    let server = Tercet::start();
    let wait = json!({ "wait_ms": 20_000 });
    for number in 0..6 {
        let spec = with(tcc(&format!("t-{number}"), [stock.branch()]), wait.clone());
        let state = server.post("/v1/transactions", &spec).is(200).body["state"].clone();
        assert_eq!(state, if number < 5 { "confirmed" } else { "cancelled" }, "t-{number}");
    }
    assert_eq!(server.show("t-5")["reason"]["detail"], "sold out");
    assert_eq!(stock.books(), (json!(0), json!(0)));
}
