//! The server and a bank over each database, and a transfer between them as its initiator begins it.

use lab::services::Service;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::bank::Bank;
use crate::database::Database;
use crate::support::{Tercet, until, with};

/// What is asked again is asked soon.
const QUICK: &[&str] = &["--dtm-retry-interval-ms", "100"];

/// Takes 30 from anna in PostgreSQL (branch 01), gives them to bert in MariaDB (branch 02).
pub struct World {
    pub tercet: Tercet,
    pub postgres: Bank,
    pub mariadb: Bank,
    pub runtime: Runtime,
}

impl World {
    pub fn start() -> World {
        World::over(async |service| Database::new(service).await)
    }

    /// On databases that the test makes.
    pub fn over(make: impl AsyncFn(Service) -> Database) -> World {
        let runtime = Runtime::new().unwrap();
        let start = |service| runtime.block_on(async { Bank::start(make(service).await).await });
        let (postgres, mariadb) = (start(Service::Postgres), start(Service::MariaDb));
        World { tercet: Tercet::with(QUICK), postgres, mariadb, runtime }
    }

    /// Opens the transaction under an id that no other test has; prepared transactions are everybody's on a server.
    pub fn open(&self, more: Value) -> String {
        let id = format!("xa-{}-{:08x}", std::process::id(), fastrand::u32(..));
        self.tercet.does("prepare", &with(xa(&id), more));
        id
    }

    /// The first phase on PostgreSQL; answers its status.
    pub fn takes(&self, id: &str, amount: u32) -> u16 {
        let body = json!({ "account": "anna", "amount": -i64::from(amount) });
        self.postgres.call((id, "01", "action"), (&self.tercet, &body))
    }

    /// The first phase on MariaDB.
    pub fn gives(&self, id: &str, account: &str) -> u16 {
        self.mariadb.call((id, "02", "action"), (&self.tercet, &json!({ "account": account, "amount": 30 })))
    }

    /// A transaction with both branches prepared.
    pub fn prepared(&self, more: Value) -> String {
        let id = self.open(more);
        assert_eq!((self.takes(&id, 30), self.gives(&id, "bert")), (200, 200));
        id
    }

    pub fn submit(&self, id: &str) {
        self.tercet.does("submit", &xa(id));
    }

    pub fn abort(&self, id: &str) {
        self.tercet.does("abort", &xa(id));
    }

    /// What anna has in PostgreSQL and bert in MariaDB.
    pub fn balances(&self) -> (i32, i32) {
        let of = |bank: &Bank, account| self.runtime.block_on(bank.database.balance(account));
        (of(&self.postgres, "anna"), of(&self.mariadb, "bert"))
    }

    /// The branches that are prepared and not ended, in PostgreSQL and in MariaDB.
    pub fn held(&self, id: &str) -> (Vec<String>, Vec<String>) {
        let of = |bank: &Bank| self.runtime.block_on(bank.database.held(id));
        (of(&self.postgres), of(&self.mariadb))
    }

    /// Waits for this end, and for nothing to be held back by it.
    pub fn ends(&self, id: &str, status: &str) {
        self.tercet.wait(id, status);
        until("nothing is held", || (self.held(id) == (vec![], vec![])).then_some(()));
    }
}

/// What every verb on it needs.
pub fn xa(id: &str) -> Value {
    json!({ "gid": id, "trans_type": "xa" })
}
