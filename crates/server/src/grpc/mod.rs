//! The gRPC listener: the standard health service (`grpc.health.v1`), which says what the engine says of itself.
//!
//! Needs no token, as `/healthz` and `/readyz` need none: it tells nothing but whether work is taken. The number of its
//! connections is bounded, and one that asks nothing is closed, as over HTTP.

use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, Health};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};
use tower::Service;

use crate::http::{Doing, HttpLimits, Patient, accept};
use crate::listen::Running;

const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Who asks after health keeps few connections.
const CONNECTIONS: usize = 1_000;
const STREAMS: u32 = 64;
/// A watch may last for ever: a stop does not wait for it.
const STOP_WITHIN: Duration = Duration::from_millis(500);
const PING: Duration = Duration::from_secs(30);

/// Serves until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    engine: Engine,
    limits: HttpLimits,
    mut stopping: watch::Receiver<Running>,
) {
    let (reporter, service) = health_reporter();
    report(&reporter, engine.health()).await;
    let watcher = tokio::spawn(keep_reporting(reporter.clone(), engine));
    let routes = Routes::new(service).prepare();
    let places = Arc::new(Semaphore::new(CONNECTIONS.min(limits.connections)));
    let graceful = GracefulShutdown::new();
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
    http.keep_alive_interval(PING).keep_alive_timeout(PING);
    loop {
        let (stream, _) = tokio::select! {
            accepted = accept(&listener) => accepted,
            _ = stopping.wait_for(|running| *running == Running::Stopping) => break,
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let doing = Doing::opened();
        let stream = TokioIo::new(Patient::new(stream, doing.clone(), &limits));
        let routes = routes.clone();
        let service = service_fn(move |request| {
            doing.busy();
            let mut routes = routes.clone();
            async move { routes.call(request).await }
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
    watcher.abort();
    report(&reporter, Health::Stopping).await;
    // What is still watched after that is left.
    let _ = tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await;
}

async fn keep_reporting(reporter: HealthReporter, engine: Engine) {
    let mut reported = engine.health();
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let health = engine.health();
        if health != reported {
            report(&reporter, health).await;
            reported = health;
        }
    }
}

async fn report(reporter: &HealthReporter, health: Health) {
    let serving = match health {
        Health::Ready => ServingStatus::Serving,
        Health::StorageFull | Health::Stopping => ServingStatus::NotServing,
    };
    reporter.set_service_status("", serving).await;
}
