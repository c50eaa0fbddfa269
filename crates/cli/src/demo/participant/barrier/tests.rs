//! Each hazard of the barrier, as a sequence of deliveries and what is left in the books after it.

use rusqlite::Connection;

use super::*;
use crate::demo::args::Role;
use crate::demo::participant::holds;

fn call(operation: Operation, amount: i64) -> Call {
    let body = format!(r#"{{"pot":"A","amount":{amount}}}"#).into_bytes();
    Call { transaction: "t-1".to_owned(), branch: "stock".to_owned(), operation, body }
}

fn books(folder: &tempfile::TempDir) -> Connection {
    let mut books = holds::open(&folder.path().join("stock.db")).unwrap();
    holds::fill(&mut books, [("A", 10)].into_iter()).unwrap();
    books
}

fn pot(books: &Connection) -> (i64, i64, i64) {
    let sql = "SELECT free, held, captured FROM pots WHERE id = 'A'";
    books.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

fn seen(books: &Connection) -> Vec<(String, i64)> {
    let mut query = books.prepare("SELECT name, seen FROM hazards ORDER BY name").unwrap();
    query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// Deliveries in words, each with the status it must get; then the pot (free, held, captured) and the hazards counted.
struct Case {
    name: &'static str,
    deliveries: &'static [(&'static str, u16)],
    pot: (i64, i64, i64),
    hazards: &'static [(&'static str, i64)],
}

const CASES: &[Case] = &[
    Case { name: "confirmed", deliveries: &[("try", 200), ("confirm", 200)], pot: (7, 0, 3), hazards: &[] },
    Case { name: "cancelled", deliveries: &[("try", 200), ("cancel", 200)], pot: (10, 0, 0), hazards: &[] },
    Case {
        name: "every operation delivered three times",
        deliveries: &[
            ("try", 200),
            ("try", 200),
            ("try", 200),
            ("confirm", 200),
            ("confirm", 200),
            ("confirm", 200),
        ],
        pot: (7, 0, 3),
        hazards: &[("duplicate", 4)],
    },
    Case {
        name: "a try repeated after its confirm answers what it answered first",
        deliveries: &[("try", 200), ("confirm", 200), ("try", 200)],
        pot: (7, 0, 3),
        hazards: &[("duplicate", 1)],
    },
    Case {
        name: "empty cancel, then the late try, again and again",
        deliveries: &[("cancel", 200), ("try", 409), ("try", 409), ("cancel", 200)],
        pot: (10, 0, 0),
        hazards: &[("duplicate", 1), ("empty_cancel", 1), ("late_try", 2)],
    },
    Case {
        name: "confirm without try leaves no row: the lawful one still works later",
        deliveries: &[("confirm", 409), ("try", 200), ("confirm", 200)],
        pot: (7, 0, 3),
        hazards: &[("confirm_without_try", 1)],
    },
    Case {
        name: "confirm after cancel",
        deliveries: &[("try", 200), ("cancel", 200), ("confirm", 409)],
        pot: (10, 0, 0),
        hazards: &[("confirm_after_cancel", 1)],
    },
    Case {
        name: "confirm after an empty cancel",
        deliveries: &[("cancel", 200), ("confirm", 409)],
        pot: (10, 0, 0),
        hazards: &[("confirm_after_cancel", 1), ("empty_cancel", 1)],
    },
    Case {
        name: "cancel after confirm",
        deliveries: &[("try", 200), ("confirm", 200), ("cancel", 409), ("confirm", 200)],
        pot: (7, 0, 3),
        hazards: &[("cancel_after_confirm", 1), ("duplicate", 1)],
    },
];

#[test]
fn every_hazard_has_its_answer() {
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        let mut books = books(&folder);
        for (position, (word, status)) in case.deliveries.iter().enumerate() {
            let call = call(Operation::of(word).unwrap(), 3);
            let answer = holds::serve(&mut books, Role::Payment, &call).unwrap();
            assert_eq!(answer.status, *status, "{}: delivery {position} ({word})", case.name);
        }
        assert_eq!(pot(&books), case.pot, "{}", case.name);
        let hazards: Vec<(String, i64)> =
            case.hazards.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        assert_eq!(seen(&books), hazards, "{}", case.name);
    }
}

#[test]
fn a_refused_try_is_remembered_and_its_cancel_undoes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = books(&folder);
    let mut serve = |operation| holds::serve(&mut books, Role::Payment, &call(operation, 11)).unwrap();
    let refused = serve(Operation::Try);
    assert_eq!((refused.status, refused.body.as_str()), (409, r#"{"refused":"card_declined"}"#));
    assert_eq!(serve(Operation::Try), refused, "the first answer again");
    assert_eq!(serve(Operation::Confirm).status, 409);
    assert_eq!(serve(Operation::Cancel).status, 200);
    assert_eq!(pot(&books), (10, 0, 0));
}

#[test]
fn a_late_try_is_told_apart_from_a_business_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = books(&folder);
    holds::serve(&mut books, Role::Payment, &call(Operation::Cancel, 3)).unwrap();
    let late = holds::serve(&mut books, Role::Payment, &call(Operation::Try, 3)).unwrap();
    assert_eq!(late.body, r#"{"refused":"late_try"}"#);
}

#[test]
fn a_fault_of_the_business_leaves_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = books(&folder);
    let failed = pass(&mut books, &call(Operation::Try, 3), |_| Err(rusqlite::Error::InvalidQuery));
    assert!(failed.is_err());
    let answer = holds::serve(&mut books, Role::Payment, &call(Operation::Try, 3)).unwrap();
    assert_eq!(answer.status, 200, "the same try runs as if it were the first");
    assert_eq!(pot(&books), (7, 3, 0));
}

/// Try and cancel of one branch race on two connections: the unique key leaves exactly two lawful ends.
#[test]
fn races_between_connections_are_decided_by_the_unique_key() {
    for _ in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let first = books(&folder);
        let race = |operation| {
            let path = folder.path().join("stock.db");
            move || {
                let mut books = holds::open(&path).unwrap();
                holds::serve(&mut books, Role::Payment, &call(operation, 3)).unwrap().status
            }
        };
        let (tried, tried_again, cancelled) = std::thread::scope(|scope| {
            let one = scope.spawn(race(Operation::Try));
            let two = scope.spawn(race(Operation::Try));
            let undo = scope.spawn(race(Operation::Cancel));
            (one.join().unwrap(), two.join().unwrap(), undo.join().unwrap())
        });
        assert_eq!(cancelled, 200);
        assert!([200, 409].contains(&tried) && [200, 409].contains(&tried_again), "{tried} {tried_again}");
        assert_eq!(pot(&first), (10, 0, 0), "whatever came first, nothing stays held");
    }
}
