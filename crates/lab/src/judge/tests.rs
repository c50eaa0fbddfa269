//! Planted losses: what the judge must find, and what it must let pass.

use serde_json::{Value, json};

use super::*;
use crate::told::Told;

fn transaction() -> Value {
    json!({
        "id": "t", "pattern": "tcc", "mode": "managed", "labels": {}, "created_at": "a", "deadline_at": "b",
        "seq": 7, "state": "confirmed", "decision": "confirm", "reason": null, "cooling_until": null,
        "finished_at": "c",
        "branches": [{ "id": "x", "kind": "call", "state": "confirmed", "result": 5, "attempts": { "try": 2 } }],
    })
}

fn with(mut value: Value, pointer: &str, to: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = to;
    value
}

fn promise(kind: Kind, told: &Value, now: &Value) -> &'static str {
    follows(kind, told, Some(now)).map_or("", |finding| finding.promise)
}

#[test]
fn a_transaction_that_lost_or_changed_something_is_found() {
    let told = transaction();
    assert_eq!(promise(Kind::Transaction, &told, &told), "");
    assert_eq!(follows(Kind::Transaction, &told, None).unwrap().promise, "P1");
    for (pointer, to, promised) in [
        ("/seq", json!(6), "P1"),
        ("/mode", json!("interactive"), "P1"),
        ("/decision", json!("cancel"), "P8"),
        ("/finished_at", Value::Null, "P8"),
        ("/state", json!("cancelled"), "P8"),
        ("/branches", json!([]), "P1"),
        ("/branches/0/result", json!(6), "P1"),
        ("/branches/0/state", json!("trying"), "P1"),
        ("/branches/0/attempts/try", json!(1), "P1"),
    ] {
        assert_eq!(
            promise(Kind::Transaction, &told, &with(transaction(), pointer, to)),
            promised,
            "{pointer}"
        );
    }
}

#[test]
fn a_transaction_may_go_on() {
    let told = with(with(transaction(), "/finished_at", Value::Null), "/state", json!("confirming"));
    let told = with(told, "/branches/0/state", json!("tried"));
    assert_eq!(promise(Kind::Transaction, &told, &with(transaction(), "/seq", json!(9))), "");
}

#[test]
fn a_hold_or_item_that_went_back_is_found() {
    let hold = json!({ "id": "h", "from": "a", "to": "b", "asset": "p", "amount": "5", "captured": "2", "state": "released" });
    assert_eq!(promise(Kind::Hold, &hold, &hold), "");
    assert_eq!(promise(Kind::Hold, &hold, &with(hold.clone(), "/captured", json!("1"))), "P1");
    assert_eq!(promise(Kind::Hold, &hold, &with(hold.clone(), "/state", json!("held"))), "P1");
    let item =
        json!({ "id": "i", "machine": "m", "owner": "o", "version": 2, "state": "locked", "final": false });
    assert_eq!(promise(Kind::Item, &item, &with(item.clone(), "/version", json!(1))), "P1");
    assert_eq!(promise(Kind::Item, &item, &with(item.clone(), "/state", json!("used"))), "P1");
    let moved = with(with(item.clone(), "/state", json!("used")), "/version", json!(3));
    assert_eq!(promise(Kind::Item, &item, &moved), "");
}

fn line(id: &str, amount: i64, after: i64) -> Value {
    json!({ "event": "posted", "id": id, "capture": null, "amount": amount.to_string(), "posted_after": after.to_string() })
}

fn account(posted: i64, held: i64) -> Value {
    json!({ "id": "a", "posted": posted.to_string(), "held": held.to_string() })
}

#[test]
fn a_journal_that_lost_doubled_or_invented_a_line_is_found() {
    let rows = [line("e-1", -3, -3), line("e-2", -4, -7), line("e-3", -1, -8)];
    let told: Vec<Row> = rows.iter().map(row).collect();
    let look = |told: &[Row], account: Value, rows: &[Value]| -> Vec<&'static str> {
        journal(told, (&account, rows), Extent::Whole).iter().map(|finding| finding.promise).collect()
    };
    assert_eq!(look(&told, account(-8, 0), &rows), [""; 0]);
    assert_eq!(look(&told, account(-7, 0), &rows[..2]), ["P1"], "the last line is lost");
    assert_eq!(
        look(&told, account(-8, 0), &[rows[0].clone(), rows[2].clone()]),
        ["P1", "P9"],
        "one in the middle"
    );
    assert_eq!(look(&told, account(-9, 0), &rows), ["P9"], "another balance");
    assert_eq!(look(&told, account(-8, 1), &rows), ["P16"], "something is held");
    assert_eq!(look(&told[..2], account(-8, 0), &rows), ["P9"], "one that nobody was told of");
    let twice = [rows[0].clone(), line("e-2", -4, -7), line("e-2", -4, -11), line("e-3", -1, -12)];
    assert_eq!(look(&told, account(-12, 0), &twice), ["P9"], "posted twice");
}

#[test]
fn a_sum_that_is_not_zero_is_found() {
    assert_eq!(sum(&[account(5, 0), account(-5, 0)]), None);
    assert_eq!(sum(&[account(5, 0), account(-4, 0)]).unwrap().promise, "P9");
}

#[test]
fn an_answer_that_contradicts_an_earlier_one_is_found_when_it_is_heard() {
    let told = Told::default();
    told.object(Kind::Transaction, &transaction());
    assert_eq!(told.findings(), []);
    told.object(Kind::Transaction, &with(transaction(), "/decision", json!("cancel")));
    assert_eq!(told.findings().len(), 1);
    assert_eq!(told.facts(), 2);
}
