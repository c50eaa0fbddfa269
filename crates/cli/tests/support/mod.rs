//! What black-box tests stand on: the real binary on a temporary folder, a plain HTTP caller, and participants whose
//! answers a test writes beforehand and whose calls it reads afterwards.
//!
//! ```no_run
//! let shop = Participant::start();
//! shop.answers("stock", "try", [refused("sold out")]);       // further calls repeat the last answer; unscripted: done
//! let tercet = Tercet::start();
//! let reply = tercet.post("/v1/transactions", &tcc("t-1", [shop.tcc("stock"), shop.tcc("points")]));
//! tercet.wait_final("t-1");
//! shop.calls("stock", "cancel");                             // what came, with headers and body
//! ```
//!
//! Nothing here knows a rule of the API; a test waits for a fact (`wait_final`, `wait_calls`), never for a time.
//! Everything listens on port 0 of the loopback address and ends with the value that started it.
//! Read next: `tercet.rs` (the server as a process), `participant.rs`, `http.rs`, `spec.rs` (requests).
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

mod answer;
mod http;
mod ledger;
mod participant;
mod spec;
mod tercet;

pub use answer::{Answer, Gate, done, done_with, fails, in_progress, never, raw, refused};
pub use http::{Http, Reply};
pub use ledger::{at_once, hold, item, raise_limit};
pub use participant::{Call, Participant};
pub use spec::{awaited, message, saga, tcc, with};
pub use tercet::{Ended, Tercet, tercet};

use std::time::{Duration, Instant};

/// How long a fact may take before the test fails: long, for a busy machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` finds something; fails, naming `what`, when patience ends.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
