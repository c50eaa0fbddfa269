//! The stream `Apply`: order, many batches under way, what is refused, and how it ends.

use std::time::Duration;

use participant::client::{Amount, Batch, Entry};
use participant::proto::{ApplyRequest, Outcome};
use tokio::sync::mpsc;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;

use crate::world::{entry, world};

const SOON: Duration = Duration::from_secs(10);

fn batch_of(entries: &[Entry<'_>]) -> Batch {
    let mut batch = Batch::new();
    for entry in entries {
        batch.entry(entry);
    }
    batch
}

fn request(number: u64, entries: &[Entry<'_>]) -> ApplyRequest {
    batch_of(entries).into_request(number)
}

#[tokio::test]
async fn a_thousand_batches_are_answered_in_order() {
    let world = world().await;
    let apply = world.client.apply().unwrap();
    let mut answers = Vec::new();
    for number in 0..1_000 {
        let id = format!("e-{number}");
        let batch = batch_of(&[entry(&id, ("issuer", "a"), 1), entry(&id, ("issuer", "a"), 1)]);
        let sent = apply.send(batch);
        // Answers are taken off by the stream's own task: sending never waits for one of ours to be read.
        answers.push(tokio::time::timeout(SOON, sent).await.unwrap().unwrap());
    }
    let mut before = 0;
    for answer in answers {
        let outcomes = answer.await.unwrap();
        assert_eq!(outcomes.iter().collect::<Vec<_>>(), [Outcome::Posted, Outcome::Duplicate]);
        assert!(outcomes.sequence > before, "{} after {before}", outcomes.sequence);
        before = outcomes.sequence;
    }
    assert_eq!(world.available("a").await, "10.00");
    drop(apply);
    world.end().await;
}

#[tokio::test]
async fn refused_members_leave_the_others_alone_unless_linked() {
    let world = world().await;
    let apply = world.client.apply().unwrap();
    let linked = Entry { linked: true, ..entry("e-3", ("issuer", "a"), 700) };
    let up_to = Entry { up_to: true, ..entry("e-6", ("a", "b"), 90_000) };
    let batch = batch_of(&[
        entry("e-1", ("issuer", "a"), 500),
        entry("e-2", ("a", "b"), 600),
        linked,
        entry("e-4", ("a", "nobody"), 1),
        Entry { amount: Amount::Decimal("1.25"), ..entry("e-5", ("a", "b"), 0) },
        up_to,
        Entry { amount: Amount::Decimal("1.255"), ..entry("e-7", ("a", "b"), 0) },
    ]);
    let outcomes = apply.send(batch).await.unwrap().await.unwrap();
    use Outcome::{Posted as P, Refused as R};
    assert_eq!(outcomes.iter().collect::<Vec<_>>(), [P, R, R, R, P, P, R]);
    let codes: Vec<_> = outcomes.refused().iter().map(|refused| (refused.index, &*refused.code)).collect();
    let expected =
        [(1, "insufficient"), (2, "linked_refused"), (3, "account_unknown"), (6, "amount_invalid")];
    assert_eq!(codes, expected);
    assert_eq!((outcomes.taken(5), outcomes.taken(4)), (Some("3.75"), None));
    assert_eq!((world.available("a").await, world.available("b").await), ("0.00".into(), "5.00".into()));
    world.end().await;
}

#[tokio::test]
async fn a_malformed_batch_is_refused_whole_and_the_stream_goes_on() {
    let world = world().await;
    let apply = world.client.apply().unwrap();
    let bad = batch_of(&[entry("e-1", ("issuer", "a"), 1), entry("", ("issuer", "a"), 1)]);
    let fault = apply.send(bad).await.unwrap().await.unwrap_err();
    assert_eq!(fault.code(), Some("field_missing"));
    let good = batch_of(&[entry("e-1", ("issuer", "a"), 1)]);
    let outcomes = apply.send(good).await.unwrap().await.unwrap();
    assert_eq!(outcomes.get(0), Some(Outcome::Posted), "nothing of the refused batch was kept");
    let many: Vec<_> = (0..8_191).map(|number| format!("m-{number}")).collect();
    let entries: Vec<_> = many.iter().map(|id| entry(id, ("issuer", "a"), 1)).collect();
    let fault = apply.send(batch_of(&entries)).await.unwrap().await.unwrap_err();
    assert_eq!(fault.code(), Some("batch_too_large"));
    let outcomes = apply.send(batch_of(&entries[1..])).await.unwrap().await.unwrap();
    assert!(outcomes.is_all_done() && outcomes.len() == 8_190);
    world.end().await;
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = world().await;
    let batch = batch_of(&[entry("e-1", ("issuer", "a"), 100), entry("e-2", ("a", "b"), 40)]);
    let seen = world.client.change(&batch.clone().as_dry_run()).await.unwrap();
    assert_eq!(seen.iter().collect::<Vec<_>>(), [Outcome::Posted, Outcome::Posted]);
    assert_eq!(world.available("a").await, "0.00");
    assert_eq!(world.client.change(&batch).await.unwrap().get(1), Some(Outcome::Posted));
    assert_eq!(world.available("a").await, "0.60");
    world.end().await;
}

#[tokio::test]
async fn half_closing_loses_nothing() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    let (send, outbound) = mpsc::channel(100);
    for number in 0..50 {
        let id = format!("e-{number}");
        send.send(request(number, &[entry(&id, ("issuer", "a"), 1)])).await.unwrap();
    }
    drop(send);
    let mut replies = ledger.apply(ReceiverStream::new(outbound)).await.unwrap().into_inner();
    let mut numbers = Vec::new();
    while let Some(reply) = replies.message().await.unwrap() {
        assert_eq!(reply.refusal, None);
        numbers.push(reply.number);
    }
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_harms_nobody() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    let (send, outbound) = mpsc::channel(100);
    let mut replies = ledger.apply(ReceiverStream::new(outbound)).await.unwrap().into_inner();
    send.send(request(0, &[entry("e-0", ("issuer", "a"), 1)])).await.unwrap();
    assert_eq!(replies.message().await.unwrap().unwrap().number, 0);
    for number in 1..20 {
        let id = format!("e-{number}");
        send.send(request(number, &[entry(&id, ("issuer", "a"), 1)])).await.unwrap();
    }
    drop(replies);
    drop(send);
    let again = batch_of(&[entry("e-0", ("issuer", "a"), 1)]);
    assert_eq!(world.client.change(&again).await.unwrap().get(0), Some(Outcome::Duplicate));
    world.end().await;
}

#[tokio::test]
async fn an_open_stream_does_not_hold_up_a_stop_and_says_why_it_ends() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    let (send, outbound) = mpsc::channel(100);
    let mut replies = ledger.apply(ReceiverStream::new(outbound)).await.unwrap().into_inner();
    send.send(request(7, &[entry("e-7", ("issuer", "a"), 1)])).await.unwrap();
    assert_eq!(replies.message().await.unwrap().unwrap().number, 7);
    let stopped = tokio::time::timeout(SOON, world.end());
    let (stopped, ended) = tokio::join!(stopped, replies.message());
    stopped.unwrap();
    let status = ended.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert_eq!(status.metadata().get("tercet-code").unwrap(), "stopping");
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_stream_after_what_came_before() {
    let world = world().await;
    let mut ledger = world.client.grpc().unwrap().ledger();
    let (send, outbound) = mpsc::channel(100);
    let mut replies = ledger.apply(ReceiverStream::new(outbound)).await.unwrap().into_inner();
    send.send(request(1, &[entry("e-1", ("issuer", "a"), 1)])).await.unwrap();
    let mut large = ApplyRequest { number: 2, ..ApplyRequest::default() };
    large.members.push_encoded(&vec![0; 9 * 1024 * 1024]);
    send.send(large).await.unwrap();
    assert_eq!(replies.message().await.unwrap().unwrap().number, 1);
    let status = replies.message().await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert_eq!(status.metadata().get("tercet-code").unwrap(), "body_too_large");
    world.end().await;
}

#[tokio::test]
async fn streams_of_many_callers_share_frames() {
    let world = world().await;
    let mut callers = Vec::new();
    for caller in 0..32 {
        let apply = world.client.apply().unwrap();
        callers.push(tokio::spawn(async move {
            for number in 0..50 {
                let id = format!("e-{caller}-{number}");
                let outcomes =
                    apply.send(batch_of(&[entry(&id, ("issuer", "a"), 1)])).await.unwrap().await.unwrap();
                assert_eq!(outcomes.get(0), Some(Outcome::Posted));
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(world.available("a").await, "16.00");
    world.end().await;
}
