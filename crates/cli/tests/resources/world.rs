//! A database with a stock table, whichever it is, and a server that is told of it. Rows are read by the database's own
//! client, never by the server.

use std::path::Path;
use std::process::Command;

use lab::services::{Service, url};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Tercet;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
    MariaDb,
}

pub const ENGINES: [Engine; 3] = [Engine::Sqlite, Engine::Postgres, Engine::MariaDb];

/// A database of the test's own.
pub struct Database {
    engine: Engine,
    name: String,
    pub url: String,
}

impl Database {
    /// A fresh one with 10 of A and 5 of B in stock.
    pub fn new(engine: Engine, folder: &Path) -> Database {
        let name = format!("resource_{}_{}", std::process::id(), fastrand::u32(..));
        let database = match engine {
            Engine::Sqlite => {
                let path = folder.join("shop.db");
                Database {
                    engine,
                    url: format!("sqlite:{}", path.display()),
                    name: path.display().to_string(),
                }
            }
            Engine::Postgres => {
                let server = url(Service::Postgres);
                client(Engine::Postgres, (&server, ""), &format!("CREATE DATABASE {name}"));
                let base = server.rsplit_once('/').unwrap().0.to_owned();
                Database { engine, url: format!("{base}/{name}"), name }
            }
            Engine::MariaDb => {
                let server = url(Service::MariaDb);
                client(Engine::MariaDb, (&server, ""), &format!("CREATE DATABASE {name}"));
                let base = server.rsplit_once('/').unwrap().0.to_owned();
                Database { engine, url: format!("{base}/{name}"), name }
            }
        };
        database.run("CREATE TABLE stock (sku varchar(64) PRIMARY KEY, available integer NOT NULL, reserved integer NOT NULL, sold integer NOT NULL, CHECK (available >= 0))");
        database.run("CREATE TABLE told (transaction_id varchar(128), branch_id varchar(128), price decimal(20, 4), gift boolean)");
        database.run("INSERT INTO stock VALUES ('A', 10, 0, 0), ('B', 5, 0, 0), ('it''s; -- :n', 7, 0, 0)");
        database
    }

    /// Runs a statement, and says what it gives: columns with `|`, rows on lines.
    pub fn run(&self, sql: &str) -> String {
        if self.engine == Engine::Sqlite {
            return sqlite(&self.name, sql);
        }
        client(self.engine, (&self.url, &self.name), sql)
    }

    /// `available|reserved|sold` of A.
    pub fn stock(&self) -> String {
        self.run("SELECT available, reserved, sold FROM stock WHERE sku = 'A'")
    }
}

fn sqlite(path: &str, sql: &str) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |index| match row.get_ref(index).unwrap() {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            rusqlite::types::ValueRef::Real(number) => number.to_string(),
            rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        lines.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}

fn client(engine: Engine, (url, database): (&str, &str), sql: &str) -> String {
    let mut command = match engine {
        Engine::Postgres => {
            let mut command = Command::new("psql");
            command.args([url, "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql]);
            command
        }
        Engine::Sqlite | Engine::MariaDb => {
            let (login, place) = url.split_once("://").unwrap().1.split_once('@').unwrap();
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            let (host, port) = place.split('/').next().unwrap().split_once(':').unwrap();
            let mut command = Command::new("mariadb");
            command.args(["--no-defaults", "-h", host, "-P", port, "-u", user, "--skip-column-names", "-B"]);
            command.env("MYSQL_PWD", password).args(["-e", sql, database]);
            command
        }
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().replace('\t', "|")
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.engine != Engine::Sqlite {
            let (service, drop) = match self.engine {
                Engine::Postgres => (Service::Postgres, format!("DROP DATABASE {} WITH (FORCE)", self.name)),
                Engine::Sqlite | Engine::MariaDb => {
                    (Service::MariaDb, format!("DROP DATABASE {}", self.name))
                }
            };
            client(self.engine, (&url(service), ""), &drop);
        }
    }
}

/// A server with the resources `stock` (all patterns) and `strict` (whose confirm can't be).
pub struct World {
    // Its server ends before its database goes.
    pub server: Tercet,
    pub database: Database,
    pub folder: TempDir,
}

impl World {
    pub fn new(engine: Engine) -> World {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(engine, folder.path());
        let path = folder.path().join("resources.json");
        std::fs::write(&path, declared(&database.url).to_string()).unwrap();
        let server = Tercet::on(folder.path(), &["--resources-file", path.to_str().unwrap()]).unwrap();
        World { server, database, folder }
    }
}

/// The file.
pub fn declared(url: &str) -> Value {
    let set = |set: &str, guard: &str| format!("UPDATE stock SET {set} WHERE sku = :sku AND {guard}");
    let reserve = set("available = available - :n, reserved = reserved + :n", "available >= :n");
    let stock = json!({
        "source": "main",
        "parameters": {"sku": "text", "n": "integer"},
        "try": {"sql": reserve, "rows": 1, "refusal": "stock_short"},
        "confirm": {"sql": set("reserved = reserved - :n, sold = sold + :n", "reserved >= :n"), "rows": 1},
        "cancel": {"sql": set("available = available + :n, reserved = reserved - :n", "reserved >= :n"), "rows": 1},
        "action": {"sql": set("available = available - :n, sold = sold + :n", "available >= :n"), "rows": 1, "refusal": "stock_short"},
        "compensate": {"sql": set("available = available + :n, sold = sold - :n", "sold >= :n"), "rows": 1},
        "deliver": {"sql": set("available = available + :n", ":n > 0"), "rows": 1},
    });
    let strict = json!({
        "source": "main",
        "parameters": {"sku": "text", "n": "integer"},
        "try": {"sql": "UPDATE stock SET available = available - :n WHERE sku = :sku"},
        "confirm": [
            {"sql": "UPDATE stock SET sold = sold + :n WHERE sku = :sku", "rows": 1},
            {"sql": "UPDATE stock SET sold = sold + :n WHERE sku = 'none'", "rows": 1},
        ],
        "cancel": {"sql": "UPDATE stock SET available = available + :n WHERE sku = :sku", "rows": 1},
    });
    let told = json!({
        "source": "main",
        "parameters": {"price": "decimal", "gift": "boolean"},
        "deliver": {"sql": "INSERT INTO told (transaction_id, branch_id, price, gift)
            VALUES (:tercet_transaction, :tercet_branch, :price, :gift)", "rows": 1},
    });
    json!({
        "sources": {"main": {"url": url, "create_schema": true}},
        "resources": {"stock": stock, "strict": strict, "told": told},
    })
}

/// A `sql` branch.
pub fn sql(id: &str, resource: &str, parameters: Value) -> Value {
    json!({"id": id, "kind": "sql", "resource": resource, "parameters": parameters})
}

/// A branch that takes so many of A.
pub fn take(n: i64) -> Value {
    sql("stock", "stock", json!({"sku": "A", "n": n}))
}
