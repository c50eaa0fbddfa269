//! Any bytes as a gRPC call: the messages of every method, the stream `Apply`, and frames that are split, cut, oversized
//! or said to be compressed. Never a panic, no unbounded memory or time; an answer, or a status that says what is wrong.
//!
//! The promises are checked in `crates/server/src/grpc/fuzz.rs`; `docs/internals/fuzzing.md` says how a finding is
//! replayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| server::fuzz::frames(data));
