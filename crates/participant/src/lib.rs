//! Acts: what a service links to speak with a coordinator. Knows no room of the coordinator but its protocol.
//!
//! [`proto`] is the protocol as code, generated from `proto/tercet/v1`.

pub mod proto;
