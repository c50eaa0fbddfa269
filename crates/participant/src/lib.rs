//! Acts: what a service links to speak with a coordinator. Knows no room of the coordinator but its protocol.
//!
//! [`proto`] is the protocol as code, generated from `proto/tercet/v1`. [`client`] is a caller's side of it: begin there.

#[cfg(feature = "calls")]
pub mod client;
pub mod proto;
