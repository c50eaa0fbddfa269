//! Any bytes as everything else that comes in over HTTP: the other bodies, paths, queries, trace headers, and what
//! participants answer. Never a panic, no unbounded memory or time.
//!
//! The first byte chooses the reader. The promises are checked in `crates/server/src/http/fuzz.rs` and
//! `crates/server/src/call/fuzz.rs`; `docs/internals/fuzzing.md` says how a finding is replayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| server::fuzz::bodies(data));
