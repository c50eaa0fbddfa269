//! What is begun, and where: a barrier or a local transaction at the key's primary, a reader where it may be.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::choice::{Candidate, choose};
use super::lease::{Lease, Reader, down};
use super::plan::{Access, Declared, Drain, Key, Place, Role};
use super::source::Source;
use super::standing::Phase;
use super::{Current, Probe, SourceFault, Sources, read};
use crate::barrier::{Barrier, Fault};
use crate::database::{Local, Origin, inside, is_inside};

/// How old what is read may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Not at all: from the primary.
    Latest,
    /// As [`Freshness::Latest`]: the reader has written under this key, and must find it.
    OwnWrite,
    /// So old, or as old as the replica's own bound allows if that is less. From a replica, or from the primary when
    /// none is known to be so fresh.
    Within(Duration),
}

impl<D: Probe> Sources<D> {
    /// The barrier at the key's primary: its rows are where the business rows are. For one piece of work: as long as it
    /// or a clone of it is held, the plan that placed it is in use.
    ///
    /// # Errors
    /// No rule places the key, its primary is out or is drained, a local transaction is open.
    pub fn barrier(&self, key: &Key) -> Result<Barrier<D>, SourceFault> {
        Ok(self.barrier_by(self.at_primary(key, Access::Write)?))
    }

