//! Races that only an order of two commands decides: whoever is told first is told the truth for ever.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{Participant, Reply, Tercet, awaited, tcc, with};

/// Judges a race of confirm against whatever cancels: one outcome, told to everybody, and no effect of the other.
fn judge(server: &Tercet, shop: &Participant, id: &str, told: &Reply) -> &'static str {
    let body = server.wait_final(id);
    let outcome = if body["state"] == "confirmed" { "confirm" } else { "cancel" };
    match told.status {
        200 | 202 => assert_eq!(outcome, "confirm", "{id} was told as confirmed: {body:#}"),
        409 => {
            told.is_refusal(409, "already_decided");
            assert_eq!(outcome, "cancel", "{id} was refused: {body:#}");
        }
        _ => panic!("{id}: {}", told.text),
    }
    let operations: Vec<_> = shop
        .all_calls()
        .into_iter()
        .filter(|call| call.transaction == id)
        .map(|call| call.operation)
        .collect();
    assert_eq!(operations, [outcome], "{id}");
    outcome
}

#[test]
fn confirm_against_the_deadline_has_one_winner() {
    let server = Tercet::start();
    let shop = Participant::start();
    let race = |lane: u64| {
        let mut outcomes = Vec::new();
        for round in 0..15 {
            let id = format!("t-{lane}-{round}");
            let spec =
                with(tcc(&id, [shop.tcc("stock")]), json!({ "mode": "interactive", "deadline_ms": 40 }));
            server.begin(&spec);
            // Around the deadline: now before it, now after it.
            thread::sleep(Duration::from_millis(30 + (lane * 15 + round) % 14));
            let told = server.post(&format!("/v1/transactions/{id}/confirm"), &json!({}));
            outcomes.push(judge(&server, &shop, &id, &told));
        }
        outcomes
    };
    let outcomes: Vec<_> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..4).map(|lane| scope.spawn(move || race(lane))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    assert_eq!(outcomes.len(), 60);
}

#[test]
fn confirm_against_cancel_has_one_winner() {
    let server = Tercet::start();
    let shop = Participant::start();
    for round in 0..25 {
        let id = format!("t-{round}");
        server.begin(&with(tcc(&id, [shop.tcc("stock")]), json!({ "mode": "interactive" })));
        let decide = |verb: &str| server.post(&format!("/v1/transactions/{id}/{verb}"), &json!({}));
        let (confirmed, cancelled) = thread::scope(|scope| {
            let confirm = scope.spawn(|| decide("confirm"));
            let cancel = scope.spawn(|| decide("cancel"));
            (confirm.join().unwrap(), cancel.join().unwrap())
        });
        let outcome = judge(&server, &shop, &id, &confirmed);
        assert_eq!(cancelled.status == 409, outcome == "confirm", "{}", cancelled.text);
    }
}

#[test]
fn a_signal_against_a_withdraw_has_one_winner() {
    let server = Tercet::start();
    for round in 0..25 {
        let id = format!("t-{round}");
        server.begin(&tcc(&id, [awaited("pay")]));
        let post = |path: &str, body| server.post(&format!("/v1/transactions/{id}/{path}"), &body);
        let (signalled, cancelled) = thread::scope(|scope| {
            let signal = scope.spawn(|| post("branches/pay/signal", json!({ "outcome": "done" })));
            let cancel = scope.spawn(|| post("cancel", json!({})));
            (signal.join().unwrap(), cancel.join().unwrap())
        });
        let state = server.wait_final(&id)["state"].clone();
        match (signalled.status, cancelled.status) {
            (200, 409) => assert_eq!(state, "confirmed"),
            (409, 200) => assert_eq!(state, "cancelled"),
            other => panic!("{other:?}: {} / {}", signalled.text, cancelled.text),
        }
    }
}

#[test]
fn the_same_begin_from_many_callers_makes_one_transaction() {
    let server = Tercet::start();
    let shop = Participant::start();
    let spec = with(tcc("t", [shop.tcc("stock")]), json!({ "wait_ms": 10_000 }));
    let replies: Vec<Reply> = thread::scope(|scope| {
        let callers: Vec<_> =
            (0..16).map(|_| scope.spawn(|| server.post("/v1/transactions", &spec))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    for reply in &replies {
        assert_eq!(reply.is(200).body["state"], "confirmed");
    }
    let firsts = replies.iter().filter(|reply| reply.header("idempotent-replayed").is_none()).count();
    assert_eq!(firsts, 1, "one of them began it");
    assert_eq!(shop.order(), ["stock.try", "stock.confirm"]);
}
