//! A consumer's side.

use std::time::Duration;

use participant::database::Dialect;
use participant::inbox::{Inbox, Received};
use participant::outbox::Outbox;

pub(crate) async fn once<D: Dialect>(outbox: Outbox<D>) {
    let inbox = Inbox::new(outbox.pool().clone());
    let mut connection = inbox.pool().acquire().await.unwrap();
    let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
    assert_eq!(inbox.first(&mut local, "mailer", "m-1").await.unwrap(), Received::First);
    local.rollback().await.unwrap();
    let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
    assert_eq!(inbox.first(&mut local, "mailer", "m-1").await.unwrap(), Received::First, "rolled back");
    // The local transaction goes on after a duplicate.
    assert_eq!(inbox.first(&mut local, "mailer", "m-1").await.unwrap(), Received::Duplicate);
    assert_eq!(inbox.first(&mut local, "ledger", "m-1").await.unwrap(), Received::First);
    assert_eq!(inbox.first(&mut local, "mailer", "M-1").await.unwrap(), Received::First, "another id");
    local.commit().await.unwrap();
    for _ in 0..3 {
        let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
        assert_eq!(inbox.first(&mut local, "mailer", "m-1").await.unwrap(), Received::Duplicate);
        local.commit().await.unwrap();
    }
    drop(connection);
    assert_eq!(inbox.purge(Duration::from_secs(3600)).await.unwrap(), 0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(inbox.purge(Duration::from_millis(5)).await.unwrap(), 3);
}

pub(crate) async fn at_the_same_time<D: Dialect>(outbox: Outbox<D>) {
    let inbox = Inbox::new(outbox.pool().clone());
    for round in 0..10 {
        let id = format!("m-{round}");
        let tries = (0..6).map(|_| async {
            let mut connection = inbox.pool().acquire().await.unwrap();
            let mut local = D::begin(&mut connection, Default::default()).await.unwrap();
            let received = inbox.first(&mut local, "mailer", &id).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
            local.commit().await.unwrap();
            received
        });
        let mut tries = tries.collect::<Vec<_>>().into_iter();
        let mut next = || tries.next().unwrap();
        let (a, b, c, d, e, f) = tokio::join!(next(), next(), next(), next(), next(), next());
        let firsts = [a, b, c, d, e, f].into_iter().filter(|received| *received == Received::First).count();
        assert_eq!(firsts, 1, "{id}");
    }
}
