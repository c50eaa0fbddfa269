//! A Redis of the test's own: killed in the middle of the work and started again, out of memory, evicting.

use std::sync::Arc;

use lab::services::Private;
use participant::call::Answer;
use participant::redis::{Fault, ServerFault, counter};
use tokio::task::JoinSet;
use transaction::Operation;

use crate::store::{Store, tcc, told};

async fn ask(store: &Store, buyer: usize, operation: Operation) -> Result<Answer, Fault> {
    let call = tcc(&format!("buyer-{buyer}"), operation);
    store.barrier.run(&call, &counter::change(&store.key("stock"), &call, 1).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_a_kill() {
    const BUYERS: usize = 2_000;
    let mut server = Private::redis();
    let store = Arc::new(Store::at(&server.url()).await);
    let () = store.command(&["CONFIG", "SET", "appendfsync", "always"]).await;
    store.stock(&store.key("stock"), 10_000).await;

    let mut asked = JoinSet::new();
    for buyer in 0..BUYERS {
        let store = Arc::clone(&store);
        asked.spawn(async move { (buyer, ask(&store, buyer, Operation::Try).await.is_ok()) });
    }
    let mut told_done = vec![false; BUYERS];
    let mut answered = 0;
    while let Some(ended) = asked.join_next().await {
        let (buyer, is_done) = ended.unwrap();
        told_done[buyer] = is_done;
        answered += usize::from(is_done);
        if answered == 300 {
            server.kill9();
        }
    }
    server.restart();

    let store = Store { tag: store.tag.clone(), ..Store::at(&server.url()).await };
    let figures = counter::figures(&mut store.connection.clone(), &store.key("stock")).await.unwrap();
    let mut confirmed = 0;
    for (buyer, was_told) in told_done.into_iter().enumerate() {
        match told(&ask(&store, buyer, Operation::Confirm).await.unwrap()) {
            (200, _) => confirmed += 1,
            told => assert_eq!((told.1.as_str(), was_told), ("confirm_without_try", false), "buyer {buyer}"),
        }
    }
    assert_eq!(figures.reserved, confirmed, "record and reservation are there together, or neither is");
    assert_eq!(figures.available + figures.reserved, 10_000);
    assert!(answered >= 300 && confirmed >= answered as u64 && answered < BUYERS, "{answered} answered");
    println!("killed after {answered} of {BUYERS} answers; {confirmed} tries were kept");
}

#[tokio::test]
async fn a_full_memory_is_a_fault_before_any_change_and_eviction_is_refused() {
    let server = Private::redis();
    let store = Store::at(&server.url()).await;
    store.stock(&store.key("stock"), 5).await;
    ask(&store, 0, Operation::Try).await.unwrap();

    let () = store.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for (buyer, operation) in [(0, Operation::Confirm), (1, Operation::Try), (2, Operation::Cancel)] {
        let fault = ask(&store, buyer, operation).await.unwrap_err();
        assert!(matches!(fault, Fault::Redis(_)), "{fault}");
        assert_eq!(fault.answer().status.as_u16(), 503);
    }
    let figures = counter::figures(&mut store.connection.clone(), &store.key("stock")).await.unwrap();
    assert_eq!((figures.available, figures.reserved, figures.sold), (4, 1, 0));
    let () = store.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(told(&ask(&store, 1, Operation::Try).await.unwrap()).0, 200);
    assert_eq!(told(&ask(&store, 0, Operation::Confirm).await.unwrap()).0, 200);

    let () = store.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).await;
    let fault = store.barrier.check_server().await.unwrap_err();
    assert!(matches!(fault, ServerFault::Evicts { ref policy } if policy == "volatile-lru"), "{fault}");
}
