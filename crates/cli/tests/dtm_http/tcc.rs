//! TCC: the client tries, the server confirms or cancels.

use serde_json::json;

use crate::support::{Tercet, until};
use crate::world::{Dtm, Shop, and, done, failure, of, ongoing, slow};

fn prepared(tercet: &Tercet, shop: &Shop, (gid, branches): (&str, &[&str])) {
    tercet.ok("prepare", &and(of(gid, "tcc"), json!({"retry_interval": 1})));
    for branch in branches {
        tercet.ok("registerBranch", &shop.branch(gid, branch));
    }
}

#[test]
fn branches_are_confirmed_in_the_reverse_of_their_registration() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, ("t", &["01", "02"]));
    assert_eq!(tercet.status("t"), "prepared");
    tercet.ok("submit", &of("t", "tcc"));
    tercet.wait_status("t", "succeed");
    assert_eq!(shop.told(), ["/confirm confirm 02", "/confirm confirm 01"]);
    assert_eq!((shop.heard()[0].method.as_str(), &shop.heard()[0].body[..]), ("POST", &b"{\"n\":1}"[..]));
    assert_eq!(
        tercet.rows("t"),
        ["01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed"]
    );
}

#[test]
fn nested_branches_are_confirmed_before_those_that_they_came_after() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, ("t", &["01", "0101", "02"]));
    tercet.ok("submit", &of("t", "tcc"));
    tercet.wait_status("t", "succeed");
    assert_eq!(shop.told(), ["/confirm confirm 02", "/confirm confirm 0101", "/confirm confirm 01"]);
}

#[test]
fn an_abort_cancels_in_reverse_and_keeps_its_reason() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, ("t", &["01", "02"]));
    tercet.ok("abort", &and(of("t", "tcc"), json!({"rollback_reason": "the try failed"})));
    tercet.wait_status("t", "failed");
    assert_eq!(shop.told(), ["/cancel cancel 02", "/cancel cancel 01"]);
    assert_eq!(tercet.query("t")["transaction"]["rollback_reason"], "the try failed");
    let words = tercet.no("abort", &of("t", "tcc"), 409);
    assert!(words.contains("current status 'failed', cannot abort"), "{words}");
}

#[test]
fn aborted_again_while_it_is_undone_it_says_success_again() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/cancel", [slow(800)]);
    prepared(&tercet, &shop, ("t", &["01"]));
    tercet.ok("abort", &of("t", "tcc"));
    tercet.ok("abort", &of("t", "tcc"));
    tercet.wait_status("t", "failed");
    assert_eq!(shop.to("/cancel").len(), 1);
}

#[test]
fn what_is_decided_is_not_decided_otherwise() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/confirm", [slow(500)]);
    prepared(&tercet, &shop, ("t", &["01"]));
    tercet.ok("submit", &of("t", "tcc"));
    tercet.ok("submit", &of("t", "tcc"));
    tercet.no("abort", &of("t", "tcc"), 409);
    assert_eq!(tercet.no("prepare", &of("t", "tcc"), 409), "current status 'submitted', cannot prepare");
    tercet.wait_status("t", "succeed");
    assert_eq!(tercet.no("submit", &of("t", "tcc"), 409), "current status 'succeed', cannot sumbmit");
    prepared(&tercet, &shop, ("a", &["01"]));
    tercet.ok("abort", &of("a", "tcc"));
    tercet.no("submit", &of("a", "tcc"), 409);
}

#[test]
fn an_abort_without_a_type_or_of_something_unknown_is_a_500() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, ("t", &[]));
    tercet.no("abort", &json!({"gid": "t"}), 500);
    tercet.no("abort", &of("nobody", "tcc"), 500);
    assert_eq!(tercet.status("t"), "prepared");
}

#[test]
fn what_stays_prepared_too_long_is_rolled_back() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("prepare", &and(of("t", "tcc"), json!({"timeout_to_fail": 1})));
    tercet.ok("registerBranch", &shop.branch("t", "01"));
    tercet.wait_status("t", "failed");
    assert_eq!(shop.told(), ["/cancel cancel 01"]);
}

