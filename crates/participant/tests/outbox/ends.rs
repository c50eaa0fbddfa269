//! How relays end, and what they leave behind.

use std::collections::HashSet;
use std::time::Duration;

use participant::database::Dialect;
use participant::outbox::relay::Settings;
use participant::outbox::{Outbox, State, Verb};

use crate::receiver::{Receiver, enqueue, hasty, is_drained, relay, run_until, until};

pub(crate) async fn killed<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::slow(Duration::from_millis(20)).await;
    let messages: Vec<_> = (0..40)
        .flat_map(|number| (0..20).map(move |key| (key, number)))
        .map(|(key, number)| receiver.message(&format!("m-{key}-{number}")).key(format!("user:{key}")))
        .collect();
    enqueue(&outbox, &messages).await;
    for killed in 1..=3 {
        let doomed = tokio::spawn(relay(&outbox, hasty()).run(std::future::pending()));
        let enough = receiver.count() + 100;
        until(async || receiver.count() >= enough).await;
        doomed.abort();
        assert!(doomed.await.unwrap_err().is_cancelled(), "{killed}");
    }
    run_until(&outbox, hasty(), async || is_drained(&outbox).await).await;
    let accepted = receiver.accepted();
    let distinct: HashSet<_> = accepted.iter().collect();
    assert_eq!(distinct.len(), 800, "nothing is lost");
    println!("{}: 800 rows, three relays killed, {} sent again", D::NAME, accepted.len() - 800);
    // What came for the first time came in order.
    let mut seen = HashSet::new();
    let firsts: Vec<_> = accepted.iter().filter(|id| seen.insert(*id)).collect();
    for key in 0..20 {
        let prefix = format!("m-{key}-");
        let numbers: Vec<u32> =
            firsts.iter().filter_map(|id| id.strip_prefix(&prefix)?.parse().ok()).collect();
        assert!(numbers.is_sorted() && numbers.len() == 40, "{key}: {numbers:?}");
    }
}

pub(crate) async fn told_to_end<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::slow(Duration::from_millis(30)).await;
    let messages: Vec<_> = (0..300).map(|at| receiver.message(&format!("m-{at}"))).collect();
    enqueue(&outbox, &messages).await;
    let settings = || Settings { parallel: 8, lease: Duration::from_secs(600), ..hasty() };
    run_until(&outbox, settings(), async || receiver.count() >= 20).await;
    let sent = receiver.count();
    assert_eq!(outbox.backlog().await.unwrap().waiting, 300 - sent as u64, "all that came is marked");
    // The lease is long: were anything still held, nobody could send it now.
    relay(&outbox, settings()).drain(std::future::pending()).await.unwrap();
    assert!(is_drained(&outbox).await);
    assert_eq!(receiver.count(), 300, "nothing twice");
}

pub(crate) async fn purged<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    receiver.answer("dead", &[400]);
    receiver.answer("dropped", &[400]);
    let messages: Vec<_> = (0..1200).map(|at| receiver.message(&format!("m-{at}"))).collect();
    enqueue(&outbox, &messages).await;
    enqueue(&outbox, &[receiver.message("dead"), receiver.message("dropped")]).await;
    relay(&outbox, hasty()).drain(std::future::pending()).await.unwrap();
    let dropped = outbox.trail("dropped").await.unwrap().unwrap();
    assert!(outbox.settle(&dropped, Verb::Drop, "ann").await.unwrap());
    enqueue(&outbox, &[receiver.message("waiting")]).await;
    assert_eq!(outbox.purge(Duration::from_secs(3600)).await.unwrap(), 0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(outbox.purge(Duration::from_millis(5)).await.unwrap(), 1201);
    let state = async |id: &str| outbox.trail(id).await.unwrap().map(|trail| trail.state);
    assert_eq!((state("m-0").await, state("dropped").await), (None, None));
    assert_eq!((state("dead").await, state("waiting").await), (Some(State::Dead), Some(State::Waiting)));
}
