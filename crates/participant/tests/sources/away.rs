//! A primary is killed and comes back; a standby, or a database that takes no writes, is never written to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::services::Private;
use participant::database::Local;
use participant::sources::{SourceFault, Sources};
use sqlx::{MySql, Postgres};
use tokio::sync::Notify;

use crate::place::{
    Base, Fault, declared, furnish, insert, is_down, listed, on_server, parse, shard, until, work,
};

const HEALTH: &str = "[health]\nevery_ms = 50\ntimeout_ms = 1000\nout_after = 2\nin_after = 2\n";

/// A source on a server that is to be killed, and one beside it.
async fn pair<D: Base>(server: &Private) -> (Sources<D>, String) {
    let (doomed, other) = (on_server::<D>(&server.url()).await, D::create().await);
    furnish::<D>(&doomed, "s0").await;
    furnish::<D>(&other, "s1").await;
    let text = declared("s0", &doomed, "") + &declared("s1", &other, "") + &listed(&[0, 1]) + HEALTH;
    (Sources::open(parse(&text)).await.unwrap(), doomed)
}

fn is_in<D: Base>(sources: &Sources<D>) -> bool {
    sources.snapshot()[0].out.is_none()
}

async fn killed<D: Base>(mut server: Private) {
    let (sources, url) = pair::<D>(&server).await;
    work(&sources, (&shard(0), 0), "before").await.unwrap();
    // One is under way when the server is killed: it fails, and is not tried anywhere else.
    let (opened, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let under_way = tokio::spawn({
        let (sources, opened, go) = (sources.clone(), Arc::clone(&opened), Arc::clone(&go));
        async move {
            let change = async |mut local: Local<'_, D>| {
                D::change(&mut local, insert("cut-off", 0, "")).await?;
                opened.notify_one();
                go.notified().await;
                D::change(&mut local, insert("cut-off-too", 0, "")).await?;
                Ok::<_, Fault>(())
            };
            sources.local(&shard(0), change).await
        }
    });
    opened.notified().await;
    tokio::task::block_in_place(|| server.kill9());
    go.notify_one();
    under_way.await.unwrap().unwrap_err();
    // Refused soon, whoever waits for a connection too; and never longer than the pool would wait.
    let began = Instant::now();
    let told = work(&sources, (&shard(0), 0), "lost").await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}: {told}", began.elapsed());
    until("it is out", || !is_in(&sources)).await;
    for _ in 0..50 {
        let told = sources.barrier(&shard(0)).map(drop).unwrap_err();
        assert!(is_down(&told, "s0"), "{told}");
        work(&sources, (&shard(1), 1), &format!("{:016x}", fastrand::u64(..))).await.unwrap();
    }
    let why = sources.snapshot()[0].out.clone().unwrap();
    assert!(why.starts_with("it can't be reached") || why.starts_with("a look at it failed"), "{why}");
    tokio::task::block_in_place(|| server.restart());
    until("it is back", || is_in(&sources)).await;
    work(&sources, (&shard(0), 0), "after").await.unwrap();
    let mut connection = D::connect(&url).await;
    let ids = D::texts(&mut connection, "SELECT id FROM work ORDER BY id".to_owned()).await.unwrap();
    assert_eq!(ids, ["after", "before"]);
    let snapshot = &sources.snapshot()[0];
    assert_eq!(snapshot.outs, 1, "{snapshot:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_postgres_is_out_until_it_is_back_and_others_go_on() {
    killed::<Postgres>(Private::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_mariadb_is_out_until_it_is_back_and_others_go_on() {
    killed::<MySql>(Private::mariadb()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mariadb_that_is_set_to_read_only_is_out() {
    let server = Private::mariadb();
    let (sources, url) = pair::<MySql>(&server).await;
    let mut connection = MySql::connect(&url).await;
    work(&sources, (&shard(0), 0), "a").await.unwrap();
    MySql::change(&mut connection, "SET GLOBAL read_only = 1".to_owned()).await.unwrap();
    until("it is out", || !is_in(&sources)).await;
    let told = sources.barrier(&shard(0)).map(drop).unwrap_err();
    assert!(
        matches!(&told, SourceFault::PrimaryDown { why, .. } if why.contains("takes no writes")),
        "{told}"
    );
    MySql::change(&mut connection, "SET GLOBAL read_only = 0".to_owned()).await.unwrap();
    until("it is back", || is_in(&sources)).await;
}

/// One that follows a primary that is not there: it can't say how far it is behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mariadb_replica_that_can_not_say_its_lag_serves_no_bounded_read() {
    use participant::sources::Freshness;

    let server = Private::mariadb();
    let (one, other) = (on_server::<MySql>(&server.url()).await, MySql::create().await);
    furnish::<MySql>(&other, "s0").await;
    furnish::<MySql>(&one, "s1").await;
    let replica = declared("s1", &one, "role = \"replica\"\nreplica_of = \"s0\"");
    let text = declared("s0", &other, "") + &replica + "[[rule]]\nname = \"all\"\nto = \"s0\"\n" + HEALTH;
    let sources = Sources::<MySql>::open(parse(&text)).await.unwrap();
    let out = sources.snapshot()[1].out.clone().unwrap();
    assert!(out.starts_with("it follows no primary"), "{out}");
    let mut connection = MySql::connect(&one).await;
    for sql in ["SET GLOBAL server_id = 7", "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1"] {
        MySql::change(&mut connection, sql.to_owned()).await.unwrap();
    }
    until("it is in", || sources.snapshot()[1].out.is_none()).await;
    assert_eq!(sources.snapshot()[1].lag, None);
    let reader = sources.read(&shard(0), Freshness::Within(Duration::from_secs(3_000))).await.unwrap();
    assert_eq!(reader.source(), "s0");
}
