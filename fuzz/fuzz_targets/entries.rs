//! Any bytes as the payload of a frame: never a panic, no unbounded memory or time, never more entries than bytes.
//!
//! What is read lies in the payload as it stands, and what decodes encodes to something that decodes to the same.
//! The promises are checked in `crates/engine/src/fuzz.rs`; `docs/internals/fuzzing.md` says how a finding is replayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|payload: &[u8]| engine::fuzz::entries(payload));
