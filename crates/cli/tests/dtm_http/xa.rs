//! XA over DTM's protocol: one address per branch, called to commit or to roll back. Databases: `tests/dtm_xa`.

use serde_json::{Value, json};

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, broken, done, of};

fn branch(shop: &Shop, gid: &str, id: &str) -> Value {
    and(of(gid, "xa"), json!({"branch_id": id, "url": shop.url(&format!("/xa{id}"))}))
}

fn prepared(tercet: &Tercet, shop: &Shop, gid: &str) {
    tercet.ok("prepare", &and(of(gid, "xa"), json!({"retry_interval": 1})));
    tercet.ok("registerBranch", &branch(shop, gid, "01"));
    tercet.ok("registerXaBranch", &branch(shop, gid, "02"));
}

#[test]
fn branches_commit_in_the_order_of_their_registration() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, "x");
    tercet.ok("submit", &of("x", "xa"));
    tercet.wait_status("x", "succeed");
    assert_eq!(shop.told(), ["/xa01 commit 01", "/xa02 commit 02"]);
    assert!(shop.heard().iter().all(|heard| heard.method == "POST" && heard.body.is_empty()));
    assert_eq!(
        tercet.rows("x"),
        ["01 rollback prepared", "01 commit succeed", "02 rollback prepared", "02 commit succeed"]
    );
}

#[test]
fn an_abort_rolls_back_in_the_same_order() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, "x");
    tercet.ok("abort", &of("x", "xa"));
    tercet.wait_status("x", "failed");
    assert_eq!(shop.told(), ["/xa01 rollback 01", "/xa02 rollback 02"]);
}

#[test]
fn a_commit_that_fails_is_repeated_before_the_next_branch() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/xa01", [broken(), done()]);
    prepared(&tercet, &shop, "x");
    tercet.ok("submit", &of("x", "xa"));
    tercet.wait_status("x", "succeed");
    assert_eq!(shop.told(), ["/xa01 commit 01", "/xa01 commit 01", "/xa02 commit 02"]);
}

#[test]
fn what_stays_prepared_too_long_is_rolled_back() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("prepare", &and(of("x", "xa"), json!({"timeout_to_fail": 1})));
    tercet.ok("registerBranch", &branch(&shop, "x", "01"));
    tercet.ok("registerBranch", &branch(&shop, "x", "01"));
    tercet.wait_status("x", "failed");
    assert_eq!(shop.told(), ["/xa01 rollback 01"]);
}

#[test]
fn a_native_xa_prepares_its_branches_and_then_commits_or_rolls_them_back() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let branch = |id: &str| json!({"id": id, "kind": "call", "prepare": shop.url(&format!("/p-{id}")), "phase2": shop.url(&format!("/2-{id}")), "body": {"n": 1}});
    tercet.begin(&json!({"id": "good", "pattern": "xa", "branches": [branch("a"), branch("b")]}));
    let shown = tercet.wait_final("good");
    assert_eq!((&shown["state"], &shown["branches"][0]["state"]), (&json!("confirmed"), &json!("committed")));
    let operations: Vec<_> =
        shop.to("/2-a").iter().map(|heard| heard.headers["tercet-operation"].clone()).collect();
    assert_eq!(operations, ["commit"]);
    shop.answers("/p-b", [crate::world::failure()]);
    tercet.begin(&json!({"id": "bad", "pattern": "xa", "branches": [branch("a"), branch("b")]}));
    let shown = tercet.wait_final("bad");
    assert_eq!(
        (&shown["state"], &shown["branches"][0]["state"]),
        (&json!("cancelled"), &json!("rolled_back"))
    );
    assert_eq!(tercet.query("bad")["transaction"]["trans_type"], "xa");
    let unfit =
        json!({"id": "u", "pattern": "xa", "branches": [{"id": "a", "kind": "call", "try": shop.url("/t")}]});
    tercet.post("/v1/transactions", &unfit).is_refusal(400, "field_unexpected");
}
