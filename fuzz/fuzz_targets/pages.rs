//! Any bytes as pages of live state at a start: never a panic, no unbounded memory or time.
//!
//! What is taken over is written as pages that load again and are the same. The promises are checked in
//! `crates/ledger/src/fuzz/pages.rs`; `docs/internals/fuzzing.md` says how a finding is replayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ledger::fuzz::pages(data));
