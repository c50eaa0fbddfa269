//! A branch of an XA transaction in the words of each database: begun, prepared, ended by another connection.

use lab::services::Service;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row, raw_sql};

/// What a second phase is told of a prepared transaction that is not there: SQLSTATE of PostgreSQL and of MariaDB.
const NOT_THERE: [&str; 2] = ["42704", "XAE04"];

/// A database with accounts in it.
#[derive(Clone)]
pub struct Database {
    service: Service,
    pub url: String,
}

/// A connection to it.
pub enum Local {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

/// How a branch ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Commit,
    Rollback,
}

impl Database {
    /// One of its own on the shared server, with 100 on the account of anna and of bert.
    pub async fn new(service: Service) -> Database {
        Database::at(service, lab::example::database(service)).await
    }

    /// The same where `url` says.
    pub async fn at(service: Service, url: String) -> Database {
        let database = Database { service, url };
        let mut local = database.connect().await.unwrap();
        for statement in [
            "CREATE TABLE accounts (id varchar(32) PRIMARY KEY, balance integer NOT NULL)",
            "INSERT INTO accounts VALUES ('anna', 100), ('bert', 100)",
        ] {
            local.run(statement).await.unwrap();
        }
        database
    }

    pub async fn connect(&self) -> Result<Local, sqlx::Error> {
        Ok(match self.service {
            Service::Postgres => Local::Postgres(PgConnection::connect(&self.url).await?),
            Service::MariaDb => Local::MariaDb(MySqlConnection::connect(&self.url).await?),
            Service::Redis => panic!("Redis has no XA"),
        })
    }

    pub async fn balance(&self, account: &str) -> i32 {
        let query = AssertSqlSafe(format!("SELECT balance FROM accounts WHERE id = '{account}'"));
        match self.connect().await.unwrap() {
            Local::Postgres(mut at) => raw_sql(query).fetch_one(&mut at).await.unwrap().get(0),
            Local::MariaDb(mut at) => raw_sql(query).fetch_one(&mut at).await.unwrap().get(0),
        }
    }

    /// The branches of this transaction that are prepared and not ended.
    pub async fn held(&self, id: &str) -> Vec<String> {
        let mut held = self.connect().await.unwrap().held().await.unwrap();
        held.retain(|branch| branch.starts_with(&format!("{id}-")));
        held
    }

    /// The second phase, on a connection of its own. What is not there was ended before: a success.
    pub async fn end(&self, branch: &str, end: End) -> Result<(), String> {
        let mut local = self.connect().await.map_err(told)?;
        let ended = local.run(&local.ends(branch, end)).await;
        match ended {
            Ok(_) => Ok(()),
            Err(error) if !is_absent(&error) => Err(told(error)),
            // MariaDB says the same of a branch whose first connection has not quite ended.
            Err(_) if local.held().await.map_err(told)?.iter().any(|held| held == branch) => {
                Err(format!("{branch} is prepared and still held by who prepared it"))
            }
            Err(_) => Ok(()),
        }
    }
}

impl Local {
    /// Runs a statement by itself; answers how many rows it changed. (Not every database prepares statements of XA.)
    pub async fn run(&mut self, statement: &str) -> Result<u64, sqlx::Error> {
        let query = raw_sql(AssertSqlSafe(statement.to_owned()));
        Ok(match self {
            Local::Postgres(at) => query.execute(at).await?.rows_affected(),
            Local::MariaDb(at) => query.execute(at).await?.rows_affected(),
        })
    }

    pub async fn begin(&mut self, branch: &str) -> Result<(), sqlx::Error> {
        let begin = match self {
            Local::Postgres(_) => "BEGIN".to_owned(),
            Local::MariaDb(_) => format!("XA START '{branch}'"),
        };
        self.run(&begin).await.map(drop)
    }

    pub async fn prepare(&mut self, branch: &str) -> Result<(), sqlx::Error> {
        match self {
            Local::Postgres(_) => self.run(&format!("PREPARE TRANSACTION '{branch}'")).await.map(drop),
            Local::MariaDb(_) => {
                self.run(&format!("XA END '{branch}'")).await?;
                self.run(&format!("XA PREPARE '{branch}'")).await.map(drop)
            }
        }
    }

    /// Closes the connection; what was begun and not prepared goes with it.
    pub async fn close(self) {
        let _ = match self {
            Local::Postgres(at) => at.close().await,
            Local::MariaDb(at) => at.close().await,
        };
    }

    fn ends(&self, branch: &str, end: End) -> String {
        let word = if end == End::Commit { "COMMIT" } else { "ROLLBACK" };
        match self {
            Local::Postgres(_) => format!("{word} PREPARED '{branch}'"),
            Local::MariaDb(_) => format!("XA {word} '{branch}'"),
        }
    }

    async fn held(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(match self {
            Local::Postgres(at) => {
                let rows = raw_sql("SELECT gid FROM pg_prepared_xacts").fetch_all(at).await?;
                rows.iter().map(|row| row.get(0)).collect()
            }
            Local::MariaDb(at) => {
                let rows = raw_sql("XA RECOVER").fetch_all(at).await?;
                rows.iter().map(|row| text(row.get_unchecked("data"))).collect()
            }
        })
    }
}

fn is_absent(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| NOT_THERE.contains(&&*code))
}

fn told(error: sqlx::Error) -> String {
    error.to_string()
}
