//! Any bytes as a journal's segments: never a panic, no unbounded memory or time.
//!
//! A journal that verifies opens, holds what was told, has a whole chain, and goes on; one that does not is refused
//! and left as it was. The promises are checked in `crates/journal/src/file/fuzz.rs`; `docs/internals/fuzzing.md` says
//! how a finding is replayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| journal::file::fuzz::reader(data));
