//! Global transactions as an initiator asks for them: built with types, begun, waited for, decided.
//!
//! What a pattern does not have does not compile: a saga's branch has no confirm, a message no hold. Everything else is the
//! coordinator's to judge, and its refusal is in [`Fault`](super::Fault). Every verb carries ids of the caller's choosing,
//! so one that broke is repeated by itself and takes effect once. What stays unknown is told as unknown.
//!
//! Read `begin.rs` (what is asked for), `branch.rs` (its parts), `progress.rs` (what is answered), then `verbs.rs`.

mod begin;
mod branch;
#[cfg(feature = "grpc")]
mod grpc;
mod held;
#[cfg(feature = "http")]
mod json;
#[cfg(feature = "http")]
mod object;
mod progress;
mod verbs;

pub use begin::{Checked, Led, Managed, Message, Patience, Pattern, Saga, Tcc, Transaction};
pub use branch::{Branch, Call, Hold, Item, Resource, Unbound, Waits};
pub use held::{Interactive, Prepared};
pub use progress::{BranchProgress, Decision, Progress, Reason, Step};
pub use verbs::Signal;
