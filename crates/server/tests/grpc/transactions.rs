//! Transactions over gRPC: the twin of the HTTP verbs, and a shop order that needs no network at all.

use participant::client::{Batch, TransactionVerbs};
use participant::proto::{self, branch::Kind};
use tonic::{Code, Status};

use crate::world::{World, entry, world};

fn branch(id: &str, kind: Kind) -> proto::Branch {
    proto::Branch { id: id.into(), after: Vec::new(), kind: Some(kind) }
}

fn call(answer: &str) -> Kind {
    let url = |answer: &str| format!("http://127.0.0.1:1/{answer}");
    Kind::Call(proto::CallBranch {
        r#try: url(answer),
        confirm: url("done"),
        cancel: url("done"),
        body: "{\"n\": 2}".into(),
        ..proto::CallBranch::default()
    })
}

fn begin(id: &str, branches: Vec<proto::Branch>) -> proto::BeginRequest {
    let labels = vec![proto::Label { key: "order".into(), value: id.into() }];
    let pattern = proto::Pattern::Tcc as i32;
    proto::BeginRequest {
        id: id.into(),
        pattern,
        labels,
        branches,
        wait_ms: 10_000,
        ..proto::BeginRequest::default()
    }
}

fn code(status: &Status) -> (Code, &str) {
    let code = status.metadata().get("tercet-code").map(|code| code.to_str().unwrap());
    (status.code(), code.unwrap_or_default())
}

fn verbs(world: &World) -> TransactionVerbs {
    world.client.grpc().unwrap().transactions()
}

#[tokio::test]
async fn a_managed_transaction_is_confirmed_and_read_again() {
    let world = world().await;
    let mut verbs = verbs(&world);
    let request = begin("t-1", vec![branch("stock", call("done"))]);
    let reply = verbs.begin(request.clone()).await.unwrap().into_inner();
    let shown = reply.transaction.unwrap();
    assert_eq!((&*shown.state, &*shown.decision, reply.replayed), ("confirmed", "confirm", false));
    assert_eq!(shown.branches[0].attempts[0], proto::Attempts { operation: "try".into(), count: 1 });
    assert!(verbs.begin(request.clone()).await.unwrap().into_inner().replayed);
    let other = proto::BeginRequest { cooling_off_ms: 5, ..request };
    assert_eq!(code(&verbs.begin(other).await.unwrap_err()), (Code::AlreadyExists, "idempotency_mismatch"));
    let get = proto::GetTransactionRequest { id: "t-1".into(), wait_ms: 0 };
    let read = verbs.get(get).await.unwrap().into_inner().transaction.unwrap();
    assert_eq!((&*read.state, read.labels[0].value.as_str()), ("confirmed", "t-1"));
    let none = proto::GetTransactionRequest { id: "t-9".into(), wait_ms: 0 };
    assert_eq!(code(&verbs.get(none).await.unwrap_err()), (Code::NotFound, "transaction_unknown"));
    let request = proto::TimelineRequest { id: "t-1".into(), ..proto::TimelineRequest::default() };
    let events = verbs.timeline(request).await.unwrap().into_inner().entries;
    assert_eq!((&*events[0].event, &*events.last().unwrap().event), ("begun", "confirmed"));
    let request = proto::ListTransactionsRequest { state: "confirmed".into(), ..Default::default() };
    let list = verbs.list(request).await.unwrap().into_inner();
    assert_eq!(list.transactions.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["t-1"]);
    world.end().await;
}

#[tokio::test]
async fn a_refused_branch_cancels() {
    let world = world().await;
    let branches = vec![branch("stock", call("done")), branch("credit", call("refuse"))];
    let reply = verbs(&world).begin(begin("t-1", branches)).await.unwrap().into_inner();
    let shown = reply.transaction.unwrap();
    let reason = shown.reason.unwrap();
    assert_eq!((&*shown.state, &*reason.code, &*reason.branch), ("cancelled", "branch_refused", "credit"));
    world.end().await;
}

