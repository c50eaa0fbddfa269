//! Acts: what a service links to be a participant, or an initiator. Knows no room of the coordinator but its rule and
//! its protocol.
//!
//! A participant: [`barrier`] makes each operation take effect once, in front of one of the databases of [`database`], or
//! with [`redis`] in front of that store; [`call`] is what comes and what is answered; [`axum`] and [`tonic`] tie them to
//! a server; [`sources`] says which of several databases a call's books are in. An initiator: [`client`]; [`outbox`] sends what its own local transaction decided, [`inbox`] takes such a
//! message in once. [`proto`] is the protocol as code, generated
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
#[cfg(feature = "sql")]
pub mod inbox;
#[cfg(feature = "sql")]
pub mod outbox;
pub mod proto;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sources")]
pub mod sources;
#[cfg(feature = "tonic")]
pub mod tonic;
