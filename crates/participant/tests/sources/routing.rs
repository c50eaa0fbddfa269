//! Keys and places, the barrier, the local transaction, meters, drained sources.

use std::sync::Arc;

use participant::barrier::{Business, Pending};
use participant::call::{Branch, Call, Content, Outcome};
use participant::database::Local;
use participant::sources::plan::Key;
use participant::sources::{Freshness, SourceFault, Sources};
use transaction::{Operation, Pattern};

use crate::place::{Base, Fault, Place, insert, listed, parse, shard, work};

pub(crate) async fn by_key<D: Base>() {
    let place = Place::of::<D>(3).await;
    let rules = "[[rule]]\nname = \"t\"\ntenant = \"t\"\nto = \"s2\"\n
        [[rule]]\nname = \"h\"\nservice = \"shop\"\n
        hash = { slots = 16, parts = [{ slots = \"0-7\", to = \"s0\" }, { slots = \"8-15\", to = \"s1\" }] }\n";
    let plan = parse(&format!("{}{rules}", place.sources()));
    let sources = Sources::<D>::open(plan).await.unwrap();
    // Slots 4, 8 and 13 of the published hash.
    for (key, id) in [
        (Key::of("shop").shard(""), "in-0"),
        (Key::of("shop").shard(0), "in-1"),
        (Key::of("shop").shard(42), "too-1"),
        (Key::of("shop").tenant("t").shard(42), "in-2"),
    ] {
        work(&sources, (&key, 0), id).await.unwrap();
    }
    let nowhere = sources.barrier(&Key::of("stock").shard(1)).unwrap_err();
    assert!(matches!(nowhere, SourceFault::Unmatched(_)), "{nowhere}");
    assert!(work(&sources, (&Key::of("shop"), 0), "nowhere").await.is_err());
    let ids = "SELECT id FROM work ORDER BY id";
    assert_eq!(place.texts::<D>(0, ids).await, ["in-0"]);
    assert_eq!(place.texts::<D>(1, ids).await, ["in-1", "too-1"]);
    assert_eq!(place.texts::<D>(2, ids).await, ["in-2"]);
}

/// One row of work, as the barrier runs it.
pub(crate) struct Insert(pub(crate) usize);

impl<D: Base> Business<D> for Insert {
    fn change<'t>(&'t self, mut local: Local<'t, D>) -> Pending<'t> {
        Box::pin(async move {
            D::change(&mut local, insert(&format!("w{}", self.0), self.0, "")).await?;
            Ok(Outcome::done())
        })
    }
}

pub(crate) fn call(number: usize) -> Call {
    Call {
        branch: Branch { transaction: format!("order-{number}"), branch: "stock".to_owned() },
        pattern: Pattern::Tcc,
        operation: Operation::Try,
        attempt: 1,
        content: Content::of(b"{}"),
    }
}

pub(crate) async fn barrier<D: Base>() {
    let place = Place::of::<D>(2).await;
    let plan = parse(&format!("{}{}", place.sources(), listed(&[0, 1, 0, 1])));
    let sources = Sources::<D>::open(plan).await.unwrap();
    sources.create_schema().await.unwrap();
    for number in (0..4).chain(0..4) {
        let barrier = sources.barrier(&shard(number)).unwrap();
        let answer = barrier.run(&call(number), &Insert(number)).await.unwrap();
        assert!(answer.status.is_success(), "{answer:?}");
    }
    for (at, due) in [(0, ["0", "2"]), (1, ["1", "3"])] {
        let orders = due.map(|number| format!("order-{number}"));
        let of = "FROM tercet_barrier ORDER BY 1";
        let column = format!("SELECT transaction_id {of}");
        assert_eq!(place.texts::<D>(at, &column).await, orders, "{at}");
        assert_eq!(place.texts::<D>(at, "SELECT shard FROM work ORDER BY 1").await, due, "{at}");
    }
}

pub(crate) async fn inside<D: Base>() {
    let place = Place::of::<D>(2).await;
    let plan = parse(&format!("{}{}", place.sources(), listed(&[0, 1])));
    let sources = Sources::<D>::open(plan).await.unwrap();
    sources.create_schema().await.unwrap();
    let (one, other) = (shard(0), shard(1));
    let found = sources
        .local(&one, async |mut local| {
            D::change(&mut local, insert("a", 0, "")).await?;
            let mut told = Vec::new();
            for key in [&one, &other] {
                told.push(sources.barrier(key).map(drop));
                told.push(sources.read(key, Freshness::Latest).await.map(drop));
                told.push(sources.local(key, async |_| Ok::<_, SourceFault>(())).await);
            }
            Ok::<_, Fault>(told)
        })
        .await
        .unwrap();
    assert_eq!(found.len(), 6);
    for told in found {
        assert!(matches!(told, Err(SourceFault::InsideLocalTransaction)), "{told:?}");
    }
    // Also in a business function behind the barrier.
    let answer = sources.barrier(&one).unwrap().run(&call(1), &Switches(sources.clone())).await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
    // And never afterwards, or beside it.
    work(&sources, (&other, 1), "b").await.unwrap();
    assert_eq!(place.texts::<D>(0, "SELECT id FROM work").await, ["a"]);
    assert_eq!(place.texts::<D>(1, "SELECT id FROM work").await, ["b"]);
}

struct Switches<D: Base>(Sources<D>);

impl<D: Base> Business<D> for Switches<D> {
    fn change<'t>(&'t self, _: Local<'t, D>) -> Pending<'t> {
        Box::pin(async {
            let told = self.0.barrier(&shard(1));
            assert!(matches!(told, Err(SourceFault::InsideLocalTransaction)), "{told:?}");
            Ok(Outcome::done())
        })
    }
}

pub(crate) async fn rolled_back<D: Base>() {
    let place = Place::of::<D>(1).await;
    let sources = Sources::<D>::open(parse(&format!("{}{}", place.sources(), listed(&[0])))).await.unwrap();
    let told = sources
        .local(&shard(0), async |mut local| {
            D::change(&mut local, insert("a", 0, "")).await?;
            Err::<(), _>(Fault::of("no"))
        })
        .await;
    assert_eq!(told.unwrap_err().to_string(), "no");
    assert!(place.texts::<D>(0, "SELECT id FROM work").await.is_empty());
}

pub(crate) async fn schema<D: Base>() {
    let place = Place::of::<D>(2).await;
    let sources = Sources::<D>::open(parse(&format!("{}{}", place.sources(), listed(&[0])))).await.unwrap();
    assert!(matches!(sources.check_schema(&["work"]).await, Err(SourceFault::Schema { .. })));
    sources.create_schema().await.unwrap();
    sources.check_schema(&["work"]).await.unwrap();
    let mut connection = D::connect(&place.urls[1]).await;
    D::change(&mut connection, "DROP TABLE work".to_owned()).await.unwrap();
    let told = sources.check_schema(&["work"]).await.unwrap_err().to_string();
    assert!(told.starts_with("the source s1: the table work is not in the database"), "{told}");
}

pub(crate) async fn refused<D: Base>() {
    let place = Place::of::<D>(2).await;
    let sources =
        Sources::<D>::open(parse(&format!("{}{}", place.sources(), listed(&[0, 1])))).await.unwrap();
    let before = sources.plan();
    let other = format!(
        "{}[[source]]\nname = \"z\"\nurl = \"oracle://z/hush\"\n{}",
        place.source(0, ""),
        listed(&[0])
    );
    let told = sources.reload(parse(&other)).await.unwrap_err().to_string();
    assert!(told.contains("source z: its url is of \"oracle\"") && !told.contains("hush"), "{told}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[[source]]\nname = 5\n").unwrap();
    assert!(matches!(sources.reload_from(file.path()).await, Err(SourceFault::Plan(_))));
    assert!(matches!(sources.reload_from("/no/such/plan.toml").await, Err(SourceFault::File { .. })));
    assert_eq!(sources.plan(), before);
    work(&sources, (&shard(1), 1), "a").await.unwrap();
    // A good one from a file: what stays as it was keeps its pool.
    std::fs::write(file.path(), format!("{}{}", place.source(0, ""), listed(&[0]))).unwrap();
    let reloaded = sources.reload_from(file.path()).await.unwrap();
    assert_eq!((reloaded.kept, reloaded.removed), (vec!["s0".to_owned()], vec!["s1".to_owned()]));
    assert!(sources.barrier(&shard(1)).is_err());
}

pub(crate) async fn metered<D: Base>() {
    let place = Place::of::<D>(2).await;
    let plan = |limit: usize| {
        let (s0, s1) = (place.source(0, &format!("max_connections = {limit}")), place.source(1, ""));
        parse(&format!("{s0}{s1}{}", listed(&[0, 1])))
    };
    let sources = Sources::<D>::open(plan(2)).await.unwrap();
    work(&sources, (&shard(0), 0), "a").await.unwrap();
    assert!(work(&sources, (&shard(0), 0), "a").await.is_err());
    let held = sources.read(&shard(0), Freshness::Latest).await.unwrap();
    // What was given back is in use until the pool has it again.
    crate::place::until("one is in use", || sources.snapshot()[0].in_use == 1).await;
    let [s0, s1] = sources.snapshot().try_into().unwrap();
    assert_eq!((&*s0.source, s0.in_use, s0.max, s0.acquiring.count, s0.working.count), ("s0", 1, 2, 3, 2));
    assert_eq!((&*s1.source, s1.in_use, s1.acquiring.count), ("s1", 0, 0));
    drop(held);
    // Counters outlive the pool that they were counted at.
    assert_eq!(sources.reload(plan(3)).await.unwrap().changed, ["s0"]);
    let text = sources.prometheus();
    for line in [
        "tercet_source_up{source=\"s0\",role=\"primary\"} 1",
        "tercet_source_connections_max{source=\"s0\",role=\"primary\"} 3",
        "tercet_source_acquired_total{source=\"s0\",role=\"primary\"} 3",
        "tercet_source_acquired_total{source=\"s1\",role=\"primary\"} 0",
        "tercet_source_errors_total{source=\"s0\",what=\"statement\"} 1",
        "tercet_source_errors_total{source=\"s1\",what=\"statement\"} 0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
}

pub(crate) async fn draining<D: Base>() {
    let place = Place::of::<D>(1).await;
    let plan = |more: &str| parse(&format!("{}{}", place.source(0, more), listed(&[0])));
    let sources = Sources::<D>::open(plan("")).await.unwrap();
    sources.create_schema().await.unwrap();
    let barrier = sources.barrier(&shard(0)).unwrap();
    let reloaded = sources.reload(plan("drain = true")).await.unwrap();
    assert_eq!(reloaded.kept, ["s0"]);
    let told = sources.barrier(&shard(0)).unwrap_err();
    assert!(matches!(told, SourceFault::Draining { .. }), "{told}");
    assert_eq!(Fault::from(told).answer().status.as_u16(), 503);
    assert_eq!(reloaded.drained.left(), 1);
    barrier.run(&call(7), &Insert(7)).await.unwrap();
    drop(barrier);
    reloaded.drained.wait().await;
    sources.reload(plan("")).await.unwrap();
    work(&sources, (&shard(0), 0), "a").await.unwrap();
    assert_eq!(place.texts::<D>(0, "SELECT id FROM work ORDER BY 1").await, ["a", "w7"]);
}

pub(crate) async fn in_flight<D: Base>() {
    let place = Place::of::<D>(2).await;
    let plan = |owner: usize, limit: usize| {
        let sources: String =
            (0..2).map(|at| place.source(at, &format!("max_connections = {limit}"))).collect();
        parse(&format!("{sources}{}", listed(&[owner])))
    };
    let sources = Sources::<D>::open(plan(0, 2)).await.unwrap();
    sources.create_schema().await.unwrap();
    let (opened, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    // Placed by the old plan, and not begun yet.
    let barrier = sources.barrier(&shard(0)).unwrap();
    let under_way = tokio::spawn({
        let (sources, opened, go) = (sources.clone(), Arc::clone(&opened), Arc::clone(&go));
        async move {
            sources
                .local(&shard(0), async |mut local| {
                    D::change(&mut local, insert("old", 0, "")).await?;
                    opened.notify_one();
                    go.notified().await;
                    D::change(&mut local, insert("old-too", 0, "")).await?;
                    Ok::<_, Fault>(())
                })
                .await
        }
    });
    opened.notified().await;
    // Both pools are others now, and the shard is elsewhere.
    let reloaded = sources.reload(plan(1, 3)).await.unwrap();
    assert_eq!(reloaded.changed, ["s0", "s1"]);
    work(&sources, (&shard(0), 0), "new").await.unwrap();
    assert_eq!(reloaded.drained.left(), 2);
    assert_eq!(sources.snapshot()[0].draining, 1);
    go.notify_one();
    under_way.await.unwrap().unwrap();
    barrier.run(&call(3), &Insert(3)).await.unwrap();
    drop(barrier);
    reloaded.drained.wait().await;
    crate::place::until("the old pool is closed", || sources.snapshot()[0].draining == 0).await;
    assert_eq!(place.texts::<D>(0, "SELECT id FROM work ORDER BY 1").await, ["old", "old-too", "w3"]);
    assert_eq!(place.texts::<D>(1, "SELECT id FROM work ORDER BY 1").await, ["new"]);
}
