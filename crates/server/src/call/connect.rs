//! Makes connections: resolve, judge every address, connect to an allowed one, wrap in TLS for `https`.
//!
//! The only place that opens a socket to a participant. What is judged is the very address the socket is then opened
//! to, so a name that changes its mind between two look-ups gains nothing. A connection kept for later calls leads to
//! an address that was judged when it was opened, under the same rules: they do not change while the process runs.
//! No proxy is ever taken from the environment. Read next: `policy.rs`, `names.rs`, `tls.rs`.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tower::Service;

use super::names::Resolve;
use super::policy::Policy;
use super::trouble::Trouble;

/// A name with more addresses than this is tried at the first ones only.
const ADDRESSES_MAX: usize = 8;

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send>>;

/// Opens connections to allowed targets within a time of its own: the pool may finish one for later use although the
/// call that wanted it is over.
#[derive(Clone)]
pub(super) struct Connector {
    secured: HttpsConnector<Plain>,
    within: Duration,
}

/// What a connection needs to know.
pub(super) struct Rules {
    pub(super) policy: Policy,
    pub(super) names: Arc<dyn Resolve>,
    pub(super) within: Duration,
}

impl Connector {
    pub(super) fn new(rules: Rules, tls: Arc<rustls::ClientConfig>) -> Self {
        let within = rules.within;
        Connector { secured: HttpsConnector::from((Plain { rules: Arc::new(rules) }, tls)), within }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Trouble;
    type Future = Pending<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (connecting, within) = (self.secured.call(target), self.within);
        Box::pin(async move {
            match timeout(within, connecting).await {
                Ok(connected) => connected.map_err(|error| trouble_of(error.as_ref())),
                Err(_) => Err(Trouble::ConnectTimedOut(within.as_millis())),
            }
        })
    }
}

/// What is not a trouble of ours comes from the TLS handshake.
fn trouble_of(error: &(dyn Error + Send + Sync + 'static)) -> Trouble {
    match error.downcast_ref::<Trouble>() {
        Some(trouble) => trouble.clone(),
        None => Trouble::Tls(error.to_string()),
    }
}

/// Opens the TCP connection below.
#[derive(Clone)]
struct Plain {
    rules: Arc<Rules>,
}

impl Service<Uri> for Plain {
    type Response = TokioIo<TcpStream>;
    type Error = Trouble;
    type Future = Pending<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let rules = Arc::clone(&self.rules);
        Box::pin(async move { rules.open(&target).await.map(TokioIo::new) })
    }
}

impl Rules {
    async fn open(&self, target: &Uri) -> Result<TcpStream, Trouble> {
        let until = Instant::now() + self.within;
        let host = target.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let is_tls = target.scheme() == Some(&Scheme::HTTPS);
        let port = target.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let mut denied = Trouble::Unresolved { name: host.to_owned(), why: "it has no address".to_owned() };
        let mut allowed = Vec::new();
        for ip in self.addresses(host).await?.into_iter().take(ADDRESSES_MAX) {
            let address = SocketAddr::new(ip, port);
            match self.policy.judge(host, address) {
                Ok(()) => allowed.push(address),
                Err(why) => denied = Trouble::Denied(why),
            }
        }
        if allowed.is_empty() { Err(denied) } else { first_of(&allowed, until).await }
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Trouble> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![ip]);
        }
        let unresolved =
            |error: io::Error| Trouble::Unresolved { name: host.to_owned(), why: error.to_string() };
        self.names.resolve(host).await.map_err(unresolved)
    }
}

/// Connects to the first address that answers. Each gets its share of the time, so that a silent one does not use up
/// that of those behind it.
async fn first_of(addresses: &[SocketAddr], until: Instant) -> Result<TcpStream, Trouble> {
    let mut failed = Trouble::Closed;
    let mut left = addresses.len();
    for address in addresses {
        let share = until.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(1).max(1);
        failed = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small requests must not wait for one another; where it cannot be set, they are merely slower.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Trouble::ConnectRefused(*address)
            }
            Ok(Err(error)) => Trouble::NoConnection { at: *address, why: error.to_string() },
            Err(_) => Trouble::NoConnection { at: *address, why: "it does not answer".to_owned() },
        };
        left -= 1;
    }
    Err(failed)
}
