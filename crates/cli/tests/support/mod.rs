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
//! Where DTM's protocol is tested, the client and the participant are those of `dtm`.
//! Read next: `tercet.rs` (the server under test), and the crate `lab`, which shares its `participant.rs`, `http.rs`, `spec.rs` (requests).
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

pub mod dtm;
mod ledger;
mod tercet;

pub use lab::answer::{Answer, Gate, done, done_with, fails, in_progress, never, raw, refused};
pub use lab::http::{Http, Reply};
pub use lab::participant::{Call, Participant};
pub use lab::patience::{PATIENCE, until};
pub use lab::server::Ended;
pub use lab::spec::{awaited, message, saga, tcc, with};
pub use ledger::{at_once, hold, item, raise_limit};
pub use tercet::{Tercet, tercet};
