//! Order of a key, and several relays at once.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use participant::database::{Dialect, Isolation};
use participant::outbox::relay::{Server, Settings, Target};
use participant::outbox::{Message, Outbox, Queue, State};

use crate::receiver::{Receiver, enqueue, hasty, is_drained, relay, run_until, until};

/// A lease that no test outlives: a row that comes twice was sent by two.
fn patient() -> Settings {
    Settings { lease: Duration::from_secs(120), timeout: Duration::from_secs(20), ..hasty() }
}

/// `m-KEY-NUMBER`; the numbers of a key must rise.
fn assert_in_order(accepted: &[String]) {
    let mut last: HashMap<&str, u32> = HashMap::new();
    for id in accepted {
        let (key, number) = id.rsplit_once('-').unwrap();
        let number: u32 = number.parse().unwrap();
        let before = last.insert(key, number);
        assert!(before.is_none_or(|before| before < number), "{id} came after {before:?}");
    }
}

pub(crate) async fn two_relays<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    let mut messages = Vec::new();
    for number in 0..16 {
        messages.extend(
            (0..500).map(|key| receiver.message(&format!("m-{key}-{number}")).key(format!("user:{key}"))),
        );
        // Without a key: named as keys of their own.
        messages.extend((0..125).map(|at| receiver.message(&format!("free{number}:{at}-0"))));
    }
    assert_eq!(messages.len(), 10_000);
    enqueue(&outbox, &messages).await;
    let begun = Instant::now();
    let done = || until(async || is_drained(&outbox).await);
    let named = |name: &str| Settings { name: name.into(), ..patient() };
    tokio::join!(relay(&outbox, named("one")).run(done()), relay(&outbox, named("two")).run(done()));
    let accepted = receiver.accepted();
    let rate = 10_000.0 / begun.elapsed().as_secs_f64();
    println!("{}: two relays sent 10,000 rows, {rate:.0}/s", D::NAME);
    assert_eq!(accepted.len(), 10_000, "none twice");
    assert_eq!(accepted.iter().collect::<HashSet<_>>().len(), 10_000, "none missing");
    assert_in_order(&accepted);
}

pub(crate) async fn a_hot_key<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    let mut messages: Vec<_> =
        (0..1000).map(|number| receiver.message(&format!("hot-{number}")).key("hot")).collect();
    messages.extend((0..20).map(|key| receiver.message(&format!("m-{key}-0")).key(format!("user:{key}"))));
    enqueue(&outbox, &messages).await;
    let begun = Instant::now();
    run_until(&outbox, patient(), async || is_drained(&outbox).await).await;
    println!("{}: a hot key, {:.0}/s", D::NAME, 1020.0 / begun.elapsed().as_secs_f64());
    let accepted = receiver.accepted();
    assert_eq!(accepted.len(), 1020);
    assert_in_order(&accepted);
    // Those behind it in the table did not wait for it.
    let last_other = accepted.iter().rposition(|id| !id.starts_with("hot")).unwrap();
    assert!(last_other < 500, "{last_other}");
}

pub(crate) async fn many_keys_behind_a_sick_one<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    receiver.answer("a-0", &[500; 1000]);
    let mut messages = vec![receiver.message("a-0").key("a"), receiver.message("a-1").key("a")];
    messages.extend((0..300).map(|key| receiver.message(&format!("m-{key}-0")).key(format!("user:{key}"))));
    enqueue(&outbox, &messages).await;
    let mut settings = patient();
    settings.retry.budget = 1000;
    run_until(&outbox, settings, async || outbox.backlog().await.unwrap().waiting == 2).await;
    assert_eq!(receiver.accepted().len(), 300);
    assert!(receiver.came().iter().all(|came| came.id != "a-1"), "it overtook the one before it");
}

/// To that coordinator.
fn through(server: &Receiver) -> Settings {
    let target = Target::Server(Server { url: server.url.clone(), token: Some("secret".into()) });
    let routes = [("orders".to_owned(), "http://127.0.0.1:9/orders".to_owned())].into();
    Settings { target, routes, ..patient() }
}

fn order(id: &str) -> Message {
    Message::new(id, "orders", &serde_json::json!({"n": 1})).unwrap()
}

