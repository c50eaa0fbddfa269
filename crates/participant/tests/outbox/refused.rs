//! What becomes of rows that are not accepted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use participant::call::{Identity, SIGNATURE, Signature, Signed};
use participant::database::Dialect;
use participant::outbox::relay::{Counted, Server, Settings, Target};
use participant::outbox::{Message, OnDead, Outbox, State, Trail, Verb};

use crate::receiver::{Receiver, enqueue, hasty, is_drained, relay, run_until};

async fn trail<D: Dialect>(outbox: &Outbox<D>, id: &str) -> Trail {
    outbox.trail(id).await.unwrap().unwrap()
}

async fn drain<D: Dialect>(outbox: &Outbox<D>, settings: Settings) {
    relay(outbox, settings).drain(std::future::pending()).await.unwrap();
}

pub(crate) async fn until_dead<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    receiver.answer("m-1", &[500; 3]);
    enqueue(&outbox, &[receiver.message("m-1"), receiver.message("m-2")]).await;
    let relay = relay(&outbox, hasty());
    let meters = relay.meters().clone();
    relay.run(crate::receiver::until(async || is_drained(&outbox).await)).await;
    let dead = trail(&outbox, "m-1").await;
    assert_eq!((dead.state, dead.attempts, dead.lease_by.clone()), (State::Dead, 3, None));
    assert_eq!(dead.last_error.as_deref(), Some("HTTP 500: told_so: as the test wants it"));
    assert_eq!(receiver.accepted(), ["m-2"]);
    assert_eq!(outbox.dead(0, 10).await.unwrap(), std::slice::from_ref(&dead));
    assert_eq!(outbox.dead(dead.id, 10).await.unwrap(), []);
    let counts = [Counted::Sent, Counted::Failed, Counted::Dead].map(|counted| meters.get(counted));
    assert_eq!(counts, [1, 3, 1]);
    assert_eq!(outbox.backlog().await.unwrap().dead, 1);

    assert!(outbox.settle(&dead, Verb::Replay, "ann").await.unwrap());
    assert!(!outbox.settle(&dead, Verb::Replay, "ann").await.unwrap(), "it is none any more");
    drain(&outbox, hasty()).await;
    let sent = trail(&outbox, "m-1").await;
    assert_eq!((sent.state, sent.attempts), (State::Sent, 1));
    let note = "replayed by ann after 3 attempts; before: HTTP 500: told_so: as the test wants it";
    assert_eq!(sent.last_error.as_deref(), Some(note));
    assert_eq!(receiver.accepted(), ["m-2", "m-1"]);
}

/// A row that nobody takes, in front of others of its key, and another key.
async fn poisoned<D: Dialect>(outbox: &Outbox<D>) -> Receiver {
    let receiver = Receiver::start().await;
    receiver.answer("a-1", &[400]);
    let keyed = ["a-0", "a-1", "a-2", "a-3"].map(|id| receiver.message(id).key("a"));
    enqueue(outbox, &keyed).await;
    enqueue(outbox, &[receiver.message("b-0").key("b")]).await;
    receiver
}

pub(crate) async fn blocked<D: Dialect>(outbox: Outbox<D>) {
    let receiver = poisoned(&outbox).await;
    drain(&outbox, hasty()).await;
    drain(&outbox, hasty()).await;
    let mut accepted = receiver.accepted();
    accepted.sort_unstable();
    assert_eq!(accepted, ["a-0", "b-0"]);
    assert_eq!(trail(&outbox, "a-2").await.attempts, 0);
    let dead = trail(&outbox, "a-1").await;
    assert!(outbox.settle(&dead, Verb::Drop, "ann").await.unwrap());
    drain(&outbox, hasty()).await;
    assert_eq!(receiver.accepted()[2..], ["a-2", "a-3"]);
    let dropped = trail(&outbox, "a-1").await;
    assert_eq!(dropped.state, State::Dropped);
    assert!(dropped.last_error.unwrap().starts_with("dropped by ann after 1 attempts"));
}

pub(crate) async fn skipped<D: Dialect>(outbox: Outbox<D>) {
    let receiver = poisoned(&outbox).await;
    drain(&outbox, Settings { on_dead: OnDead::Skip, ..hasty() }).await;
    let accepted = receiver.accepted();
    let of_key: Vec<_> = accepted.iter().filter(|id| id.starts_with('a')).collect();
    assert_eq!(of_key, ["a-0", "a-2", "a-3"]);
    assert_eq!(trail(&outbox, "a-1").await.state, State::Dead);
}

