//! Speaks: the native HTTP API, gRPC, DTM's protocol, and the calls to participants. Translation and auth, no judgement.
//!
//! The async world lives here: `engine` answers by callback from a thread of its own. Wire types live here only.
//! Read `listen.rs` (what a server is), then `http/mod.rs` (what happens to a request).

pub mod call;
pub mod dtm;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod grpc;
mod http;
mod listen;
pub mod refusal;
mod resource;

pub use http::{HttpLimits, MOST_BRANCHES, MachineBody, Token, openapi_document};
pub use listen::{Config, Fault, OpenDoor, Server, TargetJudge, listen};
pub use refusal::refusals;
#[cfg(feature = "resources")]
pub use resource::Around;
pub use resource::{ResourceFault, Resources};
