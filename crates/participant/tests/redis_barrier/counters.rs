//! The counter of hot stock: what its steps move, what they refuse, and what they never do.

use participant::redis::counter::{self, COUNT_MAX, CounterFault, Figures};
use participant::redis::{Fault, KeyFault};
use transaction::{Operation, Pattern};

use crate::store::{Store, call, tcc, told};

async fn figures(store: &Store, key: &str) -> (u64, u64, u64) {
    let Figures { available, reserved, sold } =
        counter::figures(&mut store.connection.clone(), key).await.unwrap();
    (available, reserved, sold)
}

#[tokio::test]
async fn what_follows_a_try_moves_what_it_reserved() {
    let store = Store::open().await;
    let key = store.key("stock");
    store.stock(&key, 10).await;
    let step = async |transaction: &str, pattern: Pattern, operation: Operation, count: u64| {
        let call = call(transaction, pattern, operation);
        let change = counter::change(&key, &call, count).unwrap();
        let answer = store.run(&call, &change).await;
        (answer.status.as_u16(), figures(&store, &key).await)
    };
    assert_eq!(step("kept", Pattern::Tcc, Operation::Try, 3).await, (200, (7, 3, 0)));
    assert_eq!(step("kept", Pattern::Tcc, Operation::Confirm, 1).await, (200, (7, 0, 3)));
    assert_eq!(step("back", Pattern::Tcc, Operation::Try, 2).await, (200, (5, 2, 3)));
    assert_eq!(step("back", Pattern::Tcc, Operation::Cancel, 9).await, (200, (7, 0, 3)));
    assert_eq!(step("saga", Pattern::Saga, Operation::Try, 7).await, (200, (0, 0, 10)));
    assert_eq!(step("more", Pattern::Tcc, Operation::Try, 1).await, (409, (0, 0, 10)));
    assert_eq!(step("saga", Pattern::Saga, Operation::Cancel, 1).await, (200, (7, 0, 3)));
}

#[tokio::test]
async fn too_little_and_no_counter_are_refused() {
    let store = Store::open().await;
    let key = store.key("stock");
    store.stock(&key, 2).await;
    let ask = async |transaction: &str, key: &str, count: u64| {
        let attempt = tcc(transaction, Operation::Try);
        told(&store.run(&attempt, &counter::change(key, &attempt, count).unwrap()).await)
    };
    assert_eq!(ask("a", &key, 3).await, (409, "insufficient".to_owned()));
    assert_eq!(ask("b", &key, COUNT_MAX).await, (409, "insufficient".to_owned()));
    assert_eq!(ask("c", &store.key("none"), 1).await, (409, "no_such_counter".to_owned()));
    assert_eq!(figures(&store, &key).await, (2, 0, 0));
}

#[tokio::test]
async fn a_counter_that_lost_units_is_a_fault_and_moves_none() {
    let store = Store::open().await;
    let key = store.key("stock");
    store.stock(&key, 2).await;
    let attempt = tcc("t", Operation::Try);
    store.run(&attempt, &counter::change(&key, &attempt, 2).unwrap()).await;
    let () = store.command(&["HSET", &key, "reserved", "1"]).await;
    let confirm = tcc("t", Operation::Confirm);
    let fault = store.fault(&confirm, &counter::change(&key, &confirm, 2).unwrap()).await;
    assert!(matches!(fault, Fault::Business(ref text) if text.contains("lost units")), "{fault}");
    assert_eq!(figures(&store, &key).await, (0, 1, 0));
}

#[test]
fn a_change_that_can_not_be_is_refused_before_it_is_sent() {
    let attempt = tcc("t", Operation::Try);
    let fault = |key: &str, call, count| counter::change(key, call, count).err();
    let untagged = KeyFault::Untagged { key: "stock".to_owned() };
    assert_eq!(fault("stock", &attempt, 1), Some(CounterFault::Key(untagged)));
    for count in [0, COUNT_MAX + 1] {
        assert_eq!(fault("{a}", &attempt, count), Some(CounterFault::Count { count }));
    }
    let deliver = call("t", Pattern::Message, Operation::Confirm);
    assert_eq!(fault("{a}", &deliver, 1), Some(CounterFault::Operation { operation: "deliver" }));
}
