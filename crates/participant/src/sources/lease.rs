//! A lease: the right to a source's connections for one piece of work. While it lasts the pool stays open, whatever is
//! reloaded; and whatever its connections meet is counted and told to the source's health.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;

use super::health::{is_refused, take_in};
use super::meters::Failed;
use super::plan::Role;
use super::source::Source;
use super::standing::{Phase, Seen};
use super::uses::{Use, Uses};
use super::{Probe, SourceFault, locked};
use crate::database::{Acquiring, Origin};

#[derive(Debug)]
pub(super) struct Lease<D: Probe> {
    pub(super) source: Arc<Source<D>>,
    _source: Use,
    _plan: Use,
}

impl<D: Probe> Lease<D> {
    /// To be taken while the plan is sure to be in force.
    pub(super) fn take(source: &Arc<Source<D>>, plan: &Arc<Uses>) -> Lease<D> {
        Lease { source: Arc::clone(source), _source: source.uses.enter(), _plan: plan.enter() }
    }

    pub(super) async fn connect(&self) -> Result<PoolConnection<D>, sqlx::Error> {
        let Source { pool, standing, meters, .. } = &*self.source;
        let (waiting, began) = (meters.wait(), Instant::now());
        let acquired = tokio::select! {
            biased;
            // Nobody waits for a source that is out.
            () = standing.out() => Err(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::NotConnected,
                "the source went out while a connection was waited for",
            ))),
            acquired = pool.acquire() => acquired,
        };
        drop(waiting);
        match &acquired {
            Ok(_) => meters.acquiring.observe(began.elapsed()),
            Err(fault) => self.met(fault),
        }
        acquired
    }

    /// Counts a fault, and has the source looked at when it may be the source's.
    pub(super) fn met(&self, fault: &sqlx::Error) {
        let Source { name, standing, meters, health, .. } = &*self.source;
        let failed = kind::<D>(fault);
        meters.fail(failed);
        if is_refused(fault) {
            let health = *locked(health);
            let seen = Seen::Gone(format!("it can't be reached: {fault}"));
            take_in((name, standing, meters), seen, &health);
        }
        if matches!(failed, Failed::Pool | Failed::Connection) {
            standing.nudge.notify_one();
        }
    }

    /// Of a connection that was not had, or on which nothing was begun.
    pub(super) fn not_begun(&self, fault: sqlx::Error) -> SourceFault {
        match self.source.standing.phase() {
            // It says more than what this very connection met.
            phase @ Phase::Out { .. } if self.source.declared.role() == Role::Primary => {
                down(&self.source.name, &phase)
            }
            _ => self.fault(fault),
        }
    }

    /// Of what was begun: whether it took place may not be known.
    pub(super) fn fault(&self, fault: sqlx::Error) -> SourceFault {
        SourceFault::Database { source_name: self.source.name.to_string(), fault }
    }
}

/// The refusal of a primary that is not in.
pub(super) fn down(name: &str, phase: &Phase) -> SourceFault {
    let (since, why) = match phase {
        Phase::Out { since, why } => (since.elapsed(), why.clone()),
        Phase::New | Phase::In => (Duration::ZERO, "it was not looked at yet".to_owned()),
    };
    SourceFault::PrimaryDown { source_name: name.to_owned(), since, why }
}

fn kind<D: Probe>(fault: &sqlx::Error) -> Failed {
    use sqlx::Error;
    match fault {
        Error::PoolTimedOut | Error::PoolClosed => Failed::Pool,
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::WorkerCrashed => Failed::Connection,
        Error::Database(told) => {
            let code = told.code().unwrap_or_default();
            // SQLSTATE: connection exceptions, and the server's shutting down.
            if code.starts_with("08") || code.starts_with("57P0") {
                Failed::Connection
            } else if D::is_contention(fault) {
                Failed::Contention
            } else {
                Failed::Statement
            }
        }
        _ => Failed::Statement,
    }
}

impl<D: Probe> Origin<D> for Lease<D> {
    fn acquire(&self) -> Acquiring<'_, D> {
        Box::pin(self.connect())
    }

    fn ended(&self, took: Duration, fault: Option<&sqlx::Error>) {
        self.source.meters.working.observe(took);
        if let Some(fault) = fault {
            self.met(fault);
        }
    }
}

/// A connection for reading, of the source that was chosen (`&mut *reader` is an executor of sqlx). On a replica the
/// database refuses to write; on a primary, which may stand in for it, nobody does: do not.
#[derive(Debug)]
pub struct Reader<D: Probe> {
    // Before the lease, which keeps its pool open.
    connection: PoolConnection<D>,
    lease: Lease<D>,
    since: Instant,
}

impl<D: Probe> Reader<D> {
    pub(super) fn new(connection: PoolConnection<D>, lease: Lease<D>) -> Reader<D> {
        Reader { connection, lease, since: Instant::now() }
    }

    /// The source's name.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.lease.source.name
    }

    /// Whether it is a primary or a replica.
    #[must_use]
    pub fn role(&self) -> Role {
        self.lease.source.declared.role()
    }

    /// Counts what a statement of this reader failed with, and has the source looked at when it may be the source's.
    pub fn report(&self, fault: &sqlx::Error) {
        self.lease.met(fault);
    }
}

impl<D: Probe> Deref for Reader<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        &self.connection
    }
}

impl<D: Probe> DerefMut for Reader<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        &mut self.connection
    }
}

impl<D: Probe> Drop for Reader<D> {
    fn drop(&mut self) {
        self.lease.source.meters.working.observe(self.since.elapsed());
    }
}
