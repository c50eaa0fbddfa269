//! Counters in Redis, and the script that is measured: one unit reserved. The same business script runs on both sides,
//! alone or behind the barrier, each worker over a connection of its own. Durable as far as that Redis is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use participant::barrier::Coordinator;
use participant::redis::{RedisBarrier, Settings, counter};
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};
use transaction::Operation;

use super::store::call;
use super::{Bench, CONNECTIONS, Guard};
use crate::histogram::Histogram;

/// As many as a database has rows here.
const COUNTERS: u64 = 10_000;

/// Counters of this measurement's own.
pub(super) struct Counters {
    workers: Vec<Worker>,
    /// What all of their hash tags begin with.
    tag: String,
    plain: Script,
    next: AtomicU64,
}

struct Worker {
    connection: MultiplexedConnection,
    barrier: RedisBarrier<MultiplexedConnection>,
}

impl Counters {
    pub(super) async fn open(url: &str) -> anyhow::Result<Counters> {
        let client = Client::open(url)?;
        let horizon = Duration::from_hours(30 * 24);
        let settings = Settings::new("bench", horizon, Coordinator::default())?;
        let mut workers = Vec::new();
        for _ in 0..CONNECTIONS {
            let connection = client.get_multiplexed_async_connection().await?;
            let barrier = RedisBarrier::new(connection.clone(), settings.clone());
            workers.push(Worker { connection, barrier });
        }
        let lua = counter::LUA;
        let plain = Script::new(&format!(
            "local it = (function() {lua} end)()
             return it.allow(redis.call, KEYS, ARGV) or it.apply(redis.call, KEYS, ARGV)"
        ));
        let tag = format!("bench-{}", std::process::id());
        let counters = Counters { workers, tag, plain, next: AtomicU64::new(0) };
        let mut fill = redis::pipe();
        for row in 0..COUNTERS {
            fill.cmd("HSET").arg(counters.key(row)).arg("available").arg(1_000_000_000).ignore();
        }
        let () = fill.query_async(&mut counters.connection()).await?;
        Ok(counters)
    }

    /// Removes the counters and their records, which still hold something and would stay.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        let mut connection = self.connection();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("*{{{}-*", self.tag)).arg("COUNT").arg(1_000);
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
            if !keys.is_empty() {
                let () = redis::cmd("UNLINK").arg(&keys).query_async(&mut connection).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn connection(&self) -> MultiplexedConnection {
        self.workers[0].connection.clone()
    }

    fn key(&self, row: u64) -> String {
        format!("stock:{{{}-{row}}}", self.tag)
    }

    async fn plain(&self, worker: &Worker, row: u64) -> anyhow::Result<()> {
        let mut invocation = self.plain.key(self.key(row));
        let answer: String =
            invocation.arg("reserve").arg(1).invoke_async(&mut worker.connection.clone()).await?;
        ensure!(answer == r#"{"count":1}"#, "answered {answer}");
        Ok(())
    }

    async fn behind(&self, worker: &Worker, number: u64) -> anyhow::Result<()> {
        let call = call(format!("bench-{number:012}"), Operation::Try);
        let change = counter::change(&self.key(row(number)), &call, 1)?;
        let answer = worker.barrier.run(&call, &change).await?;
        ensure!(answer.status.is_success(), "answered {}", answer.status);
        Ok(())
    }
}

fn row(number: u64) -> u64 {
    number.wrapping_mul(7_919) % COUNTERS
}

impl Bench for Counters {
    async fn work(&self, guard: Guard, worker: u32, until: Instant) -> anyhow::Result<Histogram> {
        let worker = &self.workers[worker as usize];
        let mut took = Histogram::new();
        let mut last = Instant::now();
        while last < until {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            match guard {
                Guard::Nothing => self.plain(worker, row(number)).await?,
                Guard::Barrier => self.behind(worker, number).await?,
            }
            let now = Instant::now();
            took.record(now - last);
            last = now;
        }
        Ok(took)
    }
}
