//! One call from end to end: build the request, send it, hear the answer, all within the call's time-out.
//!
//! One task per call; the engine's threads never wait. A request is sent at most once: whether to ask again is the
//! engine's to say. Read next: `request.rs`, `connect.rs`, `reply.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::{Heard, Network};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use participant::call::Signature;
use tokio::runtime::Handle;
use transaction::{Call, Reply};

use super::connect::{Connector, Rules};
use super::dtm::{self, DtmVerdict, Ways};
use super::names::{Resolve, SystemNames};
use super::trouble::Trouble;
use super::{Config, Fault, reply, request, tls};
use crate::resource::{self, Carried, Resources};

/// The largest head of an answer, in bytes; its headers may be 100 at most.
const HEAD_MAX: usize = 64 * 1024;

/// Makes branch calls over HTTP/1.1, and over HTTP/2 where they are gRPC's, keeping connections open between them.
pub struct HttpCaller {
    wire: Arc<Wire>,
    runtime: Handle,
}

struct Wire {
    resources: Resources,
    pool: Client<Connector, Full<Bytes>>,
    /// The same connector, for gRPC.
    framed: Client<Connector, Full<Bytes>>,
    dtm: DtmVerdict,
    max_response: usize,
    signature: Option<Signature>,
}

impl HttpCaller {
    /// A caller whose calls run on `runtime` and whose names the operating system resolves.
    ///
    /// # Errors
    /// When `ca_file` is of no use.
    pub fn new(config: Config, runtime: Handle) -> Result<Self, Fault> {
        HttpCaller::resolving(config, runtime, Arc::new(SystemNames::default()))
    }

    /// A caller whose names `names` resolves.
    ///
    /// # Errors
    /// When `ca_file` is of no use.
    pub fn resolving(config: Config, runtime: Handle, names: Arc<dyn Resolve>) -> Result<Self, Fault> {
        let tls = tls::settings(config.ca_file.as_deref())?;
        let within = Duration::from_millis(config.connect_timeout_ms);
        let connector = Connector::new(Rules { policy: config.policy, names, within }, tls);
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_millis(config.idle_ms))
            .pool_max_idle_per_host(config.idle_per_participant)
            .http1_max_buf_size(HEAD_MAX)
            // A request on a connection that closes is *unknown*, never sent again behind the engine's back.
            .retry_canceled_requests(false)
            .build(connector.clone());
        let framed = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_millis(config.idle_ms))
            .http2_only(true)
            // A reason stands in the head or the trailers, percent-encoded: it needs the room that a body has elsewhere.
            .http2_max_header_list_size(u32::try_from(HEAD_MAX).unwrap_or(u32::MAX))
            .retry_canceled_requests(false)
            .build(connector);
        let Config { resources, max_response, signature, dtm, .. } = config;
        let wire = Wire { resources, pool, framed, dtm, max_response, signature };
        Ok(HttpCaller { wire: Arc::new(wire), runtime })
    }
}

impl Network for HttpCaller {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        // One hand-over wakes one worker, and the calls start from there: a wake for each would cost more than the call.
        let calls: Vec<_> = calls.into_iter().map(|(call, heard)| (call, Ear(Some(heard)))).collect();
        let wire = Arc::clone(&self.wire);
        self.runtime.spawn(async move {
            for (call, ear) in calls {
                tokio::spawn(Arc::clone(&wire).make(call, ear));
            }
        });
    }

    /// A resource is a participant by its whole URL.
    fn participant(&self, url: &str) -> String {
        match resource::of_url(url) {
            Some(_) => url.to_owned(),
            None => engine::participant_of(url),
        }
    }
}

impl Wire {
    async fn make(self: Arc<Wire>, call: Call, ear: Ear) {
        let begun = Instant::now();
        let Carried { reply, place } = self.call(&call).await;
        log(&call, &reply, begun.elapsed());
        ear.hear(reply);
        drop(place);
    }

    async fn call(&self, call: &Call) -> Carried {
        let within = Duration::from_millis(call.timeout_ms.max(1));
        match tokio::time::timeout(within, self.exchange(call)).await {
            Ok(carried) => carried.unwrap_or_else(Carried::from),
            Err(_) => Trouble::TimedOut(call.timeout_ms).into(),
        }
    }

    async fn exchange(&self, call: &Call) -> Result<Carried, Trouble> {
        if let Some(raw) = &call.raw {
            let (plain, framed) = (&self.pool, &self.framed);
            let ways = Ways { plain, framed, verdict: self.dtm, max: self.max_response };
            return Ok(Carried { reply: dtm::exchange(call, raw, ways).await?, place: None });
        }
        if let Some(carried) = self.resources.carry_out(call).await {
            return Ok(carried);
        }
        let answer = self.pool.request(request::of(call, self.signature.as_ref())?).await?;
        let expected = reply::Expected { result: reply::Kept::of(call.operation), max: self.max_response };
        Ok(Carried { reply: reply::of(answer, expected).await?, place: None })
    }
}

impl From<Trouble> for Carried {
    fn from(trouble: Trouble) -> Self {
        Carried { reply: trouble.into(), place: None }
    }
}

/// Who waits for the reply: told exactly once, even when the runtime stops in the middle of a call.
struct Ear(Option<Heard>);

impl Ear {
    fn hear(mut self, reply: Reply) {
        if let Some(heard) = self.0.take() {
            heard(reply);
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Some(heard) = self.0.take() {
            heard(Trouble::Stopped.into());
        }
    }
}

/// What an operator needs to follow a call. Never a URL (its query may be a secret), a header or a body.
fn log(call: &Call, reply: &Reply, took: Duration) {
    let (name, error) = match reply {
        Reply::Done { .. } => ("done", None),
        Reply::Refused { .. } => ("refused", None),
        Reply::InProgress => ("in_progress", None),
        Reply::Unknown { error } => ("unknown", Some(&**error)),
    };
    tracing::debug!(
        transaction = &*call.transaction,
        branch = &*call.branch,
        operation = call.operation,
        attempt = call.attempt,
        trace_id = %request::TraceId(call.trace),
        reply = name,
        error,
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "branch call"
    );
}
