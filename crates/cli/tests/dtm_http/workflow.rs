//! Workflows: the client runs the steps, the server keeps their progress and calls back.

use serde_json::{Value, json};

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, of};

fn asked(shop: &Shop, gid: &str) -> Value {
    let custom = json!({"name": "pay", "data": "eyJhIjoxfQ=="}).to_string();
    and(
        of(gid, "workflow"),
        json!({"query_prepared": shop.url("/resume"), "custom_data": custom, "retry_interval": 1}),
    )
}

fn step(gid: &str, id: &str, (op, status): (&str, &str)) -> Value {
    and(of(gid, "workflow"), json!({"branch_id": id, "op": op, "status": status, "data": "result of it"}))
}

fn end(gid: &str, extra: Value) -> Value {
    and(of(gid, "workflow"), json!({"req_extra": extra}))
}

#[test]
fn progress_is_kept_and_told_to_whoever_prepares_again() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let asked = and(asked(&shop, "w"), json!({"retry_interval": 60}));
    let fresh = tercet.ask("prepareWorkflow", &asked).is(200).body.clone();
    assert_eq!(fresh, json!({"transaction": {"gid": "w", "status": "prepared"}, "progresses": []}));
    tercet.ok("registerBranch", &step("w", "01", ("action", "succeed")));
    tercet.ok("registerBranch", &step("w", "02", ("action", "failed")));
    tercet.ok("registerBranch", &step("w", "01", ("action", "succeed")));
    tercet.no("registerBranch", &step("w", "01", ("action", "failed")), 409);
    let known = tercet.ask("prepareWorkflow", &asked).is(200).body.clone();
    let progress = |id: &str, status: &str| json!({"status": status, "bin_data": "cmVzdWx0IG9mIGl0", "branch_id": id, "op": "action"});
    assert_eq!(known["progresses"], json!([progress("01", "succeed"), progress("02", "failed")]));
}

#[test]
fn the_client_says_how_it_ends() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    for gid in ["good", "bad"] {
        tercet.ask("prepareWorkflow", &and(asked(&shop, gid), json!({"retry_interval": 60}))).is(200);
    }
    tercet.no("submit", &end("good", json!({})), 500);
    tercet.ok("submit", &end("good", json!({"status": "succeed", "result": "cg=="})));
    tercet.ok("submit", &end("bad", json!({"status": "failed", "rollback_reason": "sold out"})));
    tercet.no("submit", &end("good", json!({"status": "succeed"})), 409);
    tercet.no("registerBranch", &step("good", "03", ("action", "succeed")), 409);
    let again = tercet.ask("prepareWorkflow", &asked(&shop, "good")).is(200).body["transaction"].clone();
    assert_eq!(again, json!({"gid": "good", "status": "succeed", "result": "cg=="}));
    let again = tercet.ask("prepareWorkflow", &asked(&shop, "bad")).is(200).body["transaction"].clone();
    assert_eq!(again, json!({"gid": "bad", "status": "failed", "rollback_reason": "sold out"}));
    let custom = tercet.query("good")["transaction"]["custom_data"].clone();
    assert!(custom.as_str().unwrap().contains("pay"), "what was prepared stays: {custom}");
}

#[test]
fn a_workflow_whose_client_is_gone_is_resumed_until_it_ends() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ask("prepareWorkflow", &asked(&shop, "w")).is(200);
    let calls = shop.wait("/resume", 2);
    assert_eq!((calls[0].method.as_str(), &calls[0].body[..]), ("POST", &b"{\"a\":1}"[..]));
    assert_eq!(calls[0].told(), "/resume pay 00");
    assert_eq!(tercet.status("w"), "prepared");
    tercet.ok("submit", &end("w", json!({"status": "succeed"})));
    assert_eq!(tercet.status("w"), "succeed");
}

#[test]
fn a_killed_server_still_knows_the_progress_and_resumes() {
    let (shop, mut tercet) = (Shop::start(), Tercet::start());
    tercet.ask("prepareWorkflow", &asked(&shop, "w")).is(200);
    tercet.ok("registerBranch", &step("w", "01", ("action", "succeed")));
    tercet.restart();
    shop.wait("/resume", 1);
    let known = tercet.ask("prepareWorkflow", &asked(&shop, "w")).body["progresses"].clone();
    assert_eq!(known.as_array().unwrap().len(), 1);
}

#[test]
fn a_native_workflow_keeps_json_and_its_result() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let begun = json!({"id": "w", "pattern": "workflow", "resume": shop.url("/resume"), "resume_after_ms": 500, "input": {"order": 7}});
    tercet.begin(&begun);
    let told = json!({"step": "reserve", "outcome": "done", "result": {"hold": "h-1"}});
    tercet.post("/v1/transactions/w/progress", &told).is(200);
    tercet.post("/v1/transactions/w/progress", &told).is(200);
    let other = and(told.clone(), json!({"outcome": "refused"}));
    tercet.post("/v1/transactions/w/progress", &other).is_refusal(422, "branch_mismatch");
    let call = shop.wait("/resume", 1).remove(0);
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
