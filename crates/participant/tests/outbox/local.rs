//! The business change's own local transaction.

use participant::barrier;
use participant::database::Dialect;
use participant::outbox::{DEPTH_MAX, EnqueueFault, Enqueued, Message, Outbox, State};

use crate::receiver::{Receiver, enqueue, hasty, is_drained, relay};

/// A business table of one row per order.
const ORDERS: &str = "CREATE TABLE shop_order (id integer PRIMARY KEY)";
const ORDER: &str = "INSERT INTO shop_order (id) VALUES (1)";

pub(crate) async fn both_or_neither<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    let message = receiver.message("paid-1");
    let mut connection = outbox.pool().acquire().await.unwrap();
    D::execute(&mut connection, ORDERS).await.unwrap();
    let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
    D::execute(&mut local, ORDER).await.unwrap();
    assert_eq!(outbox.enqueue(&mut local, &message).await.unwrap(), Enqueued::First);
    // Not committed: it is nobody's to send.
    local.rollback().await.unwrap();
    relay(&outbox, hasty()).drain(std::future::pending()).await.unwrap();
    assert_eq!((receiver.count(), outbox.trail("paid-1").await.unwrap()), (0, None));

    let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
    // Were the business row there, this would fail.
    D::execute(&mut local, ORDER).await.unwrap();
    outbox.enqueue(&mut local, &message).await.unwrap();
    local.commit().await.unwrap();
    drop(connection);
    relay(&outbox, hasty()).drain(std::future::pending()).await.unwrap();
    let came = receiver.came();
    assert_eq!(came.len(), 1);
    let header = |name: &str| came[0].headers.get(name).unwrap().to_str().unwrap();
    assert_eq!((header("tercet-transaction"), header("tercet-branch")), ("paid-1", "deliver"));
    assert_eq!((header("tercet-operation"), header("tercet-attempt")), ("deliver", "1"));
    assert_eq!((&*came[0].path, &came[0].body), ("/deliver", &serde_json::json!({"id": "paid-1"})));
    let trail = outbox.trail("paid-1").await.unwrap().unwrap();
    assert_eq!((trail.state, trail.attempts, &trail.lease_by), (State::Sent, 1, &None));
    assert!(trail.settled_ms.unwrap() >= trail.created_ms, "{trail:?}");
}

pub(crate) async fn an_id_is_one_message<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    let mut connection = outbox.pool().acquire().await.unwrap();
    let deep = format!("{}{}", "[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1)).into_bytes();
    let flawed = [
        receiver.message("m-1").header("X-Shop", "é?"),
        receiver.message("m-1").header("traceparent", "x"),
        Message { payload: deep, ..receiver.message("m-1") },
    ];
    for message in flawed {
        assert!(matches!(outbox.enqueue(&mut connection, &message).await, Err(EnqueueFault::Flawed { .. })));
    }
    let first = receiver.message("m-1").key("user:1").header("X-Shop", "7");
    enqueue(&outbox, std::slice::from_ref(&first)).await;
    let others = [
        Message { payload: b"2".to_vec(), ..first.clone() },
        Message { key: None, ..first.clone() },
        Message { destination: "topic".into(), ..first.clone() },
        first.clone().header("X-More", "1"),
    ];
    for other in others {
        let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
        let fault = outbox.enqueue(&mut local, &other).await.unwrap_err();
        assert!(matches!(fault, EnqueueFault::Mismatch { .. }), "{other:?}");
        assert_eq!(barrier::Fault::from(fault).answer().status, 500);
        local.rollback().await.unwrap();
    }
    assert_eq!(outbox.enqueue(&mut connection, &first).await.unwrap(), Enqueued::Duplicate);
    drop(connection);
    relay(&outbox, hasty()).drain(std::future::pending()).await.unwrap();
    assert!(is_drained(&outbox).await);
    assert_eq!(receiver.came()[0].headers.get("x-shop").unwrap(), "7");
    // Sent, it is still known.
    let mut connection = outbox.pool().acquire().await.unwrap();
    assert_eq!(outbox.enqueue(&mut connection, &first).await.unwrap(), Enqueued::Duplicate);
    assert_eq!(receiver.count(), 1);
}
