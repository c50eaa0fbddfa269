//! A stock of one product in a fresh database, and a business that moves it.

use lab::services::{Service, url};
use participant::barrier::{Barrier, Business, Fault, Pending, Settings};
use participant::call::{Answer, Branch, Call, Content, Outcome};
use participant::database::{Dialect, Isolation, Local};
use sqlx::{AssertSqlSafe, Connection, Executor, Pool, Row};
use transaction::{Operation, Pattern};

/// What the suite needs of a database beside what the barrier needs.
pub(crate) trait Base: Dialect {
    /// A database of this test's own.
    fn open() -> impl Future<Output = Pool<Self>> + Send;

    /// Runs a statement; how many rows it changed.
    fn change(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Reads whole numbers.
    fn figures(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<Vec<i64>, sqlx::Error>> + Send;
}

macro_rules! base {
    ($Db:ty, $open:expr) => {
        impl Base for $Db {
            async fn open() -> Pool<Self> {
                $open.await
            }

            async fn change(connection: &mut Self::Connection, sql: String) -> Result<u64, sqlx::Error> {
                Ok(connection.execute(AssertSqlSafe(sql)).await?.rows_affected())
            }

            async fn figures(
                connection: &mut Self::Connection,
                sql: String,
            ) -> Result<Vec<i64>, sqlx::Error> {
                let row = connection.fetch_one(AssertSqlSafe(sql)).await?;
                (0..row.len()).map(|column| row.try_get(column)).collect()
            }
        }
    };
}

base!(sqlx::Postgres, server::<sqlx::Postgres>(Service::Postgres));
base!(sqlx::MySql, server::<sqlx::MySql>(Service::MariaDb));
base!(sqlx::Sqlite, file());

const CONNECTIONS: u32 = 24;

async fn server<D: Base>(service: Service) -> Pool<D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    let url = url(service);
    let name = format!("barrier_{}_{:08x}", std::process::id(), fastrand::u32(..));
    let mut connection = D::Connection::connect(&url).await.unwrap();
    D::change(&mut connection, format!("CREATE DATABASE {name}")).await.unwrap();
    let own = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
    sqlx::pool::PoolOptions::new().max_connections(CONNECTIONS).connect(&own).await.unwrap()
}

/// The folder lives as long as the process: a pool may still write into it after the test.
async fn file() -> Pool<sqlx::Sqlite> {
    let folder = tempfile::tempdir().unwrap().keep();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.join("books.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
        .busy_timeout(std::time::Duration::from_secs(30));
    sqlx::pool::PoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.unwrap()
}

/// The shop's stock: 1,000 of one product.
pub(crate) struct Shop<D: Base> {
    pub(crate) barrier: Barrier<D>,
}

/// A shop in a database of its own.
pub(crate) async fn fresh<D: Base>(isolation: Isolation) -> Shop<D> {
    let barrier = Barrier::<D>::new(D::open().await).with(Settings { isolation, attempts: 100 });
    barrier.create_schema().await.unwrap();
    let mut connection = barrier.pool().acquire().await.unwrap();
    for sql in [
        "CREATE TABLE stock (id INTEGER PRIMARY KEY, available BIGINT NOT NULL, reserved BIGINT NOT NULL, sold BIGINT NOT NULL)",
        "INSERT INTO stock VALUES (1, 1000, 0, 0)",
    ] {
        D::change(&mut connection, sql.to_owned()).await.unwrap();
    }
    drop(connection);
    Shop { barrier }
}

/// What a call of the suite does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// What its operation says, with so many.
    Moves(i64),
    /// Changes the stock, then refuses.
    Refuses,
    /// Changes the stock, then fails.
    Fails,
    /// Changes the stock, then answers so many bytes.
    Answers(usize),
    /// Changes the stock, then is not ready yet.
    Waits,
    /// Writes a row that is there already, and goes on as if nothing were wrong.
    Swallows,
}

/// One operation of the shop's business.
pub(crate) struct Step {
    operation: Operation,
    does: Does,
}

impl<D: Base> Business<D> for Step {
    fn change<'t>(&'t self, mut local: Local<'t, D>) -> Pending<'t> {
        Box::pin(async move {
            let n = match self.does {
                Does::Moves(n) => n,
                Does::Refuses | Does::Fails | Does::Answers(_) | Does::Waits | Does::Swallows => 1,
            };
            let sql = match self.operation {
                Operation::Try | Operation::Check => format!(
                    "UPDATE stock SET available = available - {n}, reserved = reserved + {n} WHERE id = 1 AND available >= {n}"
                ),
                Operation::Confirm => {
                    format!("UPDATE stock SET reserved = reserved - {n}, sold = sold + {n} WHERE id = 1")
                }
                Operation::Cancel => {
                    format!(
                        "UPDATE stock SET available = available + {n}, reserved = reserved - {n} WHERE id = 1"
                    )
                }
            };
            if D::change(&mut local, sql).await? == 0 {
                return Ok(Outcome::refused("stock_short", "not enough is available"));
            }
            match self.does {
                Does::Moves(n) => Ok(Outcome::result(serde_json::json!({ "moved": n }))?),
                Does::Refuses => Ok(Outcome::refused("unwilling", "not today")),
                Does::Fails => Err(Fault::of("the business broke")),
                Does::Answers(bytes) => Ok(Outcome::result("x".repeat(bytes))?),
                Does::Waits => Ok(Outcome::InProgress),
                Does::Swallows => {
                    let twice = "INSERT INTO stock VALUES (1, 0, 0, 0)".to_owned();
                    assert!(D::change(&mut local, twice).await.is_err(), "the row is there");
                    Ok(Outcome::done())
                }
            }
        })
    }
}

/// A call about a branch named `id`, of transaction `id`.
pub(crate) fn call(id: &str, pattern: Pattern, operation: Operation) -> Call {
    Call {
        branch: Branch { transaction: id.to_owned(), branch: "check".to_owned() },
        pattern,
        operation,
        attempt: 1,
        content: Content::of(b"{}"),
    }
}

impl<D: Base> Shop<D> {
    pub(crate) async fn ask(&self, call: &Call, does: Does) -> Result<Answer, Fault> {
        self.barrier.run(call, &Step { operation: call.operation, does }).await
    }

    /// A TCC call that moves so many.
    pub(crate) async fn tcc(&self, id: &str, operation: Operation, n: i64) -> Answer {
        self.ask(&call(id, Pattern::Tcc, operation), Does::Moves(n)).await.unwrap()
    }

    /// Available, reserved, sold.
    pub(crate) async fn stock(&self) -> [i64; 3] {
        let figures = self.figures("SELECT available, reserved, sold FROM stock").await;
        figures.try_into().unwrap()
    }

    pub(crate) async fn rows(&self) -> i64 {
        self.figures("SELECT count(*) FROM tercet_barrier").await[0]
    }

    pub(crate) async fn figures(&self, sql: &str) -> Vec<i64> {
        let mut connection = self.barrier.pool().acquire().await.unwrap();
        D::figures(&mut connection, sql.to_owned()).await.unwrap()
    }

    pub(crate) async fn change(&self, sql: &str) -> u64 {
        let mut connection = self.barrier.pool().acquire().await.unwrap();
        D::change(&mut connection, sql.to_owned()).await.unwrap()
    }
}

/// The code of a refusal.
pub(crate) fn code(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["code"].as_str().unwrap_or("").to_owned()
}
