//! Messages by DTM's client for Python: prepared, submitted, checked back; with its barrier in MariaDB, and a client that dies.

use serde_json::json;

use crate::bank::Bank;
use crate::python::{Told, at, run};
use crate::support::Tercet;
use crate::support::dtm::shop::{Shop, failure, ok, ongoing};

const DELIVERED: [&str; 2] = ["/d1 action 01", "/d2 action 02"];

fn by_hand(tercet: &Tercet, shop: &Shop, scenario: &str) -> Told {
    let ran = run("message.py", scenario, &[&at(tercet), &shop.url("")]);
    assert_eq!(ran.code, Some(0));
    ran
}

fn with_books(tercet: &Tercet, (shop, bank): (&Shop, &Bank), scenario: &str) -> Told {
    run("message.py", scenario, &[&at(tercet), &shop.url(""), &bank.url(), &bank.mysql])
}

#[test]
fn what_was_prepared_and_submitted_is_delivered_without_a_check_back() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let ran = by_hand(&tercet, &shop, "submitted");
    tercet.wait(ran.id(), "succeed");
    assert_eq!(shop.told(), DELIVERED);
    assert_eq!(shop.calls("/d1")[0].body, br#"{"amount": 30}"#);
}

#[test]
fn what_was_never_submitted_is_asked_back_until_the_answer_is_clear() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/check", [ongoing(), ok()]);
    let ran = by_hand(&tercet, &shop, "forgotten");
    tercet.wait(ran.id(), "succeed");
    assert_eq!(shop.told(), [&["/check msg 00"; 2][..], &DELIVERED[..]].concat());
    let check = &shop.calls("/check")[0];
    assert_eq!((check.method.as_str(), check.asked("gid")), ("GET", ran.id()));
    shop.answers("/check", [failure("sold out")]);
    let ran = by_hand(&tercet, &shop, "forgotten");
    tercet.wait(ran.id(), "failed");
    assert_eq!(shop.calls("/d1").len(), 1, "of a transaction that was rolled back nothing is delivered");
}

#[test]
fn a_local_transaction_and_its_message_go_together() {
    let (shop, bank, tercet) = (Shop::start(), Bank::start(), Tercet::start());
    let ran = with_books(&tercet, (&shop, &bank), "pays");
    assert_eq!((ran.code, &ran.told["outcome"]), (Some(0), &json!("done")));
    tercet.wait(ran.id(), "succeed");
    assert_eq!(shop.told(), DELIVERED);
    assert_eq!(bank.books()["anna"], json!([70, 0]));
}

#[test]
fn a_local_transaction_that_fails_takes_its_message_with_it() {
    let (shop, bank, tercet) = (Shop::start(), Bank::start(), Tercet::start());
    let ran = with_books(&tercet, (&shop, &bank), "refuses");
    assert_eq!(ran.told["outcome"], "DTMFailureError");
    assert_eq!(tercet.status(ran.id()), "failed", "the client aborted it");
    assert_eq!((shop.told(), &bank.books()["anna"]), (vec![], &json!([100, 0])));
}

#[test]
fn a_client_that_dies_after_its_commit_has_its_message_delivered() {
    let (shop, bank, tercet) = (Shop::start(), Bank::start(), Tercet::start());
    let ran = with_books(&tercet, (&shop, &bank), "pays_and_dies");
    assert_eq!(ran.code, Some(7));
    tercet.wait(ran.id(), "succeed");
    assert_eq!(shop.told(), DELIVERED);
    assert_eq!(bank.books()["anna"], json!([70, 0]));
}

#[test]
fn a_client_that_dies_before_its_commit_has_nothing_delivered() {
    let (shop, bank, tercet) = (Shop::start(), Bank::start(), Tercet::start());
    let ran = with_books(&tercet, (&shop, &bank), "dies");
    assert_eq!(ran.code, Some(7));
    tercet.wait(ran.id(), "failed");
    assert_eq!((shop.told(), &bank.books()["anna"]), (vec![], &json!([100, 0])));
}
