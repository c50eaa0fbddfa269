//! What must hold on every database, at every isolation level.

use std::time::Duration;

use futures::future::join_all;
use participant::barrier::{
    Barrier, Cleaning, Coordinator, Counted, Fault, Hazard, Record, Ruling, SchemaFault,
};
use participant::call::{Answer, Content};
use transaction::{Operation, Pattern};

use crate::shop::{Base, Does, Shop, call, code};

const OPERATIONS: [Operation; 4] = [Operation::Try, Operation::Confirm, Operation::Cancel, Operation::Check];

/// A message's initiator and its receivers have records of their own, so these never meet.
fn meet(pattern: Pattern, record: Record, operation: Operation) -> bool {
    match (pattern, operation) {
        (Pattern::Message, Operation::Confirm) => [Record::Blank, Record::Confirmed].contains(&record),
        (Pattern::Message, _) => [Record::Blank, Record::Tried, Record::Voided].contains(&record),
        (Pattern::Tcc | Pattern::Saga | Pattern::Xa, _) => true,
        // A workflow has no branches.
        (Pattern::Workflow, _) => false,
    }
}

/// The lawful calls that bring a branch into a record; `None` where a branch of the pattern can't get there.
fn way(pattern: Pattern, record: Record) -> Option<&'static [(Operation, Does)]> {
    use Operation::{Cancel, Check, Confirm, Try};
    const MOVES: Does = Does::Moves(1);
    Some(match (pattern, record) {
        (_, Record::Blank) => &[],
        (_, Record::Tried) => &[(Try, MOVES)],
        (Pattern::Tcc | Pattern::Saga | Pattern::Xa, Record::Refused) => &[(Try, Does::Refuses)],
        (Pattern::Tcc | Pattern::Xa, Record::Confirmed) => &[(Try, MOVES), (Confirm, MOVES)],
        (Pattern::Message, Record::Confirmed) => &[(Confirm, MOVES)],
        (Pattern::Tcc | Pattern::Saga | Pattern::Xa, Record::Cancelled) => &[(Try, MOVES), (Cancel, MOVES)],
        (Pattern::Tcc | Pattern::Saga | Pattern::Xa, Record::Voided) => &[(Cancel, MOVES)],
        (Pattern::Message, Record::Voided) => &[(Check, MOVES)],
        (Pattern::Workflow, _)
        | (Pattern::Saga, Record::Confirmed)
        | (Pattern::Message, Record::Refused | Record::Cancelled) => {
            return None;
        }
    })
}

pub(crate) async fn every_operation_on_every_record_is_ruled_as_the_table_says<D: Base>(shop: &Shop<D>) {
    let mut walked = 0;
    for pattern in Pattern::ALL {
        for record in Record::ALL {
            let Some(way) = way(pattern, record) else { continue };
            for operation in OPERATIONS {
                if !meet(pattern, record, operation) {
                    continue;
                }
                let id = format!("{}-{record:?}-{operation:?}", pattern.name());
                let mut last = None;
                for (step, does) in way {
                    last = Some((*step, shop.ask(&call(&id, pattern, *step), *does).await.unwrap()));
                }
                let (before, rows) = (shop.stock().await, shop.rows().await);
                let answer = shop.ask(&call(&id, pattern, operation), Does::Moves(1)).await.unwrap();
                let (after, rows_after) = (shop.stock().await, shop.rows().await);
                let ruling = record.rule(pattern, operation);
                let said = format!("{id} on {}: {ruling:?}, {answer:?}", D::NAME);
                match ruling {
                    Ruling::Run => {
                        assert_ne!(before, after, "{said}");
                        assert_eq!(answer.status, 200, "{said}");
                        assert_eq!(rows_after, rows + 1, "{said}");
                    }
                    Ruling::Void => {
                        assert_eq!((before, rows + 1), (after, rows_after), "{said}");
                        let expected = if operation == Operation::Check { 409 } else { 200 };
                        assert_eq!(answer.status, expected, "{said}");
                    }
                    Ruling::Repeat => {
                        assert_eq!((before, rows), (after, rows_after), "{said}");
                        let first = last.filter(|(step, _)| *step == operation).map(|(_, answer)| answer);
                        assert_eq!(first.unwrap_or(answer.clone()), answer, "{said}");
                    }
                    Ruling::Refuse(hazard) => {
                        assert_eq!((before, rows), (after, rows_after), "{said}");
                        assert_eq!(
                            (answer.status.as_u16(), code(&answer).as_str()),
                            (409, hazard.name()),
                            "{said}"
                        );
                    }
                }
                walked += 1;
            }
        }
    }
    assert_eq!(walked, 79);
    for hazard in Hazard::ALL {
        assert!(shop.barrier.meters().get(Counted::Hazard(hazard)) > 0, "{} is counted", hazard.name());
    }
}

