//! Which source serves a read, over SQLite: files that stand for replicas. A real one is in `replica.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use participant::sources::plan::{Access, Role};
use participant::sources::{Freshness, SourceFault, Sources};
use sqlx::Sqlite;

use crate::place::{Base, Place, declared, parse, shard};

const SOON: Freshness = Freshness::Within(Duration::from_secs(5));

fn replica(place: &Place, at: usize, more: &str) -> String {
    place.source(at, &format!("role = \"replica\"\nreplica_of = \"s0\"\n{more}"))
}

const ALL: &str = "[[rule]]\nname = \"all\"\nto = \"s0\"\n[health]\nevery_ms = 20\n";

async fn served(sources: &Sources<Sqlite>, freshness: Freshness, times: usize) -> BTreeMap<String, usize> {
    let mut served = BTreeMap::new();
    for _ in 0..times {
        let mut reader = sources.read(&shard(0), freshness).await.unwrap();
        let name = reader.source().to_owned();
        assert_eq!(Sqlite::texts(&mut reader, "SELECT name FROM me".to_owned()).await.unwrap(), [&*name]);
        assert_eq!(reader.role() == Role::Primary, name == "s0");
        *served.entry(name).or_default() += 1;
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_reads_by_weight_and_own_writes_are_read_from_the_primary() {
    let place = Place::of::<Sqlite>(4).await;
    let text = |more: &str| {
        let (one, three) =
            (replica(&place, 1, "weight = 1"), replica(&place, 2, &format!("weight = 3\n{more}")));
        format!("{}{one}{three}{}{ALL}", place.source(0, ""), replica(&place, 3, "weight = 0"))
    };
    let sources = Sources::<Sqlite>::open(parse(&text(""))).await.unwrap();
    let shared = served(&sources, SOON, 400).await;
    assert_eq!(shared, BTreeMap::from([("s1".to_owned(), 100), ("s2".to_owned(), 300)]));
    for freshness in [Freshness::Latest, Freshness::OwnWrite] {
        assert_eq!(served(&sources, freshness, 10).await, BTreeMap::from([("s0".to_owned(), 10)]));
    }
    // Drained: reads go to the others.
    sources.reload(parse(&text("drain = true"))).await.unwrap();
    assert_eq!(served(&sources, SOON, 10).await, BTreeMap::from([("s1".to_owned(), 10)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_away_is_passed_over_and_a_primary_that_is_away_is_not_replaced() {
    let place = Place::of::<Sqlite>(2).await;
    let gone = "sqlite:///no/such/folder/books.db";
    // The replica is away: the primary serves.
    let away = declared("s1", gone, "role = \"replica\"\nreplica_of = \"s0\"");
    let sources = Sources::open(parse(&format!("{}{away}{ALL}", place.source(0, "")))).await.unwrap();
    assert_eq!(served(&sources, SOON, 5).await, BTreeMap::from([("s0".to_owned(), 5)]));
    // The primary is away: reads that may be old are served, nothing else is.
    let away = declared("s0", gone, "");
    sources.reload(parse(&format!("{away}{}{ALL}", replica(&place, 1, "")))).await.unwrap();
    assert_eq!(served(&sources, SOON, 5).await, BTreeMap::from([("s1".to_owned(), 5)]));
    for freshness in [Freshness::Latest, Freshness::OwnWrite] {
        let told = sources.read(&shard(0), freshness).await.map(drop).unwrap_err();
        assert!(matches!(told, SourceFault::PrimaryDown { .. }), "{told}");
    }
    for _ in 0..100 {
        let told = sources.barrier(&shard(0)).map(drop).unwrap_err();
        assert!(matches!(told, SourceFault::PrimaryDown { .. }), "{told}");
    }
    assert!(place.texts::<Sqlite>(1, "SELECT id FROM work").await.is_empty());
    assert_eq!(sources.plan().place(&shard(0), Access::Write).unwrap().primary().name(), "s0");
}
