//! Several databases: which one a key's books are in, a pool for each, and what happens when one is away.
//!
//! [`plan`] decides, purely, from a file; the rest carries it out. [`Sources`] gives a [`Barrier`](crate::barrier::Barrier)
//! or a local transaction at the key's primary, and a reader at a replica that is fresh enough. A new plan takes effect at
//! once for what begins later; what is under way ends where it began.
//!
//! Must never: use a source that no rule named for the key, write to a replica or to a primary that takes no writes, or
//! begin anything while the same work has a local transaction open.
//!
//! ```no_run
//! # #[cfg(feature = "postgres")] mod shop {
//! use participant::barrier::Fault;
//! use participant::sources::plan::{Key, Plan};
//! use participant::sources::{Freshness, Sources};
//! use sqlx::Postgres;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = Plan::parse(&std::fs::read_to_string("sources.toml")?, |name| std::env::var(name).ok())?;
//! let sources = Sources::<Postgres>::open(plan).await?;
//! let key = Key::of("orders").shard(42);
//!
//! sources.local(&key, async |mut local| {
//!     sqlx::query("UPDATE stock SET n = n - 1").execute(&mut *local).await?;
//!     Ok::<_, Fault>(())
//! }).await?;
//!
//! let mut reader = sources.read(&key, Freshness::Within(std::time::Duration::from_secs(5))).await?;
//! let n: i64 = sqlx::query_scalar("SELECT n FROM stock").fetch_one(&mut *reader).await?;
//! # let _ = n; Ok(()) } }
//! ```
//!
//! A local transaction has no way to another source:
//!
//! ```compile_fail,E0599
//! # use participant::sources::Sources;
//! # async fn switch(sources: &Sources<sqlx::Sqlite>, key: &participant::sources::plan::Key) {
//! sources.local(key, async |mut local| {
//!     local.switch("another");
//!     Ok::<_, participant::barrier::Fault>(())
//! }).await;
//! # }
//! ```
//!
//! Read next: `plan/mod.rs`, `work.rs` (what is begun where), `reload.rs`, `health.rs`.

pub mod plan;

#[cfg(feature = "axum")]
mod books;
mod choice;
mod fault;
mod health;
mod lease;
mod meters;
mod probe;
mod reload;
mod source;
mod standing;
mod uses;
mod work;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[cfg(feature = "axum")]
pub use books::RoutedBooks;
pub use fault::SourceFault;
pub use lease::Reader;
pub use meters::{Failed, SourceSnapshot, Spread};
pub use probe::{Behind, Probe};
pub use reload::{Drained, Reloaded};
pub use work::Freshness;

use crate::barrier::{Meters, Settings};
use plan::{Health, Plan};
use source::Source;
use uses::Uses;

/// All sources of a plan, of one kind of database. Cheap to clone.
pub struct Sources<D: Probe> {
    inner: Arc<Inner<D>>,
}

struct Inner<D: Probe> {
    current: RwLock<Arc<Current<D>>>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
    /// Who still works by earlier plans.
    earlier: Mutex<Vec<Arc<Uses>>>,
    /// What the loops that look after the sources hold to.
    health: Arc<Mutex<Health>>,
    settings: Settings,
    meters: Arc<Meters>,
    /// Whose turn it is among replicas.
    turn: AtomicU64,
}

/// A plan in force.
struct Current<D: Probe> {
    plan: Plan,
    /// In the order of the plan's sources.
    sources: Vec<Arc<Source<D>>>,
    /// Who works by this plan.
    uses: Arc<Uses>,
}

impl<D: Probe> Clone for Sources<D> {
    fn clone(&self) -> Sources<D> {
        Sources { inner: Arc::clone(&self.inner) }
    }
}

impl<D: Probe> fmt::Debug for Sources<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = read(&self.inner.current);
        f.debug_list().entries(current.plan.sources().iter().map(plan::Declared::name)).finish()
    }
}

impl<D: Probe> Sources<D> {
    /// Opens every source and looks at each once. One that is away keeps nobody from starting: it is out until it is
    /// well. To be called within the runtime.
    ///
    /// # Errors
    /// A URL that is none of this kind of database.
    pub async fn open(plan: Plan) -> Result<Sources<D>, SourceFault> {
        Sources::open_with(plan, Settings::default(), Arc::default()).await
    }

    /// As [`Sources::open`]; barriers and local transactions have these settings, barriers count into these meters.
    ///
    /// # Errors
    /// As there.
    pub async fn open_with(
        plan: Plan,
        settings: Settings,
        meters: Arc<Meters>,
    ) -> Result<Sources<D>, SourceFault> {
        let health = Arc::new(Mutex::new(plan.health()));
        let sources = reload::sources_of(&plan, None, &health)?.all;
        let current = Current { plan, sources, uses: Arc::default() };
        let inner = Inner {
            current: RwLock::new(Arc::new(current)),
            reloading: tokio::sync::Mutex::default(),
            earlier: Mutex::default(),
            health,
            settings,
            meters,
            turn: AtomicU64::new(0),
        };
        let sources = Sources { inner: Arc::new(inner) };
        source::settle(&sources.current().sources).await;
        Ok(sources)
    }

    /// The plan in force.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.current().plan.clone()
    }

    /// How every source does now, in the order of their names.
    #[must_use]
    pub fn snapshot(&self) -> Vec<SourceSnapshot> {
        let current = self.current();
        let declared = current.plan.sources();
        current.sources.iter().zip(declared).map(|(source, declared)| source.snapshot(declared)).collect()
    }

    /// The same as Prometheus text.
    #[must_use]
    pub fn prometheus(&self) -> String {
        meters::prometheus(&self.snapshot())
    }

    fn current(&self) -> Arc<Current<D>> {
        Arc::clone(&read(&self.inner.current))
    }
}

/// A lock that a panic left is as good as before: each holds a value that is replaced as a whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
