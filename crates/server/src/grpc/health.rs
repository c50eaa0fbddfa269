//! The standard health service (`grpc.health.v1`), which says what the engine says of itself.

use std::time::Duration;

use engine::{Engine, Health};
use tokio::task::AbortHandle;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The health that is told, and the task that keeps it true.
pub(super) struct Told {
    reporter: HealthReporter,
    watcher: AbortHandle,
}

impl Told {
    /// Tells the health of `engine` from now on.
    pub(super) async fn of(engine: &Engine) -> Told {
        let reporter = HealthReporter::new();
        report(&reporter, engine.health()).await;
        let watcher = tokio::spawn(keep_reporting(reporter.clone(), engine.clone())).abort_handle();
        Told { reporter, watcher }
    }

    /// The service.
    pub(super) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Says that nothing is taken any more, for good.
    pub(super) async fn stopping(&self) {
        self.watcher.abort();
        report(&self.reporter, Health::Stopping).await;
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.watcher.abort();
    }
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
