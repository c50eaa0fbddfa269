//! The gRPC listener: the ledger and transactions (`tercet.v1`), reflection, and the standard health service.
//!
//! The door is HTTP's: the same tokens, in the metadata `authorization`, and the same refusals, whose stable code goes
//! along as `tercet-code`. Health needs no token, as `/healthz` and `/readyz` need none: it tells nothing but whether
//! work is taken. The number of connections is bounded, and one that asks nothing is closed, as over HTTP.
//! Read `apply.rs` (the fast path), then `ledger.rs` (every other verb).

mod apply;
mod batch;
mod fields;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod health;
mod intake;
mod ledger;
mod member;
mod refused;
mod seen;
mod transactions;

use std::convert::Infallible;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use intake::{Counted, Held, Intake};
use participant::proto::ledger_server::LedgerServer;
use participant::proto::transactions_server::TransactionsServer;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Request, Status};
use tower::Service;
use transaction::Refusal;

use crate::dtm;
use crate::http::{Admitted, Doing, Patient, Serving, accept};
use crate::listen::{Running, STOP_WITHIN};

/// Who asks over gRPC keeps few connections and asks much over each.
const CONNECTIONS: usize = 1_000;
const STREAMS: u32 = 256;
/// Bytes of one message that comes in.
const MESSAGE_BYTES: usize = 8 * 1024 * 1024;
/// What a peer may send before we take it: of one stream, and of a connection. A batch is half a mebibyte.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
const FRAME_BYTES: u32 = 256 * 1024;
/// A watch of health may last for ever: a stop does not wait for it.
const WATCHES_WITHIN: Duration = Duration::from_millis(500);
const PING: Duration = Duration::from_secs(30);

/// What is said before anybody asks who it is.
const OPEN_TO_ALL: &str = "/grpc.health.v1.Health/";

/// One call whose caller is known, as the verbs see it.
#[derive(Clone)]
pub(crate) struct Call {
    admitted: Admitted,
    intake: Arc<Intake>,
    /// What is held in all calls.
    all: Arc<Held>,
    /// While it is held, a stop waits.
    _under_way: mpsc::Sender<Infallible>,
}

impl Call {
    /// Who asks, and the way to the engine.
    pub(crate) fn admitted(&self) -> &Admitted {
        &self.admitted
    }
}

/// What all connections share.
#[derive(Clone)]
struct Listening {
    serving: Arc<Serving>,
    all: Arc<Held>,
    under_way: mpsc::WeakSender<Infallible>,
    routes: Routes,
}

/// Serves until told to stop, then lets what is under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    serving: Arc<Serving>,
    mut stopping: watch::Receiver<Running>,
) {
    let health = health::Told::of(serving.engine()).await;
    let (under_way, mut all_done) = mpsc::channel(1);
    let listening = Listening {
        serving: Arc::clone(&serving),
        all: Arc::default(),
        under_way: under_way.downgrade(),
        routes: routes(&health),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS.min(serving.limits().connections)));
    let graceful = GracefulShutdown::new();
    let http = protocol();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            _ = stopping.wait_for(|running| *running == Running::Stopping) => break,
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let doing = Doing::opened();
        let stream = TokioIo::new(Patient::new(stream, doing.clone(), serving.limits()));
        let (listening, from) = (listening.clone(), peer.ip().to_canonical());
        let service = service_fn(move |request| {
            doing.busy();
            let listening = listening.clone();
            async move { Ok::<_, Infallible>(listening.respond(from, request).await) }
        });
        let conversation = graceful.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = conversation.await {
                tracing::debug!(%error, "a gRPC connection broke off");
            }
        });
    }
    drop(listener);
    health.stopping().await;
    drop(under_way);
    let last = async {
        if tokio::time::timeout(STOP_WITHIN, all_done.recv()).await.is_err() {
            tracing::warn!("gRPC calls were still under way after {STOP_WITHIN:?} and are left");
        }
        // What is still watched after that is left.
        tokio::time::sleep(WATCHES_WITHIN).await;
    };
    tokio::select! {
        () = graceful.shutdown() => {}
        () = last => {}
    }
}

fn protocol() -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
    http.keep_alive_interval(PING).keep_alive_timeout(PING);
    http.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    http.max_frame_size(FRAME_BYTES);
    http
}

fn routes(health: &health::Told) -> Routes {
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(participant::proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(dtm::proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reason = "the descriptions are checked in and tested";
    Routes::new(health.service())
        .add_service(LedgerServer::new(ledger::LedgerVerbs).max_decoding_message_size(MESSAGE_BYTES))
        .add_service(
            TransactionsServer::new(transactions::TransactionVerbs).max_decoding_message_size(MESSAGE_BYTES),
        )
        .add_service(dtm::grpc::service().max_decoding_message_size(MESSAGE_BYTES))
        .add_service(described().build_v1().expect(reason))
        .add_service(described().build_v1alpha().expect(reason))
        .prepare()
}

impl Listening {
    /// Answers one request; never fails, whatever it holds.
    async fn respond<B>(mut self, from: IpAddr, request: http::Request<B>) -> http::Response<Body>
    where
        B: hyper::body::Body<Data = Bytes, Error: Error + Send + Sync + 'static> + Send + Unpin + 'static,
    {
        let intake = Intake::new(&self.all);
        let counted = Arc::clone(&intake);
        let mut request = request.map(|body| Counted::new(body, counted));
        let is_dtm = request.uri().path().starts_with(dtm::grpc::SERVICE);
        if !request.uri().path().starts_with(OPEN_TO_ALL) {
            let headers = request.headers();
            let admitted = if is_dtm {
                self.serving.admit_dtm(from, headers)
            } else {
                self.serving.admit(from, headers)
            };
            match self.call(admitted, intake) {
                Ok(call) => drop(request.extensions_mut().insert(call)),
                Err(status) => return status.into_http(),
            }
        }
        match self.routes.call(request).await {
            // That protocol has statuses of its own.
            Ok(response) if is_dtm => response,
            Ok(response) => ours(response),
            Err(never) => match never {},
        }
    }

    fn call(&self, admitted: Result<Admitted, Refusal>, intake: Arc<Intake>) -> Result<Call, Status> {
        let admitted = admitted.map_err(|refusal| refused::status(&refusal))?;
        let stopping = || refused::status(&engine::refusal::STOPPING.because("the process is going down"));
        let under_way = self.under_way.upgrade().ok_or_else(stopping)?;
        Ok(Call { admitted, intake, all: Arc::clone(&self.all), _under_way: under_way })
    }
}

/// Gives a status that tonic made before a verb was reached the code that it has with us.
fn ours(response: http::Response<Body>) -> http::Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok => refused::unread(status).into_http(),
        _ => response,
    }
}

/// Who calls, and what is asked.
pub(crate) fn asked<T>(request: Request<T>) -> Result<(Call, T), Status> {
    let (_, mut extensions, message) = request.into_parts();
    match extensions.remove::<Call>() {
        Some(call) => Ok((call, message)),
        None => Err(Status::internal("the call came in without its caller")),
    }
}
