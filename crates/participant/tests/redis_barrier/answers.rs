//! What is answered: the first answer again, refusals with their codes, and faults that are no refusals.

use std::time::Duration;

use participant::barrier::{Coordinator, Counted};
use participant::call::{Branch, Call, Content};
use participant::redis::{Change, Fault, RedisBarrier, Settings, SettingsFault};
use transaction::{Operation, Pattern};

use crate::store::{Store, call, tcc, told};

#[tokio::test]
async fn a_duplicate_gets_the_first_answer_and_other_content_none() {
    let store = Store::open().await;
    let attempt = tcc("t", Operation::Try);
    let first = store.run(&attempt, &store.change("", "return '{\"seat\":17}'")).await;
    assert_eq!((first.status.as_u16(), first.body.as_slice()), (200, &br#"{"seat":17}"#[..]));
    for _ in 0..3 {
        assert_eq!(store.run(&attempt, &store.counted()).await, first);
    }
    let other = Call { content: Content::of(b"{\"n\":2}"), ..attempt.clone() };
    let mismatch = store.run(&other, &store.counted()).await;
    assert_eq!(told(&mismatch), (422, "content_mismatch".to_owned()));
    assert_eq!(store.effects().await, 0);

    let confirm = store.change("", "return result");
    assert_eq!(
        store.run(&tcc("t", Operation::Confirm), &confirm).await,
        first,
        "it is given the try's answer"
    );
    assert_eq!(store.barrier.meters().get(Counted::Duplicate), 3);
}

#[tokio::test]
async fn a_refusal_stands_and_is_told_again() {
    let store = Store::open().await;
    let refuse = store.change("return {'refused', 'too_late', 'closed at \"5\"'}", "write('INCR', keys[1])");
    let attempt = tcc("t", Operation::Try);
    let first = store.run(&attempt, &refuse).await;
    assert_eq!(told(&first), (409, "too_late".to_owned()));
    assert_eq!(store.run(&attempt, &store.counted()).await, first, "the first answer stands");
    let confirm = store.run(&tcc("t", Operation::Confirm), &store.counted()).await;
    assert_eq!(told(&confirm), (409, "confirm_without_try".to_owned()));
    assert_eq!(store.run(&tcc("t", Operation::Cancel), &store.counted()).await.status.as_u16(), 200);
    assert_eq!(store.effects().await, 0);
}

#[tokio::test]
async fn a_refused_confirm_is_not_kept() {
    let store = Store::open().await;
    store.run(&tcc("t", Operation::Try), &store.counted()).await;
    let refuse = store.change("return {'refused', 'odd', 'not now'}", "");
    let confirm = tcc("t", Operation::Confirm);
    assert_eq!(told(&store.run(&confirm, &refuse).await), (409, "odd".to_owned()));
    assert_eq!(store.record(&confirm).await.as_deref(), Some("tried"));
    let later = store.change("return {'in_progress'}", "");
    assert_eq!(store.run(&confirm, &later).await.status.as_u16(), 202);
    assert_eq!(store.run(&confirm, &store.counted()).await.status.as_u16(), 200);
    assert_eq!(store.effects().await, 2);
}

#[tokio::test]
async fn what_fails_before_it_writes_changes_nothing() {
    let store = Store::open().await;
    let attempt = tcc("t", Operation::Try);
    for allow in ["error('odd')", "read('INCR', keys[1])", "redis.call('INCR', keys[1])", "return {'no'}"] {
        let fault = store.fault(&attempt, &store.change(allow, "write('INCR', keys[1])")).await;
        assert!(matches!(fault, Fault::Business(_)), "{allow}: {fault}");
        assert_eq!(fault.answer().status.as_u16(), 500);
        assert_eq!((store.record(&attempt).await, store.effects().await), (None, 0), "{allow}");
    }
    assert_eq!(store.run(&attempt, &store.counted()).await.status.as_u16(), 200);
}

#[tokio::test]
async fn what_fails_in_the_middle_is_never_told_as_done() {
    let store = Store::open().await;
    let long = format!("write('INCR', keys[1]) return '\"{}\"'", "x".repeat(70_000));
    let applies = ["write('INCR', keys[1]) error('odd')", "write('INCR', keys[1]) return 'no JSON'", &long];
    for (at, apply) in applies.into_iter().enumerate() {
        let attempt = tcc(&format!("t{at}"), Operation::Try);
        for _ in 0..2 {
            let fault = store.fault(&attempt, &store.change("", apply)).await;
            assert!(matches!(fault, Fault::Broken { .. }), "{fault}");
            assert_eq!(told(&fault.answer()), (500, "broken".to_owned()));
        }
        let cancel = Call { operation: Operation::Cancel, ..attempt };
        assert!(matches!(store.fault(&cancel, &store.counted()).await, Fault::Broken { .. }));
        assert_eq!(store.effects().await, at as u64 + 1, "once, and half");
        assert_eq!(store.life_ms(&cancel).await, -1);
    }
}

#[tokio::test]
async fn what_is_half_made_stays_until_somebody_looked() {
    let store = Store::open().await;
    store.run(&tcc("t", Operation::Try), &store.counted()).await;
    let confirm = tcc("t", Operation::Confirm);
    store.fault(&confirm, &store.change("", "error('odd')")).await;
    assert_eq!(
        (store.record(&confirm).await.as_deref(), store.life_ms(&confirm).await),
        (Some("confirmed"), -1)
    );
    let () = store.command(&["HDEL", &store.barrier.key(&store.tag, &confirm.branch), "broken"]).await;
    assert_eq!(store.run(&confirm, &store.counted()).await.status.as_u16(), 200);
    assert_eq!(store.effects().await, 1);
}

#[tokio::test]
async fn the_longest_answer_is_kept() {
    let store = Store::open().await;
    let attempt = tcc("t", Operation::Try);
    let change = store.change("", "return '\"' .. string.rep('x', 65534) .. '\"'");
    let first = store.run(&attempt, &change).await;
    assert_eq!(first.body.len(), 65_536);
    assert_eq!(store.run(&attempt, &change).await, first);
}

#[tokio::test]
async fn another_epoch_is_a_fault_whatever_is_asked() {
    let store = Store::open().await;
    let epoch = store.key("epoch");
    let guarded = |epoch_is: &str| store.counted().guarded(&epoch, epoch_is).unwrap();
    let attempt = tcc("t", Operation::Try);
    assert!(matches!(store.fault(&attempt, &guarded("7")).await, Fault::Lost));
    let () = store.command(&["SET", &epoch, "7"]).await;
    assert_eq!(store.run(&attempt, &guarded("7")).await.status.as_u16(), 200);
    for operation in [Operation::Try, Operation::Confirm, Operation::Cancel] {
        let fault = store.fault(&tcc("t", operation), &guarded("8")).await;
        assert_eq!(told(&fault.answer()), (503, "lost".to_owned()));
    }
    assert_eq!(store.effects().await, 1);
}

#[tokio::test]
async fn a_message_is_submitted_or_never_will_be() {
    let store = Store::open().await;
    let check = |transaction: &str| Call {
        branch: Branch { transaction: transaction.to_owned(), branch: "check".to_owned() },
        ..call(transaction, Pattern::Message, Operation::Check)
    };
    let nothing = Change::nothing(&store.key("effects")).unwrap();
    let submitted = store.barrier.submit("kept", &store.counted()).await.unwrap();
    assert_eq!(submitted.status.as_u16(), 200);
    let never = (409, "never_submitted".to_owned());
    for _ in 0..2 {
        assert_eq!(store.run(&check("kept"), &nothing).await.status.as_u16(), 200);
        assert_eq!(told(&store.run(&check("not"), &nothing).await), never);
    }
    let late = store.barrier.submit("not", &store.counted()).await.unwrap();
    assert_eq!(told(&late), (409, "late_try".to_owned()));
    assert_eq!(store.effects().await, 1);
}

#[tokio::test]
async fn ids_with_every_letter_keep_apart() {
    let store = Store::open().await;
    for (transaction, branch) in [("a/b", "c"), ("a", "b/c"), ("a:b", "c"), ("a", "b:c")] {
        let branch = Branch { transaction: transaction.to_owned(), branch: branch.to_owned() };
        let attempt = Call { branch, ..tcc("t", Operation::Try) };
        store.run(&attempt, &store.counted()).await;
    }
    assert_eq!(store.effects().await, 4);
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_told_it_again() {
    let store = Store::open().await;
    store.run(&tcc("one", Operation::Try), &store.counted()).await;
    let () = store.command(&["SCRIPT", "FLUSH"]).await;
    store.run(&tcc("two", Operation::Try), &store.counted()).await;
    assert_eq!(store.effects().await, 2);
}

#[tokio::test]
async fn settings_that_lose_records_are_refused() {
    let store = Store::open().await;
    store.barrier.check_server().await.unwrap();
    let coordinator = Coordinator::default();
    let longest = coordinator.deadline + coordinator.retry;
    assert!(matches!(Settings::new("a", longest, coordinator), Err(SettingsFault::Horizon(_))));
    let horizon = longest + Duration::from_secs(1);
    assert_eq!(
        Settings::new("a{b", horizon, coordinator).err(),
        Some(SettingsFault::Prefix("a{b".to_owned()))
    );
    let settings = Settings::new("a", horizon, coordinator).unwrap();
    let barrier = RedisBarrier::new(store.connection.clone(), settings);
    let branch = Branch { transaction: "t".to_owned(), branch: "b".to_owned() };
    assert_eq!(barrier.key("sku-1", &branch), "a:{sku-1}:barrier:t|b");
}
