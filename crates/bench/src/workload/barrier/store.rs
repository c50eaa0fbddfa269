//! A stock in a database of its own, and the local transaction that is measured: one row changed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use participant::barrier::{Barrier, Business, Fault, Pending, Settings};
use participant::call::{Branch, Call, Content, Outcome};
use participant::database::{Dialect, Isolation, Local};
use sqlx::{AssertSqlSafe, Connection, Executor, MySql, Pool, Postgres, Row, Sqlite};
use transaction::{Operation, Pattern};

use super::CONNECTIONS;
use crate::histogram::Histogram;
use crate::workload::beside::{Bench, Guard};

/// Rows of the stock: enough that workers seldom meet on one.
const ROWS: u64 = 10_000;

/// What differs between the databases here.
pub(super) trait Store: Dialect {
    /// A pool on a database of this measurement's own, and how that is dropped.
    fn open(url: &str) -> impl Future<Output = anyhow::Result<(Pool<Self>, Option<String>)>> + Send;

    /// Changes one row of the stock by its id.
    fn change(
        connection: &mut Self::Connection,
        what: Operation,
        row: i64,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a statement that takes nothing.
    fn run(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Deadlocks since the server began, where it counts them.
    fn deadlocks(connection: &mut Self::Connection) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;
}

macro_rules! store {
    ($Db:ty, $place:literal, $open:expr, $deadlocks:expr) => {
        impl Store for $Db {
            async fn open(url: &str) -> anyhow::Result<(Pool<Self>, Option<String>)> {
                $open(url).await
            }

            async fn change(
                connection: &mut Self::Connection,
                what: Operation,
                row: i64,
            ) -> Result<u64, sqlx::Error> {
                let sql = match what {
                    Operation::Try | Operation::Check => concat!(
                        "UPDATE stock SET available = available - 1, reserved = reserved + 1 WHERE available > 0 AND id = ",
                        $place
                    ),
                    Operation::Confirm => {
                        concat!("UPDATE stock SET reserved = reserved - 1, sold = sold + 1 WHERE id = ", $place)
                    }
                    Operation::Cancel => concat!(
                        "UPDATE stock SET reserved = reserved - 1, available = available + 1 WHERE id = ",
                        $place
                    ),
                };
                Ok(sqlx::query(sql).bind(row).execute(connection).await?.rows_affected())
            }

            async fn run(connection: &mut Self::Connection, sql: String) -> Result<(), sqlx::Error> {
                connection.execute(AssertSqlSafe(sql)).await.map(drop)
            }

            async fn deadlocks(connection: &mut Self::Connection) -> Result<u64, sqlx::Error> {
                let asked: Option<&'static str> = $deadlocks;
                let Some(sql) = asked else { return Ok(0) };
                let row = connection.fetch_one(sql).await?;
                let told = row.try_get::<String, _>(0)?;
                Ok(told.parse().unwrap_or(u64::MAX))
            }
        }
    };
}

store!(
    Postgres,
    "$1",
    server::<Postgres>,
    Some("SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()")
);
store!(
    MySql,
    "?",
    server::<MySql>,
    Some(
        "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_DEADLOCKS'"
    )
);
store!(Sqlite, "?1", file, None);

async fn server<D: Store>(url: &str) -> anyhow::Result<(Pool<D>, Option<String>)> {
    let name = format!("bench_{}", std::process::id());
    let mut connection = D::Connection::connect(url).await?;
    D::run(&mut connection, format!("DROP DATABASE IF EXISTS {name}")).await?;
    D::run(&mut connection, format!("CREATE DATABASE {name}")).await?;
    let (front, _) = url.rsplit_once('/').unwrap_or((url, ""));
    let options = sqlx::pool::PoolOptions::new().max_connections(CONNECTIONS);
    Ok((options.connect(&format!("{front}/{name}")).await?, Some(format!("DROP DATABASE {name}"))))
}

/// Durable, as the servers are: WAL and a sync per commit.
async fn file(url: &str) -> anyhow::Result<(Pool<Sqlite>, Option<String>)> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
    let options = url
        .parse::<SqliteConnectOptions>()?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_mins(1));
    let pool = sqlx::pool::PoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
    Ok((pool, None))
}

/// The stock and the barrier in front of it.
pub(super) struct Books<D: Store> {
    pub(super) barrier: Barrier<D>,
    url: String,
    drop: Option<String>,
    next: AtomicU64,
}

/// One operation's business change.
pub(super) struct Step {
    pub(super) operation: Operation,
    pub(super) row: i64,
}

impl<D: Store> Business<D> for Step {
    fn change<'t>(&'t self, mut local: Local<'t, D>) -> Pending<'t> {
        Box::pin(async move {
            match D::change(&mut local, self.operation, self.row).await? {
                1 => Ok(Outcome::done()),
                _ => Ok(Outcome::refused("stock_short", "sold out")),
            }
        })
    }
}

/// A call of a transaction.
pub(super) fn call(transaction: String, operation: Operation) -> Call {
    Call {
        branch: Branch { transaction, branch: "stock".to_owned() },
        pattern: Pattern::Tcc,
        operation,
        attempt: 1,
        content: Content::of(b"{}"),
    }
}

impl<D: Store> Books<D> {
    pub(super) async fn open(url: &str) -> anyhow::Result<Books<D>> {
        let (pool, drop) = D::open(url).await?;
        let settings = Settings { isolation: Isolation::ReadCommitted, attempts: 1_000 };
        let barrier = Barrier::new(pool).with(settings);
        barrier.create_schema().await?;
        let mut connection = barrier.pool().acquire().await?;
        let table =
            "CREATE TABLE stock (id BIGINT PRIMARY KEY, available BIGINT NOT NULL CHECK (available >= 0),
            reserved BIGINT NOT NULL CHECK (reserved >= 0), sold BIGINT NOT NULL CHECK (sold >= 0))";
        D::run(&mut connection, table.to_owned()).await?;
        let rows: Vec<String> = (0..ROWS).map(|row| format!("({row}, 1000000000, 0, 0)")).collect();
        D::run(&mut connection, format!("INSERT INTO stock VALUES {}", rows.join(","))).await?;
        std::mem::drop(connection);
        Ok(Books { barrier, url: url.to_owned(), drop, next: AtomicU64::new(0) })
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.barrier.pool().close().await;
        if let Some(sql) = self.drop {
            let mut connection = D::Connection::connect(&self.url).await?;
            D::run(&mut connection, sql).await?;
        }
        Ok(())
    }

    async fn plain(&self, row: i64) -> Result<(), Fault> {
        let mut connection = self.barrier.pool().acquire().await?;
        let mut local = D::begin(&mut connection, Isolation::ReadCommitted).await?;
        D::change(&mut local, Operation::Try, row).await?;
        Ok(local.commit().await?)
    }
}

impl<D: Store> Bench for Books<D> {
    async fn work(&self, guard: Guard, _: u32, until: Instant) -> anyhow::Result<Histogram> {
        let mut took = Histogram::new();
        let mut last = Instant::now();
        while last < until {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let row = i64::try_from(number.wrapping_mul(7_919) % ROWS)?;
            match guard {
                Guard::Nothing => self.plain(row).await?,
                Guard::Barrier => {
                    let call = call(format!("bench-{number:012}"), Operation::Try);
                    let answer = self.barrier.run(&call, &Step { operation: Operation::Try, row }).await?;
                    anyhow::ensure!(answer.status.is_success(), "answered {}", answer.status);
                }
            }
            let now = Instant::now();
            took.record(now - last);
            last = now;
        }
        Ok(took)
    }
}
