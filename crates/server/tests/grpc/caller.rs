//! The crate's own caller's side: the same answers over both ways, and what it does when the way breaks.

use participant::client::{Amount, Batch, Capture, Client, Config, Fault, Hold, Retry};
use participant::proto::Outcome;
use server::Config as Settings;

use crate::world::{World, config, entry, world};

async fn over_http(world: &World) -> Client {
    Client::connect(&format!("http://{}", world.server.http_addr())).await.unwrap()
}

#[tokio::test]
async fn both_ways_give_the_same_answers() {
    let world = world().await;
    let http = over_http(&world).await;
    let mut batch = Batch::new();
    batch.entry(&participant::client::Entry {
        amount: Amount::Decimal("10.00"),
        ..entry("e-1", ("issuer", "a"), 0)
    });
    let hold =
        Hold { id: "h", from: "a", to: "b", amount: Amount::Decimal("99"), up_to: true, ..Hold::default() };
    batch.hold(&hold);
    batch.capture(&Capture {
        id: "c",
        hold: "h",
        amount: Some(Amount::Decimal("2.50")),
        ..Capture::default()
    });
    batch.capture(&Capture { id: "d", hold: "h", amount: Some(Amount::Decimal("8")), ..Capture::default() });
    use Outcome as O;
    let seen = http.change(&batch.clone().as_dry_run()).await.unwrap();
    let first = http.change(&batch).await.unwrap();
    let expected = [O::Posted, O::Held, O::Captured, O::Refused];
    for outcomes in [&seen, &first] {
        assert_eq!(outcomes.iter().collect::<Vec<_>>(), expected);
        assert_eq!(
            (outcomes.taken(1), &*outcomes.refused()[0].code),
            (Some("10.00"), "capture_exceeds_hold")
        );
    }
    assert!(first.sequence > 0);
    let again = world.client.change(&batch).await.unwrap();
    let expected = [O::Duplicate, O::Duplicate, O::Duplicate, O::Refused];
    assert_eq!(again.iter().collect::<Vec<_>>(), expected);
    assert_eq!(http.account("a").await.unwrap(), world.client.account("a").await.unwrap());
    for client in [&http, &world.client] {
        assert_eq!(client.account("z").await.unwrap_err().code(), Some("account_unknown"));
        assert_eq!(
            client.change(&Batch::new()).await.unwrap_err().code().map(str::len).map(|len| len > 0),
            Some(true)
        );
    }
    assert!(matches!(http.apply(), Err(Fault::Unsupported(_))));
    world.end().await;
}

#[tokio::test]
async fn what_was_not_answered_is_sent_again_over_a_new_stream() {
    let world = world().await;
    let retry = Retry { initial: std::time::Duration::from_millis(20), ..Retry::default() };
    let address = world.server.grpc_addr();
    let client = Client::open(Config { url: format!("grpc://{address}"), token: None, retry }).await.unwrap();
    let apply = client.apply().unwrap();
    let batch = |id: &str| {
        let mut batch = Batch::new();
        batch.entry(&entry(id, ("issuer", "a"), 1));
        batch
    };
    apply.send(batch("e-0")).await.unwrap().await.unwrap();
    let World { server, running, client: first } = world;
    drop(first);
    // The engine goes on: only the way to it breaks.
    server.stop().await;
    let mut answers = Vec::new();
    for number in 1..=20 {
        answers.push(apply.send(batch(&format!("e-{number}"))).await.unwrap());
    }
    let settings = Settings { grpc: address, ..config() };
    let server = server::listen(settings, running.engine.clone(), Default::default()).await.unwrap();
    for answer in answers {
        assert!(answer.await.unwrap().is_all_done());
    }
    assert_eq!(client.account("a").await.unwrap().posted, "0.21");
    drop((apply, client));
    server.stop().await;
    tokio::task::spawn_blocking(move || running.stop()).await.unwrap();
}

#[tokio::test]
async fn a_stream_without_a_server_gives_up_and_can_be_used_again() {
    let world = world().await;
    let retry = Retry { repeats: 1, initial: std::time::Duration::from_millis(5), ..Retry::default() };
    let address = world.server.grpc_addr();
    let client = Client::open(Config { url: format!("grpc://{address}"), token: None, retry }).await.unwrap();
    let apply = client.apply().unwrap();
    let mut batch = Batch::new();
    batch.entry(&entry("e", ("issuer", "a"), 1));
    let World { server, running, client: first } = world;
    drop(first);
    server.stop().await;
    let fault = apply.send(batch.clone()).await.unwrap().await.unwrap_err();
    assert!(fault.is_passing(), "{fault}");
    let settings = Settings { grpc: address, ..config() };
    let server = server::listen(settings, running.engine.clone(), Default::default()).await.unwrap();
    let outcomes = apply.send(batch).await.unwrap().await.unwrap();
    assert_eq!(outcomes.get(0), Some(Outcome::Posted));
    drop((apply, client));
    server.stop().await;
    tokio::task::spawn_blocking(move || running.stop()).await.unwrap();
}