#[test]
fn a_cancel_goes_out_while_the_clients_try_is_still_under_way() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("prepare", &and(of("t", "tcc"), json!({"timeout_to_fail": 1})));
    tercet.ok("registerBranch", &shop.branch("t", "01"));
    shop.answers("/try", [slow(3_000)]);
    let url = shop.url("/try");
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/try").unwrap().to_owned();
    let trying = std::thread::spawn(move || {
        let http = crate::support::Http { address: address.parse().unwrap(), token: None };
        http.send(("POST", "/try?op=try&branch_id=01"), &[], b"{}").unwrap()
    });
    shop.wait("/cancel", 1);
    trying.join().unwrap();
    let (cancelled, tried) = (shop.to("/cancel")[0].began, shop.to("/try")[0].ended.unwrap());
    assert!(cancelled < tried, "the cancel overtook the try: the barrier decides that race");
}

#[test]
fn a_branch_registered_again_alike_is_a_success_and_otherwise_a_conflict() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, ("t", &["01"]));
    tercet.ok("registerBranch", &shop.branch("t", "01"));
    tercet.no("registerBranch", &and(shop.branch("t", "01"), json!({"data": "other"})), 409);
    tercet.ok("submit", &of("t", "tcc"));
    tercet.wait_status("t", "succeed");
    assert_eq!(shop.to("/confirm").len(), 1);
    let words = tercet.no("registerBranch", &shop.branch("t", "02"), 409);
    assert_eq!(words, "no trans with gid: t status: prepared found");
    tercet.no("registerBranch", &shop.branch("nobody", "01"), 409);
    let as_dtm = Tercet::with(&["--dtm-registered-again-is-conflict"]);
    prepared(&as_dtm, &shop, ("t", &["01"]));
    assert_eq!(as_dtm.no("registerBranch", &shop.branch("t", "01"), 500), "storage: UniqueKeyConflict");
}

#[test]
fn other_names_of_register_branch_and_extra_fields_work() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, ("t", &[]));
    let node = and(shop.branch("t", "01"), json!({"try": shop.url("/try"), "status": "prepared"}));
    tercet.ok("registerTccBranch", &node);
    tercet.ok("submit", &of("t", "tcc"));
    shop.wait("/confirm", 1);
}

#[test]
fn a_branch_without_data_is_confirmed_with_get_and_one_without_urls_at_once() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    prepared(&tercet, &shop, ("t", &[]));
    tercet.ok("registerBranch", &and(shop.branch("t", "01"), json!({"data": ""})));
    tercet.ok("registerBranch", &and(shop.branch("t", "02"), json!({"confirm": "", "cancel": ""})));
    tercet.ok("submit", &of("t", "tcc"));
    tercet.wait_status("t", "succeed");
    assert_eq!(shop.told(), ["/confirm confirm 01"]);
    assert_eq!(shop.heard()[0].method, "GET");
}

#[test]
fn a_confirm_that_is_refused_raises_attention_with_its_reason_and_is_repeated() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/confirm", [failure(), failure(), ongoing(), done()]);
    prepared(&tercet, &shop, ("t", &["01"]));
    tercet.ok("submit", &of("t", "tcc"));
    shop.wait("/confirm", 1);
    let shown =
        until("attention", || Some(tercet.show("t")).filter(|shown| shown["needs_attention"] == true));
    assert_eq!(
        (&shown["state"], &shown["branches"][0]["last_error"]),
        (&json!("confirming"), &json!("sold out"))
    );
    let list = tercet.get("/v1/transactions?needs_attention=true").body.clone();
    assert_eq!(list["items"][0]["id"], "t");
    tercet.wait_status("t", "succeed");
}

#[test]
fn a_submit_without_prepare_succeeds_with_nothing_to_do() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("submit", &of("t", "tcc"));
    tercet.wait_status("t", "succeed");
    assert!(shop.heard().is_empty());
}

#[test]
fn prepared_again_it_is_a_success_while_it_is_prepared() {
    let tercet = Tercet::start();
    tercet.ok("prepare", &of("t", "tcc"));
    tercet.ok("prepare", &of("t", "tcc"));
    tercet.ok("prepare", &and(of("t", "tcc"), json!({"retry_interval": 3})));
}
