//! What the tests share: the server, a barrier over keys of the test's own, calls.

use std::time::Duration;

use lab::services::{Service, url};
use participant::barrier::Coordinator;
use participant::call::{Answer, Branch, Call, Content};
use participant::redis::{BusinessScript, Change, Fault, RedisBarrier, Settings};
use redis::aio::ConnectionManager;
use transaction::{Operation, Pattern};

pub(crate) const HORIZON: Duration = Duration::from_hours(30 * 24);

/// A barrier, a connection beside it, and a hash tag that no other test has.
pub(crate) struct Store {
    pub(crate) barrier: RedisBarrier<ConnectionManager>,
    pub(crate) connection: ConnectionManager,
    pub(crate) tag: String,
}

impl Store {
    pub(crate) async fn open() -> Store {
        Store::at(&url(Service::Redis)).await
    }

    pub(crate) async fn at(url: &str) -> Store {
        let client = redis::Client::open(url).unwrap();
        let connection = client.get_connection_manager().await.unwrap();
        let settings = Settings::new("tercet", HORIZON, Coordinator::default()).unwrap();
        let barrier = RedisBarrier::new(connection.clone(), settings);
        Store { barrier, connection, tag: format!("test-{:016x}", fastrand::u64(..)) }
    }

    /// A key of the test's own.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{name}:{{{}}}", self.tag)
    }

    pub(crate) async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection.clone()).await.unwrap()
    }

    /// Units of the counter at `key` from nothing.
    pub(crate) async fn stock(&self, key: &str, available: u64) {
        let () = self.command(&["HSET", key, "available", &available.to_string()]).await;
    }

    /// A change of these scripts' parts over one key.
    pub(crate) fn change(&self, allow: &str, apply: &str) -> Change {
        let lua = format!(
            "return {{allow = function(read, keys, arguments, result) {allow} end, \
             apply = function(write, keys, arguments, result) {apply} end}}"
        );
        Change::new(&BusinessScript::new(&lua), &[self.key("effects")], Vec::new()).unwrap()
    }

    /// Counts that it was made.
    pub(crate) fn counted(&self) -> Change {
        self.change("", "write('INCR', keys[1])")
    }

    pub(crate) async fn effects(&self) -> u64 {
        self.command::<Option<u64>>(&["GET", &self.key("effects")]).await.unwrap_or(0)
    }

    pub(crate) async fn run(&self, call: &Call, change: &Change) -> Answer {
        self.barrier.run(call, change).await.unwrap()
    }

    pub(crate) async fn fault(&self, call: &Call, change: &Change) -> Fault {
        self.barrier.run(call, change).await.unwrap_err()
    }

    pub(crate) async fn record(&self, call: &Call) -> Option<String> {
        self.command(&["HGET", &self.barrier.key(&self.tag, &call.branch), "record"]).await
    }

    /// Milliseconds that the record of the call's branch still has; -1: for ever, -2: there is none.
    pub(crate) async fn life_ms(&self, call: &Call) -> i64 {
        self.command(&["PTTL", &self.barrier.key(&self.tag, &call.branch)]).await
    }
}

pub(crate) fn call(transaction: &str, pattern: Pattern, operation: Operation) -> Call {
    let branch = Branch { transaction: transaction.to_owned(), branch: "stock".to_owned() };
    Call { branch, pattern, operation, attempt: 1, content: Content::of(b"{}") }
}

pub(crate) fn tcc(transaction: &str, operation: Operation) -> Call {
    call(transaction, Pattern::Tcc, operation)
}

/// The status, and the code of a refusal.
pub(crate) fn told(answer: &Answer) -> (u16, String) {
    let problem: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let code = problem.as_ref().and_then(|problem| problem.get("code")?.as_str()).unwrap_or_default();
    (answer.status.as_u16(), code.to_owned())
}
