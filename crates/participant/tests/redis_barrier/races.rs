//! Many at once: one effect, whoever comes first.

use std::sync::Arc;

use participant::barrier::Counted;
use participant::call::Answer;
use participant::redis::counter;
use tokio::task::JoinSet;
use transaction::Operation;

use crate::store::{Store, tcc, told};

/// Asks the counter for one unit, or what follows from it, in a task of its own.
fn ask(
    asked: &mut JoinSet<(String, Operation, Answer)>,
    store: &Arc<Store>,
    who: &str,
    operation: Operation,
) {
    let (store, who) = (Arc::clone(store), who.to_owned());
    asked.spawn(async move {
        let call = tcc(&who, operation);
        let change = counter::change(&store.key("stock"), &call, 1).unwrap();
        let answer = store.run(&call, &change).await;
        (who, operation, answer)
    });
}

async fn figures(store: &Store) -> (u64, u64, u64) {
    let it = counter::figures(&mut store.connection.clone(), &store.key("stock")).await.unwrap();
    (it.available, it.reserved, it.sold)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_and_its_cancel_at_the_same_instant_hold_nothing() {
    let store = Arc::new(Store::open().await);
    store.stock(&store.key("stock"), 500).await;
    let mut asked = JoinSet::new();
    for race in 0..200 {
        let pair = [Operation::Try, Operation::Cancel];
        let first = fastrand::usize(..2);
        for at in [first, 1 - first] {
            ask(&mut asked, &store, &format!("race-{race}"), pair[at]);
        }
    }
    let (mut tried, mut late) = (0, 0);
    while let Some(ended) = asked.join_next().await {
        let (who, operation, answer) = ended.unwrap();
        match (operation, told(&answer)) {
            (Operation::Try, (200, _)) => tried += 1,
            (Operation::Try, told) => {
                assert_eq!(told, (409, "late_try".to_owned()), "{who}");
                late += 1;
            }
            (_, (status, _)) => assert_eq!(status, 200, "{who}: a cancel"),
        }
    }
    assert_eq!(figures(&store).await, (500, 0, 0));
    assert_eq!(tried + late, 200);
    println!("200 races: {tried} tries came first, {late} came late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_duplicates_have_one_effect_and_one_answer() {
    let store = Arc::new(Store::open().await);
    store.stock(&store.key("stock"), 500).await;
    for operation in [Operation::Try, Operation::Confirm] {
        let mut asked = JoinSet::new();
        for _ in 0..100 {
            ask(&mut asked, &store, "one", operation);
        }
        while let Some(ended) = asked.join_next().await {
            let (_, _, answer) = ended.unwrap();
            assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (200, &br#"{"count":1}"#[..]));
        }
    }
    assert_eq!(figures(&store).await, (499, 0, 1));
    let meters = store.barrier.meters();
    assert_eq!((meters.get(Counted::Run), meters.get(Counted::Duplicate)), (2, 198));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_buyers_get_a_hundred_units() {
    let store = Arc::new(Store::open().await);
    store.stock(&store.key("stock"), 100).await;
    let mut asked = JoinSet::new();
    for buyer in 0..1_000 {
        ask(&mut asked, &store, &format!("buyer-{buyer}"), Operation::Try);
    }
    let mut lucky = Vec::new();
    while let Some(ended) = asked.join_next().await {
        let (who, _, answer) = ended.unwrap();
        match told(&answer) {
            (200, _) => lucky.push(who),
            told => assert_eq!(told, (409, "insufficient".to_owned())),
        }
    }
    assert_eq!((lucky.len(), figures(&store).await), (100, (0, 100, 0)));

    let mut asked = JoinSet::new();
    for (at, who) in lucky.iter().enumerate() {
        let operation = if at % 4 == 0 { Operation::Cancel } else { Operation::Confirm };
        ask(&mut asked, &store, who, operation);
    }
    while let Some(ended) = asked.join_next().await {
        let (who, operation, answer) = ended.unwrap();
        assert_eq!(answer.status.as_u16(), 200, "{who}: {operation:?}");
    }
    assert_eq!(figures(&store).await, (25, 0, 75));
}
