//! Makes branch calls over HTTP: the engine's network port for the world outside.
//!
//! Translates a call into a request and an answer into a reply, and bounds both in time and memory. It never decides
//! what a reply means for a transaction, never repeats a request, never follows a redirect, and never writes a body,
//! a header, a secret or a URL to the log.
//!
//! Read `caller.rs` (one call from end to end), then `policy.rs` (who may be called) and `reply.rs` (what comes back).

mod caller;
mod connect;
mod dtm;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod names;
mod policy;
mod reply;
mod request;
mod tls;
mod trouble;

use std::path::PathBuf;

use crate::resource::Resources;
pub use participant::call::Signature;

pub use caller::HttpCaller;
pub use dtm::DtmVerdict;
pub use names::{Resolve, Resolving, SystemNames};
pub use policy::{Cidr, HostRule, Loopback, Policy};
#[cfg(feature = "resources")]
pub(crate) use reply::answered;

/// Settings of the outbound calls.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which targets may be called.
    pub policy: Policy,
    /// What answers calls that do not go over the network.
    pub resources: Resources,
    /// The largest body of an answer, in bytes. A larger one is *unknown*.
    pub max_response: usize,
    /// Certificate authorities to trust instead of the operating system's, as PEM.
    pub ca_file: Option<PathBuf>,
    /// Signs every call, for participants that share the secret; `None`: calls are not signed.
    pub signature: Option<Signature>,
    /// Bound on making one connection (name, TCP and TLS), in milliseconds. The call's own time-out bounds it too.
    pub connect_timeout_ms: u64,
    /// How the answers of DTM's participants are read.
    pub dtm: DtmVerdict,
    /// Connections kept open without work, per scheme, host and port.
    pub idle_per_participant: usize,
    /// How long a connection without work is kept, in milliseconds.
    pub idle_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            policy: Policy::default(),
            resources: Resources::default(),
            max_response: 64 * 1024,
            ca_file: None,
            signature: None,
            connect_timeout_ms: 3_000,
            dtm: DtmVerdict::Parsed,
            idle_per_participant: 128,
            idle_ms: 30_000,
        }
    }
}

/// Why calls cannot be made at all: a setting to mend before the server starts.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file of certificate authorities is of no use.
    #[error("ca_file {}: {why}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(rustls::Error),
}
