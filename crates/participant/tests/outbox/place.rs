//! Where a test works: a database of its own, in a file or on the shared server, gone afterwards.

use lab::services::{Service, url};
use participant::outbox::Outbox;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, MySql, Pool, Postgres, Sqlite};

use participant::database::Dialect;

/// The database of one test.
pub(crate) struct Place<D: Dialect> {
    pool: Pool<D>,
    /// The server's own database and the statement that removes this one.
    admin: Option<(Pool<D>, String)>,
    _folder: Option<tempfile::TempDir>,
}

impl<D: Dialect> Place<D> {
    async fn of(pool: Pool<D>) -> Place<D> {
        let place = Place { pool, admin: None, _folder: None };
        place.outbox().create_schema().await.unwrap();
        // Again: it changes nothing.
        place.outbox().create_schema().await.unwrap();
        place
    }

    pub(crate) fn outbox(&self) -> Outbox<D> {
        Outbox::new(self.pool.clone())
    }
}

/// Leaving removes the database.
macro_rules! leaving {
    ($($database:ty),+) => {
        $(impl Place<$database> {
            pub(crate) async fn leave(self) {
                self.pool.close().await;
                if let Some((admin, drop)) = self.admin {
                    sqlx::query(AssertSqlSafe(drop)).execute(&admin).await.unwrap();
                    admin.close().await;
                }
            }
        })+
    };
}

leaving!(Postgres, MySql, Sqlite);

fn name() -> String {
    format!("outbox_{:016x}", fastrand::u64(..))
}

/// The URL with another database.
fn in_database(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

pub(crate) async fn sqlite() -> Place<Sqlite> {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("outbox.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    Place { _folder: Some(folder), ..Place::of(pool).await }
}

pub(crate) async fn postgres() -> Place<Postgres> {
    let server = url(Service::Postgres);
    let admin = Pool::<Postgres>::connect(&server).await.unwrap();
    let name = name();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&admin).await.unwrap();
    let pool = Pool::connect(&in_database(&server, &name)).await.unwrap();
    Place { admin: Some((admin, format!("DROP DATABASE {name} WITH (FORCE)"))), ..Place::of(pool).await }
}

pub(crate) async fn mysql() -> Place<MySql> {
    let server = url(Service::MariaDb);
    let admin = Pool::<MySql>::connect(&server).await.unwrap();
    let name = name();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&admin).await.unwrap();
    let pool = Pool::connect(&in_database(&server, &name)).await.unwrap();
    Place { admin: Some((admin, format!("DROP DATABASE {name}"))), ..Place::of(pool).await }
}