#[tokio::test]
async fn an_interactive_transaction_is_registered_signalled_and_confirmed() {
    let world = world().await;
    let mut verbs = verbs(&world);
    let mode = proto::Mode::Interactive as i32;
    let request = proto::BeginRequest { mode, wait_ms: 0, ..begin("t-1", Vec::new()) };
    verbs.begin(request).await.unwrap();
    let register = |kind| proto::RegisterRequest { id: "t-1".into(), branch: Some(branch("pay", kind)) };
    let reply = verbs.register(register(Kind::Await(proto::AwaitBranch {}))).await.unwrap().into_inner();
    assert_eq!(reply.transaction.unwrap().branches.len(), 1);
    let status = verbs.register(register(call("done"))).await.unwrap_err();
    assert_eq!(code(&status), (Code::AlreadyExists, "branch_mismatch"));
    let signal = proto::SignalRequest {
        id: "t-1".into(),
        branch: "pay".into(),
        outcome: proto::SignalOutcome::Done as i32,
        result: "{\"paid\": 3}".into(),
    };
    let reply = verbs.signal(signal.clone()).await.unwrap().into_inner();
    assert_eq!(reply.transaction.unwrap().branches[0].result, "{\"paid\": 3}");
    let other = proto::SignalRequest { outcome: proto::SignalOutcome::Refused as i32, ..signal };
    assert_eq!(
        code(&verbs.signal(other).await.unwrap_err()),
        (Code::FailedPrecondition, "already_signalled")
    );
    let confirm = proto::ConfirmRequest { id: "t-1".into(), wait_ms: 10_000 };
    let reply = verbs.confirm(confirm).await.unwrap().into_inner();
    assert_eq!(reply.transaction.unwrap().state, "confirmed");
    let cancel = proto::CancelRequest { id: "t-1".into(), ..proto::CancelRequest::default() };
    assert_eq!(code(&verbs.cancel(cancel).await.unwrap_err()), (Code::FailedPrecondition, "already_decided"));
    let retry = proto::RetryRequest { id: "t-1".into() };
    assert_eq!(code(&verbs.retry(retry).await.unwrap_err()), (Code::FailedPrecondition, "already_final"));
    world.end().await;
}

#[tokio::test]
async fn what_is_malformed_is_pointed_to() {
    let world = world().await;
    let mut verbs = verbs(&world);
    let at = |status: &Status| status.metadata().get("tercet-at").unwrap().to_str().unwrap().to_owned();
    let status = verbs.begin(begin("", vec![branch("a", call("done"))])).await.unwrap_err();
    assert_eq!((code(&status), at(&status)), ((Code::InvalidArgument, "field_missing"), "/id".into()));
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let Kind::Call(plain) = call("done") else { panic!("a call") };
    let body = Kind::Call(proto::CallBranch { body: deep, ..plain.clone() });
    let status = verbs.begin(begin("t", vec![branch("a", body)])).await.unwrap_err();
    assert_eq!(code(&status), (Code::InvalidArgument, "json_too_deep"));
    let saga = Kind::Call(proto::CallBranch { action: "http://a/b".into(), ..plain });
    let status = verbs.begin(begin("t", vec![branch("a", saga)])).await.unwrap_err();
    assert_eq!((code(&status).1, at(&status)), ("field_unexpected", "/branches/0/action".into()));
    let wait_ms = 60_001;
    let status = verbs.get(proto::GetTransactionRequest { id: "t".into(), wait_ms }).await.unwrap_err();
    assert_eq!((code(&status).1, at(&status)), ("span_invalid", "/wait_ms".into()));
    let request = proto::ListTransactionsRequest { state: "lost".into(), ..Default::default() };
    assert_eq!(code(&verbs.list(request).await.unwrap_err()).1, "field_invalid");
    world.end().await;
}

#[tokio::test]
async fn holds_of_the_ledger_are_decided_with_the_transaction() {
    let world = world().await;
    let mut batch = Batch::new();
    batch.entry(&entry("e-1", ("issuer", "a"), 1_000));
    world.client.change(&batch).await.unwrap();
    let hold = |amount: &str| {
        let leg = proto::HoldLeg { from: "a".into(), to: "b".into(), amount: amount.into(), up_to: false };
        vec![branch("points", Kind::Hold(proto::HoldBranch { legs: vec![leg] }))]
    };
    let mut verbs = verbs(&world);
    let reply = verbs.begin(begin("t-1", hold("4.00"))).await.unwrap().into_inner();
    assert_eq!(reply.transaction.unwrap().state, "confirmed");
    let reply = verbs.begin(begin("t-2", hold("6.01"))).await.unwrap().into_inner();
    assert_eq!(reply.transaction.unwrap().state, "cancelled");
    assert_eq!((world.available("a").await, world.available("b").await), ("6.00".into(), "4.00".into()));
    world.end().await;
}
