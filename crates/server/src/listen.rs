//! Opens the listeners, keeps them running, and stops them without dropping a request that is under way.
//!
//! Decides one thing only: that a server without tokens is not reachable from other machines unless the operator
//! insists. Read `http/mod.rs` for what happens to a request, `grpc/mod.rs` for the other listener.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use transaction::Limits;
use url::Url;

use crate::call::Cidr;
use crate::dtm::DtmConfig;
use crate::http::{HttpLimits, MOST_BRANCHES, Serving, Token};
use crate::resource::Resources;

/// Says whether the coordinator may ever call this URL, judging only what can be judged without a look-up; the words
/// of an `Err` reach the caller. The decisive check is made at every connect.
pub type TargetJudge = Arc<dyn Fn(&Url) -> Result<(), String> + Send + Sync>;

/// What a server is made of.
#[derive(Clone)]
pub struct Config {
    /// Where HTTP is served; port 0 picks a free one.
    pub http: SocketAddr,
    /// Where gRPC is served; port 0 picks a free one.
    pub grpc: SocketAddr,
    /// Who may ask; empty: everybody who can connect.
    pub tokens: Vec<Token>,
    /// What to do about a server without tokens that other machines can reach.
    pub open_door: OpenDoor,
    /// Limits of HTTP requests and connections.
    pub limits: HttpLimits,
    /// Limits of one transaction.
    pub transaction: Limits,
    /// An early look at the URLs of branches; `None`: every URL may be kept.
    pub targets: Option<TargetJudge>,
    /// What `sql` and `redis` branches may name.
    pub resources: Resources,
    /// How DTM's protocol is spoken.
    pub dtm: DtmConfig,
    /// Networks from which DTM's protocol is taken without a token: its clients have no setting for one.
    pub dtm_allow: Vec<Cidr>,
}

impl Config {
    /// A server on these addresses, with the defaults for everything else: no tokens, loopback only.
    #[must_use]
    pub fn new(http: SocketAddr, grpc: SocketAddr) -> Config {
        Config {
            http,
            grpc,
            tokens: Vec::new(),
            open_door: OpenDoor::Refuse,
            limits: HttpLimits::default(),
            transaction: Limits::default(),
            targets: None,
            resources: Resources::default(),
            dtm: DtmConfig::default(),
            dtm_allow: Vec::new(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("http", &self.http)
            .field("grpc", &self.grpc)
            .field("tokens", &self.tokens)
            .field("open_door", &self.open_door)
            .field("limits", &self.limits)
            .field("transaction", &self.transaction)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

/// What to do about a server without tokens that other machines can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenDoor {
    /// Refuse to start.
    #[default]
    Refuse,
    /// Serve everybody (`--insecure`).
    Insecure,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// An address could not be bound.
    #[error("cannot listen on {address} for {what}: {source}")]
    Bind {
        /// Which listener: `http` or `grpc`.
        what: &'static str,
        /// Its address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A listener would be reachable from other machines and there are no tokens.
    #[error(
        "{address} can be reached from other machines and no token is configured: add tokens, listen on 127.0.0.1, or say --insecure"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    http_addr: SocketAddr,
    grpc_addr: SocketAddr,
    stop: watch::Sender<Running>,
    tasks: [JoinHandle<()>; 2],
}

/// Whether the listeners go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    /// They do.
    Yes,
    /// Accept nothing more, finish what is under way.
    Stopping,
}

/// How long a stop waits for the requests that are under way.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Binds both listeners and serves `engine` on them. Names the engine's meters and its own in `registry`, all under the
/// prefix `tercet_`, and serves whatever else the registry holds at `/metrics`.
///
/// # Errors
/// When an address cannot be bound, a setting makes no sense, or the server would be open to other machines.
pub async fn listen(config: Config, engine: Engine, registry: Registry) -> Result<Server, Fault> {
    check(&config)?;
    let (http, http_addr) = bind("http", config.http).await?;
    let (grpc, grpc_addr) = bind("grpc", config.grpc).await?;
    let (stop, stopping) = watch::channel(Running::Yes);
    let serving = Serving::new(config, engine, registry, stopping.clone());
    let tasks = [
        tokio::spawn(crate::http::serve(http, Arc::clone(&serving), stopping.clone())),
        tokio::spawn(crate::grpc::serve(grpc, serving, stopping)),
    ];
    Ok(Server { http_addr, grpc_addr, stop, tasks })
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Fault> {
    let fault = |source| Fault::Bind { what, address, source };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let bound = listener.local_addr().map_err(fault)?;
    Ok((listener, bound))
}

fn check(config: &Config) -> Result<(), Fault> {
    if config.tokens.is_empty() && config.open_door == OpenDoor::Refuse {
        let open = [config.http, config.grpc].into_iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = open {
            return Err(Fault::Open { address });
        }
    }
    if config.transaction.branches > MOST_BRANCHES {
        let given = config.transaction.branches;
        return Err(Fault::Setting(format!("a limit of {given} branches is more than {MOST_BRANCHES}")));
    }
    let weak = config.tokens.iter().find(|token| !token.is_sendable());
    if let Some(token) = weak {
        let name = token.name();
        return Err(Fault::Setting(format!(
            "the token of {name} is empty, or holds a blank or a character outside ASCII"
        )));
    }
    config.limits.check().map_err(Fault::Setting)
}

impl Server {
    /// Where HTTP is served.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Where gRPC is served.
    #[must_use]
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Accepts nothing more, lets the requests under way finish for at most 10 s, and returns.
    /// The engine must go on until then: it has their answers.
    pub async fn stop(self) {
        self.stop.send_replace(Running::Stopping);
        for task in self.tasks {
            // A listener that panicked has said so already; there is nothing left to stop in it.
            let _ = task.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(http: &str) -> Config {
        Config::new(http.parse().unwrap(), "127.0.0.1:0".parse().unwrap())
    }

    #[test]
    fn a_door_open_to_other_machines_needs_tokens_or_insistence() {
        assert!(check(&at("127.0.0.1:0")).is_ok());
        assert!(check(&at("[::1]:0")).is_ok());
        for address in ["0.0.0.0:0", "10.1.2.3:0", "[::]:0"] {
            assert!(matches!(check(&at(address)), Err(Fault::Open { .. })), "{address}");
            let insists = Config { open_door: OpenDoor::Insecure, ..at(address) };
            assert!(check(&insists).is_ok(), "{address}");
            let guarded = Config { tokens: vec![Token::new("shop", "secret")], ..at(address) };
            assert!(check(&guarded).is_ok(), "{address}");
        }
    }

    #[test]
    fn an_open_grpc_door_counts_too() {
        let config = Config { grpc: "0.0.0.0:0".parse().unwrap(), ..at("127.0.0.1:0") };
        assert!(matches!(check(&config), Err(Fault::Open { .. })));
    }

    #[test]
    fn settings_without_sense_are_named() {
        let weak = Config { tokens: vec![Token::new("shop", "se cret")], ..at("127.0.0.1:0") };
        assert!(check(&weak).unwrap_err().to_string().contains("token of shop"));
        let many = Config {
            transaction: Limits { branches: MOST_BRANCHES + 1, ..Limits::default() },
            ..at("127.0.0.1:0")
        };
        assert!(check(&many).unwrap_err().to_string().contains("branches"));
    }
}
