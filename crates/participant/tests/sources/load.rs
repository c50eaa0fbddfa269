//! Many write while plans follow each other: no statement may reach a source that no plan in force named.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use participant::database::Local;
use participant::sources::Sources;

use crate::place::{Base, Fault, Place, insert, listed, parse, shard};

const SHARDS: usize = 12;
const WRITERS: usize = 8;
const RELOADS: usize = 200;

/// Who writes, and what they know of the plans.
struct Load<D: Base> {
    sources: Sources<D>,
    /// The last plan that was surely in force, and the last that may have been.
    surely: AtomicUsize,
    perhaps: AtomicUsize,
    over: AtomicBool,
}

impl<D: Base> Load<D> {
    /// Two statements in one local transaction, with a pause between them: plans come and go meanwhile. Each row says
    /// which plans may have placed it, and the database adds which one it is.
    async fn write(&self, number: usize, id: String) -> Result<(), Fault> {
        let surely = self.surely.load(Ordering::SeqCst);
        let pause = Duration::from_millis(fastrand::u64(0..8));
        let change = async |mut local: Local<'_, D>| {
            let note = format!("{surely}-{}", self.perhaps.load(Ordering::SeqCst));
            D::change(&mut local, insert(&format!("{id}-a"), number, &note)).await?;
            tokio::time::sleep(pause).await;
            D::change(&mut local, insert(&format!("{id}-b"), number, &note)).await?;
            Ok(())
        };
        self.sources.local(&shard(number), change).await
    }

    /// Writes until it is over; how many local transactions that were.
    async fn writer(self: Arc<Self>, writer: usize) -> usize {
        let mut count = 0;
        while !self.over.load(Ordering::SeqCst) {
            self.write(fastrand::usize(..SHARDS), format!("{writer}-{count}")).await.unwrap();
            count += 1;
        }
        count
    }
}

/// Writes under a row of plans; `owners` says who has each shard in the plan of that number, `text` is the plan.
async fn run<D: Base>(place: &Place, owners: impl Fn(usize) -> Vec<usize>, text: impl Fn(usize) -> String) {
    let sources = Sources::<D>::open(parse(&text(0))).await.unwrap();
    let load = Arc::new(Load {
        sources,
        surely: AtomicUsize::new(0),
        perhaps: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    });
    let writers: Vec<_> = (0..WRITERS).map(|at| tokio::spawn(Arc::clone(&load).writer(at))).collect();
    for number in 1..=RELOADS {
        load.perhaps.store(number, Ordering::SeqCst);
        load.sources.reload(parse(&text(number))).await.unwrap();
        load.surely.store(number, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    load.over.store(true, Ordering::SeqCst);
    let mut count = 0;
    for writer in writers {
        count += writer.await.unwrap();
    }
    let (mut rows, mut certain, mut wrong) = (0, 0, Vec::new());
    for at in 0..place.urls.len() {
        let found = place.texts::<D>(at, "SELECT id, shard, note, place FROM work").await;
        for row in found.chunks(4) {
            let [id, shard, note, me] = row else { panic!("{row:?}") };
            let (from, to) = note.split_once('-').unwrap();
            let plans = from.parse::<usize>().unwrap()..=to.parse().unwrap();
            let due = |plan: usize| owners(plan)[shard.parse::<usize>().unwrap()] == at;
            certain += usize::from(plans.clone().all(&due));
            if *me != format!("s{at}") || !plans.into_iter().any(due) {
                wrong.push(format!("{id} of shard {shard}, placed by {note}, is in {me}"));
            }
            rows += 1;
        }
    }
    println!(
        "{RELOADS} reloads, {count} local transactions, {rows} statements, {certain} with one possible source"
    );
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(rows, 2 * count, "what was committed is there");
    assert!(count > 200, "{count}");
    crate::place::until("all former pools are closed", || {
        load.sources.snapshot().iter().all(|source| source.draining == 0)
    })
    .await;
}

/// Sources are added, changed, drained and removed; every shard stays where it is.
pub(crate) async fn without_moves<D: Base>() {
    let place = Place::of::<D>(4).await;
    let owners: Vec<usize> = (0..SHARDS).map(|shard| shard % 3).collect();
    let text = |plan: usize| {
        let mut text = String::new();
        for at in 0..3 {
            // Another limit is another pool; another weight is not.
            let (limit, weight) = (4 + (plan + at) % 3, plan % 5);
            text += &place.source(at, &format!("max_connections = {limit}\nweight = {weight}"));
        }
        // The fourth comes, is drained, and goes.
        text += &match plan % 3 {
            0 => String::new(),
            1 => place.source(3, "max_connections = 2"),
            _ => place.source(3, "max_connections = 2\ndrain = true"),
        };
        text + &listed(&owners)
    };
    run::<D>(&place, |_| owners.clone(), text).await;
}

/// Every plan leads every shard elsewhere, and every tenth has other pools.
pub(crate) async fn with_moves<D: Base>() {
    let place = Place::of::<D>(3).await;
    let owners = |plan: usize| -> Vec<usize> { (0..SHARDS).map(|shard| (shard + plan) % 3).collect() };
    let text = |plan: usize| {
        let sources = (0..3).map(|at| place.source(at, &format!("max_connections = {}", 4 + plan / 10 % 2)));
        sources.collect::<String>() + &listed(&owners(plan))
    };
    run::<D>(&place, owners, text).await;
}