pub(crate) async fn at_once<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    for (id, status) in [("m-400", 400), ("m-409", 409), ("m-413", 413), ("m-422", 422)] {
        receiver.answer(id, &[status]);
        enqueue(&outbox, &[receiver.message(id)]).await;
    }
    let lost = Message { destination: "nowhere".into(), ..receiver.message("m-lost") };
    enqueue(&outbox, &[lost]).await;
    drain(&outbox, hasty()).await;
    assert_eq!(receiver.count(), 4);
    for id in ["m-400", "m-409", "m-413", "m-422", "m-lost"] {
        let dead = trail(&outbox, id).await;
        assert_eq!((dead.state, dead.attempts), (State::Dead, 1), "{id}");
    }
    let lost = trail(&outbox, "m-lost").await;
    assert_eq!(lost.last_error.as_deref(), Some("the relay has no route for the topic nowhere"));
}

pub(crate) async fn left_alone<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    let other = Receiver::start().await;
    receiver.busy("m-1", &[503, 429]);
    enqueue(&outbox, &[receiver.message("m-1")]).await;
    let come = |receiver: &Receiver, count: usize| {
        let receiver = receiver.clone();
        async move || receiver.count() >= count
    };
    run_until(&outbox, hasty(), come(&receiver, 1)).await;
    let busy = trail(&outbox, "m-1").await;
    assert_eq!((busy.state, busy.attempts), (State::Waiting, 0));
    assert_eq!(busy.last_error.as_deref(), Some("HTTP 503: told_so: as the test wants it"));
    enqueue(&outbox, &[other.message("m-2")]).await;
    run_until(&outbox, hasty(), async || is_drained(&outbox).await).await;
    let came = receiver.came();
    assert_eq!(came.iter().map(|came| came.status).collect::<Vec<_>>(), [503, 429, 200]);
    for pair in came.windows(2) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= Duration::from_millis(950), "it came again after {apart:?}");
    }
    assert!(other.came()[0].at < came[1].at, "another destination does not wait");
    assert_eq!(trail(&outbox, "m-1").await.attempts, 1);
}

pub(crate) async fn a_poison<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    receiver.answer("poison", &[503; 1000]);
    receiver.answer("moved", &[404]);
    enqueue(&outbox, &[receiver.message("poison"), receiver.message("moved")]).await;
    run_until(&outbox, hasty(), async || receiver.came().iter().any(|came| came.id == "poison")).await;
    let others: Vec<_> = (0..50).map(|at| receiver.message(&format!("m-{at}"))).collect();
    enqueue(&outbox, &others).await;
    run_until(&outbox, hasty(), async || is_drained(&outbox).await).await;
    assert_eq!(receiver.accepted().len(), 51);
    let dead = trail(&outbox, "poison").await;
    assert_eq!((dead.state, dead.attempts), (State::Dead, 3), "an attempt each");
    // A service that is being replaced answers 404 for a while.
    let moved = trail(&outbox, "moved").await;
    assert_eq!((moved.state, moved.attempts), (State::Sent, 2));
}

pub(crate) async fn told_wrong<D: Dialect>(outbox: Outbox<D>) {
    let server = Receiver::start().await;
    let ids = ["m-401", "m-403", "m-404", "m-405"];
    for (id, status) in ids.into_iter().zip([401, 403, 404, 405]) {
        server.busy(id, &[status]);
        enqueue(&outbox, &[server.message(id)]).await;
    }
    let target = Target::Server(Server { url: server.url.clone(), token: None });
    run_until(&outbox, Settings { target, parallel: 1, ..hasty() }, async || is_drained(&outbox).await).await;
    let came = server.came();
    assert_eq!(came.len(), 8, "each was sent again");
    for pair in came.windows(2).filter(|pair| pair[0].status >= 400) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= Duration::from_millis(950), "nothing at all is sent meanwhile, but after {apart:?}");
    }
    for id in ids {
        let sent = trail(&outbox, id).await;
        assert_eq!((sent.state, sent.attempts), (State::Sent, 1), "no failed attempt: {id}");
    }
}

pub(crate) async fn signed<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    receiver.answer("m-1", &[500]);
    let message =
        Message { destination: format!("{}/deliver?shop=7", receiver.url), ..receiver.message("m-1") };
    enqueue(&outbox, &[message, Message { destination: receiver.url.clone(), ..receiver.message("m-2") }])
        .await;
    let ours = Signature::of_lines("the new secret of 2026\nthe old secret of 2025\n").unwrap();
    let settings = Settings { signature: Some(ours), ..hasty() };
    run_until(&outbox, settings, async || is_drained(&outbox).await).await;
    // Whoever has the first secret only believes each attempt.
    let theirs = Signature::new("the new secret of 2026").strict();
    let came = receiver.came();
    assert_eq!(came.len(), 3);
    for call in &came {
        let header = call.headers.get(SIGNATURE).map(|value| value.to_str().unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let signed = Signed {
            method: "POST",
            path: &call.path,
            identity: Identity::of(&call.headers),
            body: &call.text,
        };
        assert_eq!(theirs.check(header, now, signed), Ok(()), "{}", call.path);
    }
    assert!(came.iter().any(|call| call.path == "/deliver?shop=7"), "the query is signed too");
}
