//! Any bytes as a machine's file, TOML or JSON, and what was made of it as the body of `POST /v1/machines`.
//!
//! Refused with a place, or a machine that reads back as itself over every way. The promises are checked in
//! `crates/cli/src/machine/fuzz.rs` and `crates/server/src/http/fuzz/ledger.rs`; `docs/internals/fuzzing.md` says how a
//! finding is replayed.

#![no_main]

#[path = "../../crates/cli/src/machine/file.rs"]
#[allow(dead_code, reason = "nothing is read from a disk here")]
mod file;
#[path = "../../crates/cli/src/machine/fuzz.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(json) = promises::machine_file(data) {
        server::fuzz::machine(json.as_bytes());
    }
});
