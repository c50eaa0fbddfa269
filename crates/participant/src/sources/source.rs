//! One source as it runs: its pool, how it stands, and the loop that looks after it.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use sqlx::pool::PoolOptions;
use sqlx::{ConnectOptions as _, Pool};
use tokio::task::AbortHandle;

use super::Probe;
use super::health::{Care, Marks, Options, READ_ONLY, take_in};
use super::meters::{SourceMeters, SourceSnapshot, Spread};
use super::plan::{Declared, Health, Problem, Role};
use super::standing::{Phase, Seen, Standing};
use super::uses::Uses;

pub(super) struct Source<D: Probe> {
    /// As it was when the pool was made. Weight, tags, lag and drain are the plan's to say: they may have changed since.
    pub(super) declared: Declared,
    pub(super) name: Arc<str>,
    pub(super) pool: Pool<D>,
    pub(super) standing: Arc<Standing>,
    pub(super) meters: Arc<SourceMeters>,
    pub(super) marks: Arc<Marks>,
    /// Who has or may still ask for a connection of the pool.
    pub(super) uses: Arc<Uses>,
    pub(super) health: Arc<Mutex<Health>>,
    care: AbortHandle,
}

/// What a source shares with others.
pub(super) struct Shared {
    pub(super) meters: Arc<SourceMeters>,
    pub(super) marks: Arc<Marks>,
    pub(super) health: Arc<Mutex<Health>>,
}

/// How its connections are made.
///
/// # Errors
/// Its URL is none of this kind of database; it is not shown.
pub(super) fn options<D: Probe>(declared: &Declared) -> Result<Options<D>, Problem> {
    let scheme = declared.url().scheme();
    let problem = |what: String, mend: String| Problem {
        place: format!("source {}", declared.name()),
        line: None,
        what,
        mend,
    };
    if !D::SCHEMES.contains(&scheme) {
        let mend = format!("give a url that begins with {}:", D::SCHEMES.join(": or "));
        return Err(problem(format!("its url is of {scheme:?}, and these sources are not"), mend));
    }
    let options = Options::<D>::from_str(declared.url().reveal());
    let options = options.map_err(|_| problem("its url can't be read".into(), "mend its form".into()))?;
    Ok(options.disable_statement_logging())
}

impl<D: Probe> Source<D> {
    /// Makes the pool, without a connection yet, and begins to look after it.
    pub(super) fn begin(declared: &Declared, options: Options<D>, shared: Shared) -> Arc<Source<D>> {
        let Shared { meters, marks, health } = shared;
        let standing = Arc::<Standing>::default();
        let name: Arc<str> = declared.name().into();
        let mut pool = PoolOptions::<D>::new()
            .max_connections(declared.max_connections())
            .acquire_timeout(declared.acquire_timeout());
        match declared.role() {
            Role::Replica => marks.want(),
            // Whatever the last look saw: behind the address may be another server by now.
            Role::Primary => {
                let told =
                    (Arc::clone(&name), Arc::clone(&standing), Arc::clone(&meters), Arc::clone(&health));
                pool = pool.after_connect(move |connection, _| {
                    let told = told.clone();
                    Box::pin(async move {
                        if !D::is_read_only(connection).await? {
                            return Ok(());
                        }
                        let (name, standing, meters, health) = told;
                        let health = *super::locked(&health);
                        take_in((&name, &standing, &meters), Seen::Gone(READ_ONLY.to_owned()), &health);
                        Err(sqlx::Error::Protocol(READ_ONLY.to_owned()))
                    })
                });
            }
        }
        let care = Care::<D> {
            name: Arc::clone(&name),
            role: declared.role(),
            options: options.clone(),
            standing: Arc::clone(&standing),
            meters: Arc::clone(&meters),
            marks: Arc::clone(&marks),
            health: Arc::clone(&health),
        };
        Arc::new(Source {
            declared: declared.clone(),
            name,
            pool: pool.connect_lazy_with(options),
            standing,
            meters,
            marks,
            uses: Arc::default(),
            health,
            care: tokio::spawn(care.run()).abort_handle(),
        })
    }

    /// Closes the pool once nobody uses it. To be called when nobody new can come.
    pub(super) async fn drain(self: Arc<Self>) {
        self.meters.drain_begins();
        self.uses.idle().await;
        self.care.abort();
        self.pool.close().await;
        self.meters.drain_ends();
        tracing::info!(source = &*self.name, "the source's former pool is closed");
    }

    pub(super) fn is_in(&self) -> bool {
        self.standing.phase() == Phase::In
    }

    pub(super) fn snapshot(&self, declared: &Declared) -> SourceSnapshot {
        let out = match self.standing.phase() {
            Phase::In => None,
            Phase::New => Some("it was not looked at yet".to_owned()),
            Phase::Out { why, .. } => Some(why),
        };
        let (size, idle) = (u64::from(self.pool.size()), self.pool.num_idle() as u64);
        let mut snapshot = SourceSnapshot {
            source: declared.name().to_owned(),
            role: declared.role(),
            out,
            lag: self.standing.fresh().lag(Instant::now()),
            in_use: size.saturating_sub(idle),
            idle,
            max: u64::from(declared.max_connections()),
            waiting: 0,
            draining: 0,
            outs: 0,
            failed: Vec::new(),
            acquiring: Spread::none(),
            working: Spread::none(),
        };
        self.meters.fill(&mut snapshot);
        snapshot
    }
}

/// Returns once each was looked at; a look is bounded.
pub(super) async fn settle<D: Probe>(sources: &[Arc<Source<D>>]) {
    for source in sources {
        source.standing.settled().await;
    }
}

impl<D: Probe> fmt::Debug for Source<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<D: Probe> Drop for Source<D> {
    fn drop(&mut self) {
        self.care.abort();
    }
}
