//! Where a test works: several databases of its own, each of which knows its name.

use std::time::Duration;

use lab::services::{Service, url};
use participant::database::Local;
use participant::sources::plan::{Key, Plan};
use participant::sources::{Probe, SourceFault, Sources};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, MySql, Postgres, Row, Sqlite};

/// What a change of the tests may fail with.
pub(crate) type Fault = participant::barrier::Fault;

/// What the tests need of a database beside what the sources need.
pub(crate) trait Base: Probe {
    /// The URL of a new, empty database.
    fn create() -> impl Future<Output = String> + Send;

    /// Runs a statement; how many rows it changed.
    fn change(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Reads texts, all columns of all rows one after the other.
    fn texts(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<Vec<String>, sqlx::Error>> + Send;

    /// A connection beside all pools.
    fn connect(url: &str) -> impl Future<Output = Self::Connection> + Send;
}

macro_rules! base {
    ($Db:ty, $create:expr) => {
        impl Base for $Db {
            async fn create() -> String {
                $create.await
            }

            async fn change(connection: &mut Self::Connection, sql: String) -> Result<u64, sqlx::Error> {
                Ok(connection.execute(AssertSqlSafe(sql)).await?.rows_affected())
            }

            async fn texts(
                connection: &mut Self::Connection,
                sql: String,
            ) -> Result<Vec<String>, sqlx::Error> {
                let rows = connection.fetch_all(AssertSqlSafe(sql)).await?;
                rows.iter().flat_map(|row| (0..row.len()).map(|at| row.try_get::<String, _>(at))).collect()
            }

            async fn connect(url: &str) -> Self::Connection {
                Self::Connection::connect(url).await.unwrap()
            }
        }
    };
}

base!(Sqlite, file());
base!(Postgres, server::<Postgres>(Service::Postgres));
base!(MySql, server::<MySql>(Service::MariaDb));

/// The folder lives as long as the process: a pool may still write into it after the test.
async fn file() -> String {
    let path = tempfile::tempdir().unwrap().keep().join("books.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    options.connect().await.unwrap().close().await.unwrap();
    format!("sqlite://{}", path.display())
}

async fn server<D: Base>(service: Service) -> String {
    on_server::<D>(&url(service)).await
}

/// The URL of a new database on that server.
pub(crate) async fn on_server<D: Base>(server: &str) -> String {
    let name = format!("sources_{}_{:08x}", std::process::id(), fastrand::u32(..));
    let mut connection = D::connect(server).await;
    D::change(&mut connection, format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

/// Databases with a table of work, each with its name in the table `me`.
pub(crate) struct Place {
    /// By their names: `s0`, `s1` and so on.
    pub(crate) urls: Vec<String>,
}

impl Place {
    pub(crate) async fn of<D: Base>(count: usize) -> Place {
        let mut urls = Vec::new();
        for at in 0..count {
            let url = D::create().await;
            furnish::<D>(&url, &format!("s{at}")).await;
            urls.push(url);
        }
        Place { urls }
    }

    /// The declaration of one, with what else is to be said of it.
    pub(crate) fn source(&self, at: usize, more: &str) -> String {
        declared(&format!("s{at}"), &self.urls[at], more)
    }

    /// The declarations of all.
    pub(crate) fn sources(&self) -> String {
        (0..self.urls.len()).map(|at| self.source(at, "")).collect()
    }

    /// What a database has, beside all pools.
    pub(crate) async fn texts<D: Base>(&self, at: usize, sql: &str) -> Vec<String> {
        let mut connection = D::connect(&self.urls[at]).await;
        D::texts(&mut connection, sql.to_owned()).await.unwrap()
    }
}

/// Makes the tables of the tests.
pub(crate) async fn furnish<D: Base>(url: &str, name: &str) {
    let mut connection = D::connect(url).await;
    for sql in [
        "CREATE TABLE me (name VARCHAR(20) NOT NULL)".to_owned(),
        format!("INSERT INTO me VALUES ('{name}')"),
        "CREATE TABLE work (id VARCHAR(40) PRIMARY KEY, shard VARCHAR(20) NOT NULL, note VARCHAR(60) NOT NULL, \
         place VARCHAR(20) NOT NULL)"
            .to_owned(),
    ] {
        D::change(&mut connection, sql).await.unwrap();
    }
    connection.close().await.unwrap();
}

pub(crate) fn declared(name: &str, url: &str, more: &str) -> String {
    format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\nacquire_timeout_ms = 20000\n{more}\n")
}

/// A rule that leads each shard, by a list, to the source that stands in its place.
pub(crate) fn listed(owners: &[usize]) -> String {
    let list = |(shard, owner): (usize, &usize)| format!("{{ keys = [{shard}], to = \"s{owner}\" }}");
    let lists: Vec<_> = owners.iter().enumerate().map(list).collect();
    format!("[[rule]]\nname = \"shards\"\nlists = [{}]\n", lists.join(", "))
}

pub(crate) fn parse(text: &str) -> Plan {
    Plan::parse(text, |_| None).unwrap()
}

pub(crate) fn shard(number: usize) -> Key {
    Key::of("shop").shard(i64::try_from(number).unwrap())
}

/// Inserts a row of work in the local transaction; the database itself says which it is.
pub(crate) fn insert(id: &str, shard: usize, note: &str) -> String {
    format!("INSERT INTO work SELECT '{id}', '{shard}', '{note}', name FROM me")
}

/// One row of work in a local transaction of its own.
pub(crate) async fn work<D: Base>(
    sources: &Sources<D>,
    (key, number): (&Key, usize),
    id: &str,
) -> Result<(), Fault> {
    let sql = insert(id, number, "");
    let change = async |mut local: Local<'_, D>| {
        D::change(&mut local, sql).await?;
        Ok(())
    };
    sources.local(key, change).await
}

/// Waits until it is so; a minute at most.
pub(crate) async fn until(what: &str, is: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn is_down(fault: &SourceFault, name: &str) -> bool {
    matches!(fault, SourceFault::PrimaryDown { source_name, .. } if source_name == name)
}
