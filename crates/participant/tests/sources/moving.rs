//! A shard is moved under load, as the guide says: no rule places it, what is under way ends, its rows are copied, a rule
//! places it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use participant::database::Local;
use participant::sources::{SourceFault, Sources};

use crate::place::{Base, Place, insert, parse, shard};

/// How often the shard goes to the other source.
const MOVES: usize = 6;

fn rules(owner: Option<usize>) -> String {
    // Shard 1 stays where it is.
    let moving = owner.map(|owner| format!(", {{ keys = [0], to = \"s{owner}\" }}")).unwrap_or_default();
    format!("[[rule]]\nname = \"shards\"\nlists = [{{ keys = [1], to = \"s1\" }}{moving}]\n")
}

/// Writes rows until it is over; which were written, and how often no rule placed them.
async fn write<D: Base>(sources: Sources<D>, over: Arc<AtomicBool>, writer: usize) -> (Vec<String>, usize) {
    let (mut written, mut nowhere) = (Vec::new(), 0);
    while !over.load(Ordering::SeqCst) {
        let id = format!("{writer}-{}-{nowhere}", written.len());
        let sql = insert(&id, 0, "");
        let change = async |mut local: Local<'_, D>| {
            D::change(&mut local, sql).await.unwrap();
            tokio::time::sleep(Duration::from_millis(3)).await;
            Ok(())
        };
        match sources.local(&shard(0), change).await {
            Ok(()) => written.push(id),
            Err(SourceFault::Unmatched(_)) => {
                nowhere += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Err(fault) => panic!("{fault}"),
        }
    }
    (written, nowhere)
}

pub(crate) async fn moved<D: Base>() {
    let place = Place::of::<D>(2).await;
    let plan = |owner| parse(&format!("{}{}", place.sources(), rules(owner)));
    let sources = Sources::<D>::open(plan(Some(0))).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> =
        (0..4).map(|at| tokio::spawn(write(sources.clone(), Arc::clone(&over), at))).collect();
    for at in 0..MOVES {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let (from, to) = (at % 2, (at + 1) % 2);
        sources.reload(plan(None)).await.unwrap().drained.wait().await;
        let mut connection = D::connect(&place.urls[to]).await;
        for id in place.texts::<D>(from, "SELECT id FROM work WHERE shard = '0'").await {
            D::change(&mut connection, insert(&id, 0, "")).await.unwrap();
        }
        let mut connection = D::connect(&place.urls[from]).await;
        D::change(&mut connection, "DELETE FROM work WHERE shard = '0'".to_owned()).await.unwrap();
        sources.reload(plan(Some(to))).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(60)).await;
    over.store(true, Ordering::SeqCst);
    let (mut due, mut nowhere) = (Vec::new(), 0);
    for writer in writers {
        let (written, missed) = writer.await.unwrap();
        due.extend(written);
        nowhere += missed;
    }
    let mut found = place.texts::<D>(MOVES % 2, "SELECT id FROM work").await;
    let left = place.texts::<D>((MOVES + 1) % 2, "SELECT id FROM work").await;
    due.sort();
    found.sort();
    println!("{MOVES} moves, {} rows, {nowhere} times nowhere", found.len());
    assert_eq!(found, due);
    assert_eq!(left, Vec::<String>::new());
    assert!(due.len() > 20, "{}", due.len());
}
