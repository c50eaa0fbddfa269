//! The crate's typed transactions against a real server, over both ways, and when an answer is lost.

use std::time::Duration;

use participant::client::transaction::{Decision, Resource, Tcc};
use participant::client::{Branch, Client, Config, Fault, Retry, Signal, Transaction};

use crate::cutter::Cutter;
use crate::world::{World, entry, world};

const SOON: Duration = Duration::from_secs(10);

fn url(answer: &str) -> String {
    format!("http://127.0.0.1:1/{answer}")
}

fn call(id: &str, answer: &str) -> participant::client::transaction::Call<Tcc> {
    Branch::call(id).try_(url(answer)).confirm(url("done")).cancel(url("done"))
}

/// Who asks over either way, with its name for ids.
async fn both(world: &World) -> [(&'static str, Client); 2] {
    let http = Client::connect(&format!("http://{}", world.server.http_addr())).await.unwrap();
    [("http", http), ("grpc", world.client.clone())]
}

/// Gives `a` ten points.
async fn with_points(world: &World) {
    let mut batch = participant::client::Batch::new();
    batch.entry(&entry("e-1", ("issuer", "a"), 1_000));
    assert!(world.client.change(&batch).await.unwrap().is_all_done());
}

#[tokio::test]
async fn a_managed_transaction_is_begun_waited_for_and_told() {
    let world = world().await;
    with_points(&world).await;
    for (way, client) in both(&world).await {
        let id = format!("order/{way}");
        let transaction = Transaction::tcc(&id)
            .deadline(Duration::from_secs(30))
            .label("way", way)
            .branch(call("stock", "done").body(&[1, 2]).unwrap().timeout(Duration::from_secs(1)))
            .branch(Branch::hold("points", "a", "b", "2.50").after("stock"));
        let done = client.begin_and_wait(&transaction, SOON).await.unwrap();
        assert!(done.is_done(), "{done:?}");
        assert_eq!(
            (&*done.state, done.decision, &*done.labels["way"]),
            ("confirmed", Some(Decision::Confirm), way)
        );
        assert_eq!(done.branch("stock").unwrap().attempts["try"], 1);
        assert_eq!(client.begin(&transaction).await.unwrap(), done, "begun once, told twice");
        assert_eq!(client.transaction(&id).await.unwrap(), done);
        let other = transaction.clone().cooling_off(Duration::from_secs(1));
        let Err(Fault::Refused(refused)) = client.begin(&other).await else { panic!("other content") };
        let status = (way == "http").then_some(422);
        assert_eq!((&*refused.code, refused.status), ("idempotency_mismatch", status));
        let steps = client.timeline(&id).await.unwrap();
        assert_eq!((&*steps[0].event, &*steps.last().unwrap().event), ("begun", "confirmed"));
        assert!(steps.iter().any(|step| step.branch.as_deref() == Some("points")));
        assert_eq!(client.transaction("none").await.unwrap_err().code(), Some("transaction_unknown"));
    }
    assert_eq!((world.available("a").await, world.available("b").await), ("5.00".into(), "5.00".into()));
    world.end().await;
}

#[tokio::test]
async fn both_ways_tell_the_same() {
    let world = world().await;
    let [(_, http), (_, grpc)] = both(&world).await;
    let refused = Transaction::tcc("t-1").branch(call("stock", "done")).branch(call("credit", "refuse"));
    let over_http = http.begin_and_wait(&refused, SOON).await.unwrap();
    let reason = over_http.reason.clone().unwrap();
    assert_eq!((&*reason.code, reason.branch.as_deref()), ("branch_refused", Some("credit")));
    assert!(over_http.is_final() && !over_http.is_done());
    assert_eq!(grpc.transaction("t-1").await.unwrap(), over_http);
    assert_eq!(grpc.begin(&refused).await.unwrap(), over_http, "the same content over either way");
    assert_eq!(grpc.timeline("t-1").await.unwrap(), http.timeline("t-1").await.unwrap());
    let saga = Transaction::saga("s-1")
        .branch(Branch::call("one").action(url("done")).compensate(url("done")))
        .branch(Branch::call("two").action(url("refuse")));
    let undone = http.begin_and_wait(&saga, SOON).await.unwrap();
    assert_eq!((&*undone.state, undone.branches.len()), ("compensated", 2));
    assert_eq!(grpc.begin_and_wait(&saga, SOON).await.unwrap(), undone);
    let message = Transaction::message("m-1").branch(Branch::call("mail").deliver(url("done")));
    let delivered = grpc.begin_and_wait(&message, SOON).await.unwrap();
    assert!(delivered.is_done());
    assert_eq!(http.transaction("m-1").await.unwrap(), delivered);
    world.end().await;
}

#[tokio::test]
async fn an_initiator_registers_tries_and_decides() {
    let world = world().await;
    for (way, client) in both(&world).await {
        let order = client.begin_interactive(&Transaction::tcc(format!("i-{way}"))).await.unwrap();
        let stock = || Branch::call("stock").confirm(url("done")).cancel(url("done"));
        order.register(stock()).await.unwrap();
        let again = order.register(stock()).await.unwrap();
        assert_eq!(again.branches.len(), 1);
        order.register(Branch::await_("pay")).await.unwrap();
        let mismatch = order.register(Branch::call("stock").confirm(url("x")).cancel(url("y"))).await;
        assert_eq!(mismatch.unwrap_err().code(), Some("branch_mismatch"));
        let paid = Signal::done(&[3]).unwrap();
        let told = order.signal("pay", &paid).await.unwrap();
        assert_eq!(told.branch("pay").unwrap().read::<Vec<u32>>().unwrap(), Some(vec![3]));
        let refused = Signal::Refused(String::new());
        assert_eq!(order.signal("pay", &refused).await.unwrap_err().code(), Some("already_signalled"));
        assert!(!order.progress().await.unwrap().is_final());
        order.confirm().await.unwrap();
        assert_eq!(order.wait(SOON).await.unwrap().state, "confirmed");
        assert_eq!(order.cancel("too late").await.unwrap_err().code(), Some("already_decided"));
        assert_eq!(order.retry().await.unwrap_err().code(), Some("already_final"));
        assert_eq!(order.timeline().await.unwrap()[0].event, "begun");
        let dropped = client.begin_interactive(&Transaction::saga(format!("d-{way}"))).await.unwrap();
        let taken_up = client.interactive::<Tcc>(dropped.id());
        taken_up.cancel("the customer left").await.unwrap();
        let reason = dropped.wait(SOON).await.unwrap().reason.unwrap();
        assert_eq!((&*reason.code, &*reason.detail), ("withdrawn", "the customer left"));
    }
    world.end().await;
}

#[tokio::test]
async fn a_prepared_message_is_submitted_or_aborted() {
    let world = world().await;
    for (way, client) in both(&world).await {
        let message = |id: String| {
            let branch = Branch::call("mail").deliver(url("done"));
            Transaction::message(id).branch(branch).check(url("done")).check_after(Duration::from_mins(1))
        };
        let prepared = client.prepare(&message(format!("p-{way}"))).await.unwrap();
        assert_eq!(client.transaction(prepared.id()).await.unwrap().state, "prepared");
        prepared.submit().await.unwrap();
        assert!(prepared.wait(SOON).await.unwrap().is_done());
        assert_eq!(prepared.abort("late").await.unwrap_err().code(), Some("already_decided"));
        let prepared = client.prepare(&message(format!("q-{way}"))).await.unwrap();
        prepared.abort("rolled back").await.unwrap();
        assert_eq!(prepared.wait(SOON).await.unwrap().state, "aborted");
    }
    world.end().await;
}

#[tokio::test]
async fn waiting_ends_with_the_time_and_not_only_with_the_transaction() {
    let world = world().await;
    for (way, client) in both(&world).await {
        let open = Transaction::tcc(format!("w-{way}")).branch(Branch::await_("pay"));
        let began = std::time::Instant::now();
        let progress = client.begin_and_wait(&open, Duration::from_millis(300)).await.unwrap();
        assert!(!progress.is_final());
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
        let id = open.id().to_owned();
        let other = client.clone();
        let waiting = tokio::spawn(async move { other.wait(&id, SOON).await });
        client.signal(open.id(), "pay", &Signal::Done(String::new())).await.unwrap();
        assert!(waiting.await.unwrap().unwrap().is_done());
    }
    world.end().await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_takes_effect_once() {
    let world = world().await;
    with_points(&world).await;
    let retry = Retry { initial: Duration::from_millis(20), ..Retry::default() };
    let ways = [("http", world.server.http_addr()), ("grpc", world.server.grpc_addr())];
    for (way, server) in ways {
        let cutter = Cutter::before(server).await;
        let url = format!("{way}://{}", cutter.address);
        let client = Client::open(Config { url, token: None, retry }).await.unwrap();
        let transaction =
            Transaction::tcc(format!("c-{way}")).branch(Branch::hold("points", "a", "b", "1.00"));
        // A connection that is in use, so that the cut meets a request and not a greeting.
        assert_eq!(
            client.transaction(transaction.id()).await.unwrap_err().code(),
            Some("transaction_unknown")
        );
        cutter.arm();
        let done = client.begin_and_wait(&transaction, SOON).await.unwrap();
        assert!(done.is_done() && cutter.cuts() == 1, "{way}: {} cuts, {done:?}", cutter.cuts());
        let begun = client.timeline(transaction.id()).await.unwrap();
        assert_eq!(begun.iter().filter(|step| step.event == "begun").count(), 1);

        let order = client.begin_interactive(&Transaction::tcc(format!("l-{way}"))).await.unwrap();
        for lost in ["register", "confirm"] {
            cutter.arm();
            match lost {
                "register" => order.register(Branch::hold("points", "a", "b", "0.50")).await.unwrap(),
                _ => order.confirm().await.unwrap(),
            };
        }
        assert_eq!((order.wait(SOON).await.unwrap().branches.len(), cutter.cuts()), (1, 3));

        let impatient = Config {
            url: format!("{way}://{}", cutter.address),
            token: None,
            retry: Retry { repeats: 0, ..retry },
        };
        let impatient = Client::open(impatient).await.unwrap();
        let unsure = Transaction::tcc(format!("u-{way}")).branch(Branch::hold("points", "a", "b", "0.25"));
        let _ = impatient.transaction("none").await;
        cutter.arm();
        let fault = impatient.begin(&unsure).await.unwrap_err();
        assert!(fault.is_unknown(), "{fault}");
        assert!(client.begin_and_wait(&unsure, SOON).await.unwrap().is_done());
    }
    assert_eq!((world.available("a").await, world.available("b").await), ("6.50".into(), "3.50".into()));
    world.end().await;
}

#[tokio::test]
async fn what_a_way_or_the_coordinator_does_not_take_is_told() {
    let world = world().await;
    for (way, client) in both(&world).await {
        for kind in [Resource::Sql, Resource::Redis] {
            let resource = Branch::resource("sku", kind, "stock", &serde_json::json!({"n": 2})).unwrap();
            let asked = Transaction::tcc(format!("r-{way}")).branch(resource);
            let Err(Fault::Refused(refused)) = client.begin(&asked).await else {
                panic!("{way}: no such resource")
            };
            assert_eq!(&*refused.code, "resource_unknown", "{way}: {refused:?}");
        }
    }
    let [(_, http), _] = both(&world).await;
    let Err(Fault::Refused(refused)) =
        http.begin(&Transaction::tcc("r-2").branch(Branch::call("a").try_("x"))).await
    else {
        panic!("no URL")
    };
    assert_eq!((&*refused.code, &*refused.at, refused.status), ("url_invalid", "/branches/0/try", Some(400)));
    assert!(!refused.detail.is_empty());
    world.end().await;
}
