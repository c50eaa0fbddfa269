//! A data source: a pool of connections to one database, with the barrier in front of it.
//!
//! A source that is away or not set up never keeps the server from starting: calls are *unknown* meanwhile, and a log
//! line and a gauge say what is wrong. Its URL is never shown: it may hold a password.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use participant::barrier::{Barrier, Cleaning, Coordinator, Fault};
use participant::call::{Answer, Call};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, MySql, Postgres, Sqlite};

use super::super::declared::SourceBody;
use super::super::meters::ResourceMeters;
use super::change::Change;
use super::text::Grammar;

/// A source by its declared name.
pub(in crate::resource) struct Source {
    name: String,
    pool: Pool,
    creates: bool,
    cleaning: Option<Cleaning>,
}

enum Pool {
    Postgres(Barrier<Postgres>),
    MySql(Barrier<MySql>),
    Sqlite(Barrier<Sqlite>),
}

/// The same for whichever database it is.
macro_rules! each {
    ($pool:expr, $barrier:ident => $what:expr) => {
        match $pool {
            Pool::Postgres($barrier) => $what,
            Pool::MySql($barrier) => $what,
            Pool::Sqlite($barrier) => $what,
        }
    };
}

/// A pause after a check that failed, doubling, and between checks that did not.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a call waits for a connection. It is *unknown* then, and asked again; so few wait when a database hangs.
const ACQUIRED_WITHIN: Duration = Duration::from_secs(5);
/// How long an idle connection is taken to be alive.
const LIVES: Duration = Duration::from_millis(500);
/// How often rows that no call can meet any more are removed.
const CLEANING: Duration = Duration::from_hours(24);

impl Source {
    /// A source as it is declared. Connects to nothing yet. To be called within the runtime.
    ///
    /// # Errors
    /// What is wrong with it; the URL is not shown.
    pub(in crate::resource) fn new(name: &str, body: &SourceBody) -> Result<Source, String> {
        let url = body.url.as_str();
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let unreadable = |_| format!("the url is not one that {scheme} understands");
        let pool = match scheme {
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(unreadable)?;
                Pool::Postgres(Barrier::new(
                    pool(body).connect_lazy_with(options.disable_statement_logging()),
                ))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).map_err(unreadable)?;
                Pool::MySql(Barrier::new(pool(body).connect_lazy_with(options.disable_statement_logging())))
            }
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url).map_err(unreadable)?;
                Pool::Sqlite(Barrier::new(pool(body).connect_lazy_with(options.disable_statement_logging())))
            }
            _ => return Err("the url must begin with postgres://, mysql:// or sqlite:".to_owned()),
        };
        let cleaning = match body.keep_days {
            0 => None,
            days => {
                let horizon = Duration::from_hours(24 * days);
                Some(Cleaning::new(horizon, Coordinator::default()).map_err(|fault| fault.to_string())?)
            }
        };
        Ok(Source { name: name.to_owned(), pool, creates: body.create_schema, cleaning })
    }

    /// Its declared name.
    pub(in crate::resource) fn name(&self) -> &str {
        &self.name
    }

    /// How its statements are read.
    pub(super) fn grammar(&self) -> Grammar {
        match self.pool {
            Pool::Postgres(_) => Grammar::Postgres,
            Pool::MySql(_) => Grammar::MySql,
            Pool::Sqlite(_) => Grammar::Sqlite,
        }
    }

    /// Carries out a change behind the barrier. It goes on to its end when nobody waits for it any more: a connection that
    /// is left in the middle of a statement may be left in the middle of a local transaction too.
    pub(super) async fn run(self: &Arc<Self>, call: Call, change: Change) -> Result<Answer, Fault> {
        let source = Arc::clone(self);
        let ran =
            tokio::spawn(async move { each!(&source.pool, barrier => barrier.run(&call, &change).await) });
        ran.await.map_err(|_| Fault::of("the server is stopping"))?
    }

    /// Makes the barrier's table where that is allowed, and looks for it and for these tables.
    async fn check(&self, tables: &[&str]) -> Result<(), String> {
        each!(&self.pool, barrier => {
            if self.creates {
                barrier.create_schema().await.map_err(|fault| fault.to_string())?;
            }
            barrier.check_schema(tables).await.map_err(|fault| fault.to_string())
        })
    }

    /// Watches the source for ever: sets it up once it answers, then looks after it now and then.
    pub(in crate::resource) async fn watch(
        self: Arc<Self>,
        tables: Vec<String>,
        meters: Arc<ResourceMeters>,
    ) {
        let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
        let (mut pause, mut last) = (FIRST_PAUSE, None);
        loop {
            let checked = tokio::time::timeout(LONGEST_PAUSE, self.check(&tables)).await;
            let checked = checked.unwrap_or_else(|_| Err("it does not answer".to_owned()));
            meters.show_ready(&self.name, i64::from(checked.is_ok()));
            if last.as_ref() != Some(&checked) {
                match &checked {
                    Ok(()) => tracing::info!(source = self.name, "the source is ready"),
                    Err(why) => tracing::error!(source = self.name, why, "the source can't be used"),
                }
            }
            pause = if checked.is_ok() { LONGEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            last = Some(checked);
            tokio::time::sleep(pause).await;
        }
    }

    /// Removes old rows of the barrier, for ever.
    pub(in crate::resource) async fn clean(self: Arc<Self>) {
        let Some(cleaning) = &self.cleaning else { return };
        loop {
            tokio::time::sleep(CLEANING).await;
            match each!(&self.pool, barrier => barrier.clean(cleaning).await) {
                Ok(removed) => {
                    tracing::info!(source = self.name, removed, "old rows of the barrier are removed");
                }
                Err(fault) => tracing::warn!(source = self.name, %fault, "old rows of the barrier stay"),
            }
        }
    }
}

fn pool<D: sqlx::Database>(body: &SourceBody) -> PoolOptions<D> {
    // A connection that was in use a moment ago is not asked whether it lives: were it dead, the call is *unknown* and
    // asked again.
    let pool = PoolOptions::new().test_before_acquire(false).before_acquire(|connection, of_it| {
        Box::pin(async move {
            if of_it.idle_for > LIVES {
                sqlx::Connection::ping(connection).await?;
            }
            Ok(true)
        })
    });
    pool.max_connections(body.max_connections).acquire_timeout(ACQUIRED_WITHIN)
}
