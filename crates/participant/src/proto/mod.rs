//! The protocol as code: messages, and the two sides of each service.
//!
//! `generated.rs` is made from `proto/tercet/v1` by `cargo xtask proto` and checked in, so that nobody needs `protoc`.
//! Written by hand is the batch of the fast path alone, in `apply_request.rs`: it is read and written without an object per
//! member.

mod apply_request;
mod generated;

pub use apply_request::{ApplyRequest, EachMember, Members};
pub use generated::*;

/// The description of all services, for reflection: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!("descriptors.bin");
