//! Acts: what a service links to be a participant, or an initiator. Knows no room of the coordinator but its rule and
//! its protocol.
//!
//! A participant: [`barrier`] makes each operation take effect once, in front of one of the databases of [`database`], or
//! with [`redis`] in front of that store; [`call`] is what comes and what is answered; [`axum`] ties them to a web server.
//! An initiator: [`client`]. [`proto`] is the protocol as code, generated
//! from `proto/tercet/v1`.

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "barrier")]
pub mod barrier;
#[cfg(feature = "call")]
pub mod call;
#[cfg(feature = "calls")]
pub mod client;
#[cfg(feature = "sql")]
pub mod database;
pub mod proto;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "tonic")]
pub mod tonic;