    /// Makes a change in one local transaction at the key's primary: committed when it is `Ok`, rolled back otherwise, run
    /// once. Within it nothing else can be begun with these sources. What its statements fail with is counted when `E` is
    /// a [`Fault`] or a [`SourceFault`].
    ///
    /// # Errors
    /// As [`Sources::barrier`]; the database; whatever the change says.
    pub async fn local<T, E, F>(&self, key: &Key, change: F) -> Result<T, E>
    where
        F: AsyncFnOnce(Local<'_, D>) -> Result<T, E>,
        E: From<SourceFault> + 'static,
    {
        let lease = self.at_primary(key, Access::Write)?;
        let mut connection = lease.connect().await.map_err(|fault| lease.not_begun(fault))?;
        let began = Instant::now();
        let mut local = match D::begin(&mut connection, self.inner.settings.isolation).await {
            Ok(local) => local,
            Err(fault) => {
                lease.met(&fault);
                return Err(lease.not_begun(fault).into());
            }
        };
        let changed = inside(change(Local::new(&mut *local))).await;
        let ended = match &changed {
            Ok(_) => D::commit(local).await,
            Err(_) => local.rollback().await,
        };
        // The change's own fault says more than that of the roll-back behind it.
        let met = changed.as_ref().err().and_then(|own| of_database(own)).or(ended.as_ref().err());
        lease.ended(began.elapsed(), met);
        match (changed, ended) {
            (Ok(_), Err(fault)) => Err(lease.fault(fault).into()),
            (changed, _) => changed,
        }
    }

    /// A connection for reading: of a replica that is fresh enough, in turn by weight, else of the primary.
    ///
    /// # Errors
    /// No rule places the key, a local transaction is open; the primary, when it would have to serve.
    pub async fn read(&self, key: &Key, freshness: Freshness) -> Result<Reader<D>, SourceFault> {
        if let Freshness::Within(bound) = freshness {
            let mut tried = Vec::new();
            while let Some(lease) = self.at_reader(key, bound, &tried)? {
                match lease.connect().await {
                    Ok(connection) => return Ok(Reader::new(connection, lease)),
                    Err(_) => tried.push(Arc::clone(&lease.source.name)),
                }
            }
        }
        let lease = self.at_primary(key, Access::Read)?;
        match lease.connect().await {
            Ok(connection) => Ok(Reader::new(connection, lease)),
            Err(fault) => Err(lease.not_begun(fault)),
        }
    }

    /// Makes the tables of this crate at every primary, where they are missing.
    ///
    /// # Errors
    /// The first primary that is out, or whose database fails.
    pub async fn create_schema(&self) -> Result<(), SourceFault> {
        for lease in self.primaries() {
            let lease = lease?;
            let barrier = Barrier::new(lease.source.pool.clone());
            barrier.create_schema().await.map_err(|fault| schema(&lease, fault.into()))?;
        }
        Ok(())
    }

    /// Checks that the barrier's table and all of `business` are at every primary. To be called at start-up.
    ///
    /// # Errors
    /// The first primary that is out, or where one is missing.
    pub async fn check_schema(&self, business: &[&str]) -> Result<(), SourceFault> {
        for lease in self.primaries() {
            let lease = lease?;
            let barrier = Barrier::new(lease.source.pool.clone());
            barrier.check_schema(business).await.map_err(|fault| schema(&lease, fault))?;
        }
        Ok(())
    }

    fn primaries(&self) -> Vec<Result<Lease<D>, SourceFault>> {
        let current = read(&self.inner.current);
        let primaries = current.sources.iter().filter(|source| source.declared.role() == Role::Primary);
        primaries.map(|source| lease(source, &current)).collect()
    }

    pub(super) fn barrier_by(&self, lease: Lease<D>) -> Barrier<D> {
        let pool = lease.source.pool.clone();
        let barrier = Barrier::by(pool, Arc::new(lease)).with(self.inner.settings);
        barrier.counting(Arc::clone(&self.inner.meters))
    }

    fn at_primary(&self, key: &Key, access: Access) -> Result<Lease<D>, SourceFault> {
        refuse_inside()?;
        // Held until the lease is taken: a reload waits, and then knows of it.
        let current = read(&self.inner.current);
        let place = current.plan.place(key, access)?;
        if place.primary().drain() == Drain::Draining {
            return Err(SourceFault::Draining { source_name: place.primary().name().to_owned() });
        }
        lease(&current.sources[place.primary_at()], &current)
    }

    /// One that may serve the read, and was not tried. The primary is among them by its weight, which commonly is 0.
    fn at_reader(
        &self,
        key: &Key,
        bound: Duration,
        tried: &[Arc<str>],
    ) -> Result<Option<Lease<D>>, SourceFault> {
        refuse_inside()?;
        let current = read(&self.inner.current);
        let place = current.plan.place(key, Access::Read)?;
        let candidates: Vec<_> = may_read(&current, place)
            .filter(|(source, declared)| {
                declared.drain() == Drain::Open && source.is_in() && !tried.contains(&source.name)
            })
            .collect();
        let weighed: Vec<Candidate> = candidates.iter().map(|(source, it)| candidate(source, it)).collect();
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        let chosen = choose(&weighed, bound, (Instant::now(), turn));
        let chosen = chosen.and_then(|at| candidates.get(at));
        Ok(chosen.map(|(source, _)| Lease::take(source, &current.uses)))
    }
}

/// The sources of a place, each with what the plan in force says of it.
fn may_read<'c, D: Probe>(
    current: &'c Current<D>,
    place: Place<'c>,
) -> impl Iterator<Item = (&'c Arc<Source<D>>, &'c Declared)> {
    let declared = current.plan.sources();
    let all = place.replicas_at().iter().copied().chain([place.primary_at()]);
    all.map(move |at| (&current.sources[at], &declared[at]))
}

fn candidate<D: Probe>(source: &Source<D>, declared: &Declared) -> Candidate {
    let fresh = source.standing.fresh();
    Candidate { weight: declared.weight(), fresh, lag_max: declared.lag_max() }
}

fn lease<D: Probe>(source: &Arc<Source<D>>, current: &Current<D>) -> Result<Lease<D>, SourceFault> {
    match source.standing.phase() {
        Phase::In => Ok(Lease::take(source, &current.uses)),
        phase => Err(down(&source.name, &phase)),
    }
}

/// What the database said, if it is that.
fn of_database(fault: &dyn Any) -> Option<&sqlx::Error> {
    match (fault.downcast_ref(), fault.downcast_ref()) {
        (Some(Fault::Database(fault)), _) | (_, Some(SourceFault::Database { fault, .. })) => Some(fault),
        _ => None,
    }
}

fn refuse_inside() -> Result<(), SourceFault> {
    if is_inside() { Err(SourceFault::InsideLocalTransaction) } else { Ok(()) }
}

fn schema<D: Probe>(lease: &Lease<D>, fault: crate::barrier::SchemaFault) -> SourceFault {
    SourceFault::Schema { source_name: lease.source.name.to_string(), fault }
}
