//! Every operation on every record, for all patterns: Redis does what `transaction::barrier` says, and nothing else.

use participant::barrier::{Counted, Meters, Ran, Record, Ruling};
use transaction::{Operation, Pattern};

use crate::store::{HORIZON, Store, call};

const OPERATIONS: [Operation; 4] = [Operation::Try, Operation::Confirm, Operation::Cancel, Operation::Check];

/// How a branch gets there by lawful calls; `None` where its pattern has no way, and the record is written by hand.
fn way(pattern: Pattern, record: Record) -> Option<&'static [(Operation, Ran)]> {
    const TRIED: (Operation, Ran) = (Operation::Try, Ran::Done);
    const REFUSED: (Operation, Ran) = (Operation::Try, Ran::Refused);
    const CONFIRMED: (Operation, Ran) = (Operation::Confirm, Ran::Done);
    const CANCELLED: (Operation, Ran) = (Operation::Cancel, Ran::Done);
    const CHECKED: (Operation, Ran) = (Operation::Check, Ran::Done);
    match (record, pattern) {
        (Record::Blank, _) => Some(&[]),
        // A workflow has no branches.
        (_, Pattern::Workflow) => None,
        (Record::Tried, _) => Some(&[TRIED]),
        (Record::Refused, _) => Some(&[REFUSED]),
        (Record::Confirmed, Pattern::Tcc | Pattern::Xa) => Some(&[TRIED, CONFIRMED]),
        (Record::Confirmed, Pattern::Message) => Some(&[CONFIRMED]),
        (Record::Cancelled, Pattern::Tcc | Pattern::Saga | Pattern::Xa) => Some(&[TRIED, CANCELLED]),
        (Record::Voided, Pattern::Tcc | Pattern::Saga | Pattern::Xa) => Some(&[CANCELLED]),
        (Record::Voided, Pattern::Message) => Some(&[CHECKED]),
        (Record::Confirmed, Pattern::Saga) | (Record::Cancelled, Pattern::Message) => None,
    }
}

fn name(record: Record) -> String {
    format!("{record:?}").to_lowercase()
}

async fn drive(store: &Store, transaction: &str, pattern: Pattern, record: Record) {
    let Some(way) = way(pattern, record) else {
        let key = store.barrier.key(&store.tag, &call(transaction, pattern, Operation::Try).branch);
        return store.command(&["HSET", &key, "record", &name(record)]).await;
    };
    for (operation, ran) in way {
        let change = match ran {
            Ran::Done => store.counted(),
            Ran::Refused => store.change("return {'refused', 'odd', 'an odd one'}", "error('not allowed')"),
        };
        store.run(&call(transaction, pattern, *operation), &change).await;
    }
}

/// Which meter a ruling moves.
fn counted(ruling: Ruling) -> Counted {
    match ruling {
        Ruling::Run => Counted::Run,
        Ruling::Void => Counted::Void,
        Ruling::Repeat => Counted::Duplicate,
        Ruling::Refuse(hazard) => Counted::Hazard(hazard),
    }
}

#[tokio::test]
async fn redis_rules_as_the_table_does() {
    let store = Store::open().await;
    let mut walked = 0;
    for pattern in Pattern::ALL {
        for record in Record::ALL {
            for operation in OPERATIONS {
                let what = format!("{pattern:?}/{record:?}/{operation:?}");
                let transaction = what.replace('/', ".");
                drive(&store, &transaction, pattern, record).await;
                let call = call(&transaction, pattern, operation);
                let before = (store.effects().await, store.life_ms(&call).await);
                assert_eq!(
                    store.record(&call).await,
                    (record != Record::Blank).then(|| name(record)),
                    "{what}"
                );

                let ruling = record.rule(pattern, operation);
                let meters = std::sync::Arc::new(Meters::default());
                let answer =
                    store.barrier.clone().counting(meters.clone()).run(&call, &store.counted()).await;
                assert_eq!(meters.get(counted(ruling)), 1, "{what}: {answer:?}, by the rule {ruling:?}");

                let is_made = u64::from(ruling == Ruling::Run);
                assert_eq!(store.effects().await, before.0 + is_made, "{what}: effects");
                let after = match ruling {
                    Ruling::Run | Ruling::Void => record.after(operation, Ran::Done),
                    Ruling::Repeat | Ruling::Refuse(_) => record,
                };
                let is_there = (after != Record::Blank).then(|| name(after));
                assert_eq!(store.record(&call).await, is_there, "{what}: record");
                if matches!(ruling, Ruling::Run | Ruling::Void) {
                    let is_submitted = (pattern, after) == (Pattern::Message, Record::Tried);
                    let goes = is_submitted || after.may_be_forgotten(u64::MAX, 0);
                    assert_life(store.life_ms(&call).await, goes, &what);
                }
                walked += 1;
            }
        }
    }
    assert_eq!(walked, 120);
}

fn assert_life(life_ms: i64, goes: bool, what: &str) {
    let horizon_ms = i64::try_from(HORIZON.as_millis()).unwrap();
    if goes {
        assert!((horizon_ms - 60_000..=horizon_ms).contains(&life_ms), "{what}: {life_ms} ms");
    } else {
        assert_eq!(life_ms, -1, "{what}: it still holds something");
    }
}
