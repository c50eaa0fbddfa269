//! The gRPC listener: the standard health service (`grpc.health.v1`), which says what the engine says of itself.
//!
//! Needs no token, as `/healthz` and `/readyz` need none: it tells nothing but whether work is taken.

use std::time::Duration;

use engine::{Engine, Health};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

use crate::listen::{Running, STOP_WITHIN};

const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, engine: Engine, stopping: watch::Receiver<Running>) {
    let (reporter, service) = health_reporter();
    report(&reporter, engine.health()).await;
    let watcher = tokio::spawn(keep_reporting(reporter, engine));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let mut told = stopping.clone();
    let stopped = async move {
        let _ = told.wait_for(|running| *running == Running::Stopping).await;
    };
    let mut late = stopping;
    let too_late = async move {
        let _ = late.wait_for(|running| *running == Running::Stopping).await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    let server = Server::builder()
        .timeout(Duration::from_secs(30))
        .concurrency_limit_per_connection(64)
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, stopped);
    tokio::select! {
        ended = server => if let Err(error) = ended {
            tracing::error!(%error, "the gRPC listener ended");
        },
        () = too_late => {}
    }
    watcher.abort();
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
