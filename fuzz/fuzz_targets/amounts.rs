//! Any text, scale and sign as an amount: read exactly as it would be on paper, or refused; never through a float.
//!
//! The promises are checked in `crates/ledger/src/fuzz/amounts.rs`, those of JSON and gRPC in `crates/server/src/fuzz.rs`;
//! `docs/internals/fuzzing.md` says how a finding is replayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ledger::fuzz::amounts(data);
    server::fuzz::amounts(data);
});
