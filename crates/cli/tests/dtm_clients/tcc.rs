//! TCC by DTM's client for Python: flat, nested, rolled back, and over MariaDB with the client's own barrier.

use serde_json::json;

use crate::bank::Bank;
use crate::python::{at, run};
use crate::support::dtm::shop::{Shop, failure, ok};
use crate::support::{Http, Tercet, until};

#[test]
fn both_branches_are_tried_and_then_confirmed_in_reverse() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let ran = run("tcc.py", "flat", &[&at(&tercet), &shop.url("")]);
    assert_eq!((ran.code, &ran.told["committed"]), (Some(0), &json!(true)));
    tercet.wait(ran.id(), "succeed");
    assert_eq!(shop.told(), ["/try try 01", "/try try 02", "/confirm confirm 02", "/confirm confirm 01"]);
    let confirmed = shop.calls("/confirm");
    assert_eq!(
        confirmed[1].body, br#"{"account": "anna", "amount": -30}"#,
        "what the client gave as data, byte for byte"
    );
    assert_eq!((confirmed[0].asked("gid"), confirmed[0].asked("trans_type")), (ran.id(), "tcc"));
    assert_eq!(ran.id().len(), 22, "the server made the id, as DTM does");
    assert_eq!(tercet.show(ran.id())["state"], "confirmed", "and it is one of ours");
}

#[test]
fn a_refused_try_has_what_was_tried_cancelled_in_reverse() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/try", [ok(), failure("sold out")]);
    let ran = run("tcc.py", "flat", &[&at(&tercet), &shop.url("")]);
    assert_eq!((ran.code, &ran.told["committed"]), (Some(0), &json!(false)));
    tercet.wait(ran.id(), "failed");
    assert_eq!(shop.told(), ["/try try 01", "/try try 02", "/cancel cancel 02", "/cancel cancel 01"]);
    assert_eq!(
        tercet.rows(ran.id()),
        ["01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared"]
    );
}

#[test]
fn a_branch_of_a_branch_is_confirmed_before_it() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let ran = run("tcc.py", "nested", &[&at(&tercet), &shop.url("")]);
    assert_eq!(ran.told["committed"], true);
    tercet.wait(ran.id(), "succeed");
    assert_eq!(
        shop.told(),
        [
            "/inner try 0101",
            "/try try 02",
            "/confirm confirm 02",
            "/confirm confirm 0101",
            "/confirm confirm 01"
        ]
    );
    assert_eq!(shop.calls("/confirm")[1].body, br#"{"inside": {"account": "anna", "amount": -30}}"#);
}

#[test]
fn a_branch_of_a_branch_is_cancelled_with_the_rest() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/try", [failure("sold out")]);
    let ran = run("tcc.py", "nested", &[&at(&tercet), &shop.url("")]);
    assert_eq!(ran.told["committed"], false);
    tercet.wait(ran.id(), "failed");
    assert_eq!(
        shop.told(),
        ["/inner try 0101", "/try try 02", "/cancel cancel 02", "/cancel cancel 0101", "/cancel cancel 01"]
    );
}

#[test]
fn money_moves_once_in_books_that_the_clients_barrier_guards() {
    let (bank, tercet) = (Bank::start(), Tercet::start());
    let ran = run("tcc.py", "flat", &[&at(&tercet), &bank.url()]);
    assert_eq!(ran.told["committed"], true);
    tercet.wait(ran.id(), "succeed");
    let moved = json!({ "anna": [70, 0], "bert": [130, 0] });
    assert_eq!(bank.books(), moved);
    let again = format!("/confirm?gid={}&trans_type=tcc&branch_id=01&op=confirm", ran.id());
    assert_eq!(bank.call(&again, br#"{"account": "anna", "amount": -30}"#), 200);
    assert_eq!(bank.books(), moved, "the barrier knows the branch by what the server's call named");
}

#[test]
fn a_cancel_of_what_was_never_tried_changes_nothing_in_the_books() {
    let (bank, tercet) = (Bank::start(), Tercet::start());
    let ran = run("tcc.py", "to_nobody", &[&at(&tercet), &bank.url()]);
    assert_eq!(ran.told["committed"], false);
    tercet.wait(ran.id(), "failed");
    assert_eq!(bank.books(), json!({ "anna": [100, 0], "bert": [100, 0] }));
}

#[test]
fn credentials_in_the_base_url_let_the_client_in() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "shop=0123456789abcdef\n").unwrap();
    let (shop, tercet) = (Shop::start(), Tercet::with(&["--tokens-file", tokens.to_str().unwrap()]));
    let with = at(&tercet).replace("://", "://anybody:0123456789abcdef@");
    let ran = run("tcc.py", "flat", &[&with, &shop.url("")]);
    assert_eq!(ran.told["committed"], true);
    let let_in = Http { address: tercet.address, token: Some("0123456789abcdef".into()) };
    until("both confirms", || (shop.calls("/confirm").len() == 2).then_some(()));
    let query = format!("/api/dtmsvr/query?gid={}", ran.id());
    assert_eq!(let_in.try_get(&query).unwrap().is(200).body["transaction"]["gid"], ran.id());
}