pub(crate) async fn until_delivered<D: Dialect>(outbox: Outbox<D>) {
    let server = Receiver::start().await;
    // A coordinator that has the first message, and has not delivered it yet: known, it is answered with 200.
    server.stands("k-0", &[(202, "submitted"), (200, "submitted"), (200, "submitted")]);
    let messages = [
        order("k-0").key("k"),
        order("k-1").key("k"),
        order("k-2").key("k"),
        order("free-0").header("X-A", "b"),
    ];
    enqueue(&outbox, &messages).await;
    run_until(&outbox, through(&server), async || is_drained(&outbox).await).await;
    let came = server.came();
    let ids: Vec<_> = came.iter().map(|came| came.id.as_str()).filter(|id| id.starts_with('k')).collect();
    assert_eq!(ids, ["k-0", "k-0", "k-0", "k-0", "k-1", "k-2"]);
    let free: Vec<_> = came.iter().filter(|came| came.id == "free-0").collect();
    assert_eq!(free.len(), 1, "accepted is enough where there is no order");
    assert_eq!(
        (free[0].path.as_str(), &free[0].headers["authorization"]),
        ("/v1/transactions", &"Bearer secret".parse().unwrap())
    );
    let branch = serde_json::json!({"id": "deliver", "kind": "call", "deliver": "http://127.0.0.1:9/orders",
        "body": {"n": 1}, "headers": {"X-A": "b"}});
    let body = serde_json::json!({"id": "free-0", "pattern": "message", "wait_ms": 0, "branches": [branch]});
    assert_eq!(free[0].body, body);
    assert!(came[0].body["wait_ms"].as_u64().unwrap() > 0 || came[0].id == "free-0");
    // To be under way is no failure.
    let first = outbox.trail("k-0").await.unwrap().unwrap();
    let said = "HTTP 200: not delivered yet, the transaction is submitted";
    assert_eq!((first.attempts, first.last_error.as_deref()), (1, Some(said)));
}

pub(crate) async fn aborted<D: Dialect>(outbox: Outbox<D>) {
    let server = Receiver::start().await;
    server.stands("k-0", &[(202, "submitted"), (200, "aborted")]);
    enqueue(&outbox, &[order("k-0").key("k"), order("k-1").key("k")]).await;
    run_until(&outbox, through(&server), async || outbox.backlog().await.unwrap().dead == 1).await;
    let dead = outbox.trail("k-0").await.unwrap().unwrap();
    assert_eq!((dead.state, dead.attempts), (State::Dead, 1));
    assert_eq!(dead.last_error.as_deref(), Some("HTTP 200: the transaction was aborted"));
    assert!(server.came().iter().all(|came| came.id == "k-0"), "it keeps its key waiting");
}

/// An earlier row of a key is committed while another relay takes the rows behind it.
pub(crate) async fn a_late_row<D: Dialect>(outbox: Outbox<D>) {
    let receiver = Receiver::start().await;
    let message = |number: u32| receiver.message(&format!("k-{number}")).key("k");
    let (mut late, mut other) =
        (outbox.pool().acquire().await.unwrap(), outbox.pool().acquire().await.unwrap());
    let mut late = D::begin(&mut late, Default::default()).await.unwrap();
    outbox.enqueue(&mut late, &message(0)).await.unwrap();
    enqueue(&outbox, &[message(1), message(2)]).await;
    let ids = [trail_id(&outbox, "k-1").await, trail_id(&outbox, "k-2").await];
    let mut other = D::begin(&mut other, Isolation::ReadCommitted).await.unwrap();
    let rows: &mut D::Connection = &mut other;
    assert_eq!(rows.lock(&ids).await.unwrap().len(), 2);
    late.commit().await.unwrap();
    let taken = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let rows: &mut D::Connection = &mut other;
        rows.lease(&ids, "another", 60_000).await.unwrap();
        other.commit().await.unwrap();
    };
    let relay = relay(&outbox, patient());
    let (drained, ()) = tokio::join!(relay.drain(std::future::pending()), taken);
    drained.unwrap();
    assert_eq!(receiver.accepted(), ["k-0"], "what another relay has taken was sent");
    let behind = outbox.trail("k-1").await.unwrap().unwrap();
    assert_eq!(behind.lease_by.as_deref(), Some("another"));
}

async fn trail_id<D: Dialect>(outbox: &Outbox<D>, message_id: &str) -> i64 {
    outbox.trail(message_id).await.unwrap().unwrap().id
}
