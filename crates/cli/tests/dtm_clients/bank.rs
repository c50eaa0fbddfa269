//! The participant in Python with books in MariaDB: `bank.py` as a process, on a database of its own.

use lab::example::{Example, database};
use lab::http::Http;
use lab::services::Service;
use serde_json::Value;

use crate::python::program;

/// A bank that serves; it ends with this.
pub struct Bank {
    pub mysql: String,
    service: Example,
}

impl Bank {
    pub fn start() -> Bank {
        let mysql = database(Service::MariaDb);
        let service = Example::start(&mut program("bank.py", &[&mysql]));
        Bank { mysql, service }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.service.address)
    }

    /// Balance and holds of each account.
    pub fn books(&self) -> Value {
        let http = Http { address: self.service.address, token: None };
        http.try_get("/books").unwrap().is(200).body.clone()
    }

    /// Makes a call as a coordinator would, and answers its status.
    pub fn call(&self, target: &str, body: &[u8]) -> u16 {
        let http = Http { address: self.service.address, token: None };
        http.send(("POST", target), &[], body).unwrap().status
    }
}
