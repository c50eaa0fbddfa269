//! DTM's gRPC protocol as code: messages, and the two sides of each service; the client's side is there for tests.
//!
//! `dtmgimp.rs` and `workflow.rs` are made from `proto/dtmgimp` by `cargo xtask proto` and checked in, so that nobody needs
//! `protoc`.

mod dtmgimp;
pub mod workflow;

pub use dtmgimp::*;

/// The description of both services, for reflection: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!("descriptors.bin");
