//! Any bytes as the body of `POST /v1/transactions`: never a panic, no unbounded memory or time.
//!
//! What is refused is a refusal in the API's form; what is accepted can be kept, read back and shown. The promises
//! are checked in `crates/server/src/http/fuzz.rs`; `docs/internals/fuzzing.md` says how a finding is replayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| server::fuzz::begin(body));
