//! Relays that are killed, and relays that are told to end.

use std::process::Command;

use lab::services::{Service, url};
use participant::database::Dialect;
use participant::outbox::Outbox;
use sqlx::{AssertSqlSafe, MySql, Pool, Postgres};

use super::support::{Participant, Tercet};
use super::{File, Started, distinct, enqueue, message, relay, start, until};

const KEYS: u32 = 10;
const EACH: u32 = 100;

/// Kills relays with `kill -9` under load, then lets one finish.
async fn kills<D: Dialect>(outbox: Outbox<D>, database: &str) {
    outbox.create_schema().await.unwrap();
    let server = Tercet::start();
    let shop = Participant::start();
    let mut messages = Vec::new();
    for number in 0..EACH {
        messages.extend((0..KEYS).map(|key| {
            message(&format!("m-{key}-{number}"), &shop.url("deliver")).key(format!("user:{key}"))
        }));
        messages.push(message(&format!("free-{number}"), &shop.url("deliver")));
    }
    let all = messages.len();
    enqueue(&outbox, &messages).await;
    let to = format!("http://{}", server.address);
    let flags = ["--server", &to, "--lease-ms", "1500", "--timeout-ms", "700"];
    let waiting = async || outbox.backlog().await.unwrap().waiting as usize;
    for _ in 0..4 {
        let before = waiting().await;
        let mut two = [start(relay(database, &flags)), start(relay(database, &flags))];
        until("a relay", async || waiting().await + 30 <= before || waiting().await == 0).await;
        two.iter_mut().for_each(Started::kill9);
    }
    assert!(waiting().await > 0, "the kills came too late");
    let mut last = start(relay(database, &flags));
    until("the rest", async || waiting().await == 0).await;
    last.kill9();
    until("the deliveries", async || shop.calls("deliver", "deliver").len() >= all).await;
    let came: Vec<_> = shop.calls("deliver", "deliver").into_iter().map(|call| call.transaction).collect();
    // What was handed over twice is one transaction of the server all the same.
    assert_eq!((came.len(), distinct(&came)), (all, all));
    for key in 0..KEYS {
        let prefix = format!("m-{key}-");
        let numbers: Vec<u32> = came.iter().filter_map(|id| id.strip_prefix(&prefix)?.parse().ok()).collect();
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_relays_lose_nothing_and_keep_the_order_sqlite() {
    let file = File::new().await;
    kills(file.outbox.clone(), &file.url).await;
}

/// A database of a test's own on a shared server.
macro_rules! on_server {
    ($test:ident, $database:ty, $service:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let server = url($service);
            let admin = Pool::<$database>::connect(&server).await.unwrap();
            let name = format!("relay_{:016x}", fastrand::u64(..));
            sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&admin).await.unwrap();
            let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
            let pool = Pool::<$database>::connect(&url).await.unwrap();
            kills(Outbox::new(pool.clone()), &url).await;
            pool.close().await;
            sqlx::query(AssertSqlSafe(format!("DROP DATABASE {name}"))).execute(&admin).await.unwrap();
        }
    };
}

on_server!(killed_relays_lose_nothing_and_keep_the_order_postgres, Postgres, Service::Postgres);
on_server!(killed_relays_lose_nothing_and_keep_the_order_mysql, MySql, Service::MariaDb);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_it_with_nothing_held() {
    let file = File::new().await;
    let shop = Participant::start();
    let messages: Vec<_> = (0..2000).map(|at| message(&format!("m-{at}"), &shop.url("deliver"))).collect();
    enqueue(&file.outbox, &messages).await;
    let flags = ["--direct", "--lease-ms", "600000", "--parallel", "4"];
    let mut relay = start(file.relay(&flags));
    until("a first row", async || !shop.all_calls().is_empty()).await;
    let killed = Command::new("kill").args(["-TERM", &relay.0.id().to_string()]).status().unwrap();
    assert!(killed.success() && relay.0.wait().unwrap().success());
    let sent = shop.all_calls().len() as u64;
    assert!(sent < 2000, "it ended too late to tell");
    assert_eq!(file.outbox.backlog().await.unwrap().waiting, 2000 - sent, "what was sent is marked");
    // The lease is long: what was still held could not be sent now.
    assert!(file.run(&["--direct", "--once"]).status.success());
    assert_eq!(shop.all_calls().len(), 2000, "nothing twice");
}
