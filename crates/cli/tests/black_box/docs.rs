//! The participant that the documentation gives away, `examples/participant.py`: its barrier against every hazard, and a
//! whole transaction with it. It runs on python3; where there is none this fails and says so.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Http, Tercet, tcc, until, with};

/// A stock of ten.
struct Stock {
    child: Child,
    http: Http,
    database: PathBuf,
    _folder: TempDir,
}

impl Stock {
    fn start() -> Stock {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/participant.py");
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("stock.db");
        // The script is told its port; this one was free a moment ago.
        let address: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).arg(address.port().to_string()).arg(&database).arg("10");
        let child = command
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is not installed: the documentation's participant needs it");
        let stock = Stock { child, http: Http { address, token: None }, database, _folder: folder };
        until("the participant to listen", || stock.http.try_get("/").ok());
        stock
    }

    /// The status of one call as the coordinator makes it.
    fn call(&self, transaction: &str, operation: &str) -> u16 {
        let headers = [
            ("tercet-transaction", transaction),
            ("tercet-branch", "stock"),
            ("tercet-operation", operation),
        ];
        self.http.send(("POST", "/x"), &headers, json!({ "n": 2 }).to_string().as_bytes()).unwrap().status
    }

    /// What is free and what is held.
    fn books(&self) -> (i64, i64) {
        let database = rusqlite::Connection::open(&self.database).unwrap();
        database.query_row("SELECT free, held FROM amount", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    fn branch(&self) -> Value {
        let url = |operation: &str| format!("http://{}/{operation}", self.http.address);
        json!({
            "id": "stock", "kind": "call", "body": { "n": 2 },
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
        assert_eq!(stock.call(transaction, operation), status, "{operation} of {transaction}");
        assert_eq!(stock.books(), (free, held), "after {operation} of {transaction}");
    }
    for transaction in ["d", "e", "f", "g"] {
        assert_eq!(stock.call(transaction, "try"), 200);
    }
    assert_eq!(stock.call("h", "try"), 409);
    assert_eq!(stock.call("h", "cancel"), 200, "a refused try is cancelled like any other");
    assert_eq!(stock.books(), (0, 8));
}

#[test]
fn duplicates_at_the_same_time_take_effect_once() {
    let stock = Stock::start();
    let together = |operation: &str| {
        thread::scope(|scope| {
            let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| stock.call("a", operation))).collect();
            calls.into_iter().all(|call| call.join().unwrap() == 200)
        })
    };
    assert!(together("try"));
    assert_eq!(stock.books(), (8, 2));
    assert!(together("cancel"));
    assert_eq!(stock.books(), (10, 0));
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
    assert_eq!(server.show("t-5")["reason"]["code"], "branch_refused");
    assert_eq!(stock.books(), (0, 0));
}
