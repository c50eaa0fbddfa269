//! The native forms of what came with DTM's protocol: XA, workflows, a forced stop; and what both protocols do to one
//! transaction. The participant is the one of DTM's scenarios: it takes any call.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]
#![allow(clippy::needless_pass_by_value, reason = "a test reads better when it hands over what it makes")]

#[path = "../support/mod.rs"]
mod support;

use serde_json::json;

use support::dtm::is_fault;
use support::dtm::shop::{Shop, failure, ongoing};
use support::{Tercet, with};

#[test]
fn a_native_xa_prepares_its_branches_and_then_commits_or_rolls_them_back() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let branch = |id: &str| json!({"id": id, "kind": "call", "prepare": shop.url(&format!("/p-{id}")), "phase2": shop.url(&format!("/2-{id}")), "body": {"n": 1}});
    tercet.begin(&json!({"id": "good", "pattern": "xa", "branches": [branch("a"), branch("b")]}));
    let shown = tercet.wait_final("good");
    assert_eq!((&shown["state"], &shown["branches"][0]["state"]), (&json!("confirmed"), &json!("committed")));
    let operations: Vec<_> =
        shop.calls("/2-a").iter().map(|heard| heard.headers["tercet-operation"].clone()).collect();
    assert_eq!(operations, ["commit"]);
    shop.answers("/p-b", [failure("sold out")]);
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

#[test]
fn a_native_workflow_keeps_json_and_its_result() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let begun = json!({"id": "w", "pattern": "workflow", "resume": shop.url("/resume"), "resume_after_ms": 500, "input": {"order": 7}});
    tercet.begin(&begun);
    let told = json!({"step": "reserve", "outcome": "done", "result": {"hold": "h-1"}});
    tercet.post("/v1/transactions/w/progress", &told).is(200);
    tercet.post("/v1/transactions/w/progress", &told).is(200);
    let other = with(told.clone(), json!({"outcome": "refused"}));
    tercet.post("/v1/transactions/w/progress", &other).is_refusal(422, "branch_mismatch");
    let call = shop.wait_calls("/resume", 1).remove(0);
    assert_eq!(
        (&call.body[..], call.headers["tercet-operation"].as_str()),
        (&b"{\"order\":7}"[..], "resume")
    );
    tercet.post("/v1/transactions/w/confirm", &json!({"result": {"paid": true}})).is(200);
    let shown = tercet.show("w");
    assert_eq!((&shown["state"], &shown["result"]), (&json!("completed"), &json!({"paid": true})));
    assert_eq!(
        shown["progress"][0],
        json!({"step": "reserve", "operation": "action", "outcome": "done", "result": {"hold": "h-1"}})
    );
    tercet.begin(&json!({"id": "t", "pattern": "tcc", "mode": "interactive", "branches": []}));
    tercet.post("/v1/transactions/t/progress", &told).is_refusal(409, "not_a_workflow");
    tercet
        .post("/v1/transactions", &json!({"id": "x", "pattern": "workflow"}))
        .is_refusal(400, "field_missing");
}

#[test]
fn a_natively_begun_transaction_can_be_stopped_too_unless_it_holds_value() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [ongoing()]);
    let branch = json!({"id": "a", "kind": "call", "action": shop.url("/a1")});
    tercet.begin(&json!({"id": "s", "pattern": "saga", "branches": [branch]}));
    tercet.post("/v1/transactions/s/stop", &json!({"detail": "by hand"})).is(200);
    let shown = tercet.show("s");
    assert_eq!((&shown["state"], &shown["reason"]["detail"]), (&json!("stopped"), &json!("by hand")));
    tercet.post("/v1/transactions/s/stop", &json!({})).is_refusal(409, "already_final");
}

#[test]
fn what_holds_value_is_cancelled_not_stopped() {
    let tercet = Tercet::start();
    tercet.post("/v1/assets", &json!({"code": "points", "scale": 0})).is(200);
    let accounts =
        json!([{"id": "issuer", "asset": "points", "floor": "none"}, {"id": "ann", "asset": "points"}]);
    tercet.post("/v1/accounts", &json!({"accounts": accounts})).is(200);
    tercet
        .post("/v1/entries", &json!({"entries": [{"id": "e", "from": "issuer", "to": "ann", "amount": "5"}]}))
        .is(200);
    let hold = json!({"id": "h", "kind": "hold", "from": "ann", "to": "issuer", "amount": "5"});
    let pay = json!({"id": "pay", "kind": "await"});
    tercet.begin(&json!({"id": "t", "pattern": "tcc", "branches": [hold, pay]}));
    tercet.post("/v1/transactions/t/stop", &json!({})).is_refusal(409, "holds_value");
    is_fault(&tercet.verb("forceStop", &json!({"gid": "t"})), "holds");
    tercet.does("abort", &json!({"gid": "t", "trans_type": "tcc"}));
    tercet.wait("t", "failed");
    assert_eq!(tercet.get("/v1/accounts/ann").body["available"], "5");
}