pub(crate) async fn a_hundred_duplicates_at_once_have_one_effect_and_one_answer<D: Base>(shop: &Shop<D>) {
    for (operation, stock) in [(Operation::Try, [997, 3, 0]), (Operation::Confirm, [997, 0, 3])] {
        let answers = join_all((0..100).map(|_| shop.tcc("dup", operation, 3))).await;
        assert_eq!(answers[0], Answer::done(br#"{"moved":3}"#.to_vec()));
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(shop.stock().await, stock);
    }
    let empty = join_all((0..100).map(|_| shop.tcc("empty", Operation::Cancel, 3))).await;
    assert!(empty.iter().all(|answer| *answer == Answer::done(Vec::new())));
    assert_eq!((shop.stock().await, shop.rows().await), ([997, 0, 3], 3));
}

pub(crate) async fn try_and_cancel_at_the_same_instant_hold_nothing_in_the_end<D: Base>(shop: &Shop<D>) {
    let races = (0..200).map(|race| async move {
        let id = format!("race-{race}");
        let (tried, cancelled) = if race % 2 == 0 {
            tokio::join!(shop.tcc(&id, Operation::Try, 1), shop.tcc(&id, Operation::Cancel, 1))
        } else {
            let (cancelled, tried) =
                tokio::join!(shop.tcc(&id, Operation::Cancel, 1), shop.tcc(&id, Operation::Try, 1));
            (tried, cancelled)
        };
        assert_eq!(cancelled.status, 200);
        assert!(tried.status == 200 || code(&tried) == "late_try", "{tried:?}");
        assert_eq!(code(&shop.tcc(&id, Operation::Try, 1).await), "late_try");
    });
    join_all(races).await;
    assert_eq!(shop.stock().await, [1000, 0, 0]);
}

pub(crate) async fn confirm_and_cancel_at_the_same_instant_have_one_winner<D: Base>(shop: &Shop<D>) {
    let races = (0..100).map(|race| async move {
        let id = format!("race-{race}");
        assert_eq!(shop.tcc(&id, Operation::Try, 1).await.status, 200);
        let (confirmed, cancelled) =
            tokio::join!(shop.tcc(&id, Operation::Confirm, 1), shop.tcc(&id, Operation::Cancel, 1));
        match (confirmed.status.as_u16(), cancelled.status.as_u16()) {
            (200, 409) => assert_eq!(code(&cancelled), "cancel_after_confirm"),
            (409, 200) => assert_eq!(code(&confirmed), "confirm_after_cancel"),
            both => panic!("{both:?}"),
        }
        i64::from(confirmed.status == 200)
    });
    let sold: i64 = join_all(races).await.into_iter().sum();
    assert_eq!(shop.stock().await, [1000 - sold, 0, sold]);
}

pub(crate) async fn what_the_business_refuses_is_rolled_back_and_kept_as_refused<D: Base>(shop: &Shop<D>) {
    let attempt = call("r", Pattern::Tcc, Operation::Try);
    let refused = shop.ask(&attempt, Does::Refuses).await.unwrap();
    assert_eq!((refused.status.as_u16(), code(&refused).as_str()), (409, "unwilling"));
    assert_eq!(shop.stock().await, [1000, 0, 0]);
    // It stays refused, though it could be done by now.
    assert_eq!(shop.ask(&attempt, Does::Moves(1)).await.unwrap(), refused);
    assert_eq!(code(&shop.tcc("r", Operation::Confirm, 1).await), "confirm_without_try");
    assert_eq!(shop.tcc("r", Operation::Cancel, 1).await.status, 200);
    assert_eq!(shop.tcc("r", Operation::Cancel, 1).await.status, 200);
    assert_eq!(code(&shop.tcc("r", Operation::Confirm, 1).await), "confirm_after_cancel");
    assert_eq!((shop.stock().await, shop.rows().await), ([1000, 0, 0], 2));
    // Sold out: a refusal of the business itself, a hundred times at once.
    let answers = join_all((0..100).map(|_| shop.tcc("much", Operation::Try, 5000))).await;
    assert!(answers.iter().all(|answer| code(answer) == "stock_short"), "{answers:?}");
    // A confirm may not be refused: nothing is kept of it.
    shop.tcc("c", Operation::Try, 1).await;
    let confirm = call("c", Pattern::Tcc, Operation::Confirm);
    assert_eq!(code(&shop.ask(&confirm, Does::Refuses).await.unwrap()), "unwilling");
    assert_eq!(shop.stock().await, [999, 1, 0]);
    assert_eq!(shop.ask(&confirm, Does::Moves(1)).await.unwrap().status, 200);
}

pub(crate) async fn a_fault_of_the_business_leaves_no_row<D: Base>(shop: &Shop<D>) {
    let attempt = call("f", Pattern::Tcc, Operation::Try);
    let fault = shop.ask(&attempt, Does::Fails).await.unwrap_err();
    assert!(matches!(fault, Fault::Business(_)), "{fault:?}");
    assert_eq!(fault.answer().status, 500);
    assert_eq!((shop.stock().await, shop.rows().await), ([1000, 0, 0], 0));
    assert_eq!(shop.ask(&attempt, Does::Moves(1)).await.unwrap().status, 200);
}

pub(crate) async fn an_operation_in_progress_leaves_no_row<D: Base>(shop: &Shop<D>) {
    let attempt = call("w", Pattern::Tcc, Operation::Try);
    assert_eq!(shop.ask(&attempt, Does::Waits).await.unwrap(), Answer::in_progress());
    assert_eq!((shop.stock().await, shop.rows().await), ([1000, 0, 0], 0));
    assert_eq!(shop.ask(&attempt, Does::Moves(1)).await.unwrap().status, 200);
}

/// A statement's error that the business function swallows: PostgreSQL has given the local transaction up by then, the
/// others only the statement.
pub(crate) async fn a_swallowed_error_is_never_told_as_done_unless_it_is<D: Base>(shop: &Shop<D>) {
    for (operation, is_first) in [(Operation::Try, true), (Operation::Confirm, false)] {
        if !is_first && shop.rows().await == 0 {
            shop.tcc("t", Operation::Try, 1).await;
        }
        let before = (shop.stock().await, shop.rows().await);
        match shop.ask(&call("t", Pattern::Tcc, operation), Does::Swallows).await {
            Ok(answer) => {
                assert_eq!((answer.status.as_u16(), D::NAME == "PostgreSQL"), (200, false));
                assert_eq!(shop.rows().await, before.1 + 1);
                assert_ne!(shop.stock().await, before.0);
            }
            Err(fault) => {
                assert_eq!((fault.answer().status.as_u16(), D::NAME), (500, "PostgreSQL"), "{fault}");
                assert_eq!((shop.stock().await, shop.rows().await), before, "nothing is kept");
            }
        }
    }
    assert_eq!(shop.stock().await[1], i64::from(D::NAME == "PostgreSQL"));
}

pub(crate) async fn an_answer_that_is_too_long_changes_nothing<D: Base>(shop: &Shop<D>) {
    let attempt = call("a", Pattern::Tcc, Operation::Try);
    let fault = shop.ask(&attempt, Does::Answers(64 * 1024)).await.unwrap_err();
    assert!(matches!(fault, Fault::AnswerTooLong { bytes: 65538 }), "{fault:?}");
    assert_eq!((shop.stock().await, shop.rows().await), ([1000, 0, 0], 0));
    let first = shop.ask(&attempt, Does::Answers(64 * 1024 - 2)).await.unwrap();
    assert_eq!(first.body.len(), 64 * 1024);
    assert_eq!(shop.ask(&attempt, Does::Moves(1)).await.unwrap(), first, "kept whole");
}

pub(crate) async fn the_same_operation_with_another_body_is_refused<D: Base>(shop: &Shop<D>) {
    let first = call("m", Pattern::Tcc, Operation::Try);
    shop.ask(&first, Does::Moves(1)).await.unwrap();
    let other = participant::call::Call { content: Content::of(b"{ }"), ..first };
    let answer = shop.ask(&other, Does::Moves(1)).await.unwrap();
    assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (422, "content_mismatch"));
    assert_eq!(shop.stock().await, [999, 1, 0]);
    // A recipe that keeps no digest is believed.
    shop.change("UPDATE tercet_barrier SET content = NULL").await;
    assert_eq!(shop.ask(&other, Does::Moves(1)).await.unwrap().status, 200);
}

pub(crate) async fn a_check_back_and_a_submit_exclude_each_other<D: Base>(shop: &Shop<D>) {
    let check = |id: &str| call(id, Pattern::Message, Operation::Check);
    let submit = |id: String| async move {
        let mut local = shop.barrier.pool().begin().await.unwrap();
        let done = Barrier::<D>::submit(&mut local, &id).await;
        match done {
            Ok(()) => local.commit().await.map(|()| true).unwrap_or(false),
            Err(_) => local.rollback().await.map(|()| false).unwrap_or(false),
        }
    };
    assert!(submit("kept".to_owned()).await);
    assert!(submit("kept".to_owned()).await, "a repeat is harmless");
    assert_eq!(shop.barrier.check(&check("kept")).await.unwrap().status, 200);
    let never = shop.barrier.check(&check("never")).await.unwrap();
    assert_eq!(code(&never), "never_submitted");
    assert!(!submit("never".to_owned()).await, "whoever was declared dead stays dead");
    assert_eq!(shop.barrier.check(&check("never")).await.unwrap(), never);
    let races = (0..50).map(|race| async move {
        let id = format!("race-{race}");
        let asked = check(&id);
        let (submitted, checked) = tokio::join!(submit(id.clone()), shop.barrier.check(&asked));
        let settled = shop.barrier.check(&check(&id)).await.unwrap();
        assert_eq!(settled.status == 200, submitted, "{checked:?}");
        assert_eq!(checked.unwrap().status, settled.status);
    });
    join_all(races).await;
}

pub(crate) async fn a_crowd_on_one_row_conserves_it<D: Base>(shop: &Shop<D>) {
    let each = |who: u64| async move {
        let mut dice = fastrand::Rng::with_seed(who);
        for _ in 0..20 {
            let id = format!("t-{}", dice.u32(0..40));
            let operation =
                [Operation::Try, Operation::Try, Operation::Confirm, Operation::Cancel][dice.usize(0..4)];
            let answer = shop.tcc(&id, operation, 1).await;
            assert!([200, 409].contains(&answer.status.as_u16()), "{answer:?}");
        }
    };
    join_all((0..32).map(each)).await;
    let branches = shop
        .figures(
            "SELECT count(CASE WHEN phase = 2 AND operation = 'confirm' THEN 1 END),
                count(CASE WHEN phase = 1 AND operation = 'try' AND outcome = 'done' THEN 1 END),
                count(CASE WHEN phase = 2 AND operation = 'cancel' AND outcome = 'done' THEN 1 END) FROM tercet_barrier",
        )
        .await;
    let [confirmed, tried, cancelled] = branches.try_into().unwrap();
    let held = tried - confirmed - cancelled;
    assert_eq!(shop.stock().await, [1000 - held - confirmed, held, confirmed]);
    assert_eq!(shop.barrier.meters().get(Counted::Fault), 0);
}

pub(crate) async fn cleaning_takes_what_is_final_and_old_and_nothing_else<D: Base>(shop: &Shop<D>) {
    for n in 0..30 {
        let id = format!("t-{n:02}");
        shop.tcc(&id, Operation::Try, 1).await;
        match n % 3 {
            0 => shop.tcc(&id, Operation::Confirm, 1).await,
            1 => shop.tcc(&id, Operation::Cancel, 1).await,
            _ => shop.tcc(&format!("void-{n:02}"), Operation::Cancel, 1).await,
        };
    }
    let cleaning = |hours| {
        let short = Coordinator { deadline: Duration::from_secs(60), retry: Duration::from_secs(60) };
        Cleaning::new(Duration::from_hours(hours), short).unwrap().gently(7, Duration::ZERO)
    };
    assert_eq!(shop.barrier.clean(&cleaning(1)).await.unwrap(), 0, "all is young");
    let day = match D::NAME {
        "PostgreSQL" => "created_at - interval '1 day'",
        "MySQL" => "created_at - interval 1 day",
        _ => "created_at - 86400000",
    };
    shop.change(&format!("UPDATE tercet_barrier SET created_at = {day}")).await;
    assert_eq!(shop.barrier.clean(&cleaning(25)).await.unwrap(), 0, "within the horizon");
    assert_eq!(shop.rows().await, 60);
    assert_eq!(shop.barrier.clean(&cleaning(23)).await.unwrap(), 30);
    assert_eq!(shop.rows().await, 10, "what still holds something stays");
    assert_eq!(shop.tcc("t-02", Operation::Confirm, 1).await.status, 200);
    assert_eq!(shop.stock().await, [980, 9, 11]);
}

pub(crate) async fn a_business_table_elsewhere_is_found_at_start_up<D: Base>(shop: &Shop<D>) {
    shop.barrier.check_schema(&["stock"]).await.unwrap();
    let fault = shop.barrier.check_schema(&["stock", "orders"]).await.unwrap_err();
    assert!(matches!(&fault, SchemaFault::Elsewhere { table } if table == "orders"), "{fault}");
    assert!(fault.to_string().contains("same database"), "{fault}");
}
