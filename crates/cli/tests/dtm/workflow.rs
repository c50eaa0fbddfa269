//! Workflows: progress that is kept for a client that runs the steps itself, and the call that has it go on.

use serde_json::{Value, json};

use crate::support::dtm::shop::{failure, ok, ongoing, says};
use crate::world::{World, is_failure, is_fault, keys, saga, with};

/// "hello, wörld" and its Base64.
const INPUT: (&str, &str) = ("hello, wörld", "aGVsbG8sIHfDtnJsZA==");

impl World {
    fn workflow(&self, gid: &str) -> Value {
        json!({
            "gid": gid, "trans_type": "workflow", "protocol": "http", "query_prepared": self.shop.url("/resume"),
            "custom_data": json!({ "name": "order flow", "data": INPUT.1 }).to_string(),
        })
    }

    fn prepare_workflow(&self, gid: &str) -> Value {
        let body = self.verb("prepareWorkflow", &self.workflow(gid)).is(200).body.clone();
        assert_eq!(keys(&body), ["progresses", "transaction"], "{body}");
        let protojson = ["gid", "result", "rollback_reason", "status"];
        assert!(keys(&body["transaction"]).iter().all(|key| protojson.contains(key)), "{body}");
        assert_eq!(body["transaction"]["gid"], gid);
        body
    }
}

fn step(gid: &str, (id, op): (&str, &str), (status, data): (&str, &str)) -> Value {
    json!({ "gid": gid, "trans_type": "workflow", "branch_id": id, "op": op, "status": status, "data": data })
}

fn end(gid: &str, extra: Value) -> Value {
    json!({ "gid": gid, "trans_type": "workflow", "req_extra": extra })
}

#[test]
fn a_new_workflow_is_prepared_and_has_no_progress() {
    let world = World::start();
    let body = world.prepare_workflow("w");
    assert_eq!((&body["transaction"]["status"], &body["progresses"]), (&json!("prepared"), &json!([])));
    assert_eq!(world.prepare_workflow("w"), body, "the same again is the same");
    assert_eq!(world.status("w"), "prepared");
}

#[test]
fn a_known_workflow_is_given_back_to_who_names_its_id_only() {
    let world = World::start();
    let asked = json!({ "gid": "w", "trans_type": "workflow" });
    is_fault(&world.verb("prepareWorkflow", &asked), "query_prepared");
    let body = world.prepare_workflow("w");
    assert_eq!(world.verb("prepareWorkflow", &asked).is(200).body, body);
}

#[test]
fn the_end_of_another_transaction_is_not_taken_for_a_workflows() {
    let world = World::start();
    world.does("submit", &saga("s", [world.shop.step("a")]));
    world.wait("s", "succeed");
    for asked in [world.workflow("s"), json!({ "gid": "s", "trans_type": "workflow" })] {
        is_failure(&world.verb("prepareWorkflow", &asked), "current status 'succeed', cannot prepare");
    }
}

#[test]
fn progress_is_kept_and_given_back_in_protojson() {
    let world = World::start();
    world.prepare_workflow("w");
    world.does("registerBranch", &step("w", ("01", "action"), ("succeed", "result ü")));
    world.does("registerBranch", &step("w", ("02", "action"), ("failed", "sold out")));
    world.does("registerBranch", &step("w", ("01", "rollback"), ("succeed", "")));
    let body = world.prepare_workflow("w");
    let mut wanted = vec![
        json!({ "branch_id": "01", "op": "action", "status": "succeed", "bin_data": "cmVzdWx0IMO8" }),
        json!({ "branch_id": "02", "op": "action", "status": "failed", "bin_data": "c29sZCBvdXQ=" }),
        json!({ "branch_id": "01", "op": "rollback", "status": "succeed", "bin_data": "" }),
    ];
    let mut progresses = body["progresses"].as_array().unwrap().clone();
    // Protojson leaves an empty field out, or not: clients read both.
    for progress in progresses.iter_mut().chain(&mut wanted) {
        progress.as_object_mut().unwrap().retain(|_, value| value != "");
    }
    assert_eq!(progresses, wanted);
    let mut rows = world.rows("w");
    rows.sort_unstable();
    assert_eq!(rows, ["01 action succeed", "01 rollback succeed", "02 action failed"]);
}

#[test]
fn progress_told_again_is_a_success_when_identical_and_a_failure_otherwise() {
    let world = World::start();
    world.prepare_workflow("w");
    let told = step("w", ("01", "action"), ("succeed", "1"));
    world.does("registerBranch", &told);
    world.does("registerBranch", &told);
    is_failure(&world.verb("registerBranch", &with(told.clone(), json!({ "data": "2" }))), "");
    is_failure(&world.verb("registerBranch", &with(told, json!({ "status": "failed" }))), "");
    assert_eq!(world.prepare_workflow("w")["progresses"].as_array().unwrap().len(), 1);
}

#[test]
fn its_client_ends_it_with_a_result_that_a_second_run_is_given() {
    let world = World::start();
    world.prepare_workflow("w");
    world.does("registerBranch", &step("w", ("01", "action"), ("succeed", "1")));
    let succeeds = end("w", json!({ "status": "succeed", "result": "cmVzdWx0" }));
    world.does("submit", &succeeds);
    let seen = world.query("w");
    assert_eq!(
        (&seen["transaction"]["status"], &seen["transaction"]["result"]),
        (&json!("succeed"), &json!("cmVzdWx0"))
    );
    let body = world.prepare_workflow("w");
    assert_eq!(
        (&body["transaction"]["status"], &body["transaction"]["result"]),
        (&json!("succeed"), &json!("cmVzdWx0"))
    );
    assert_eq!(body["progresses"].as_array().unwrap().len(), 1);
    assert_eq!(
        seen["transaction"]["query_prepared"],
        world.shop.url("/resume"),
        "the end overwrites nothing"
    );
    is_failure(&world.verb("submit", &succeeds), "current status 'succeed', cannot sumbmit");
    let late = step("w", ("02", "action"), ("succeed", ""));
    is_failure(&world.verb("registerBranch", &late), "no trans with gid: w status: prepared found");
}

#[test]
fn its_client_ends_it_as_failed_with_a_reason() {
    let world = World::start();
    world.prepare_workflow("w");
    let long = "because ".repeat(400);
    world.does("submit", &end("w", json!({ "status": "failed", "rollback_reason": long })));
    let body = world.prepare_workflow("w");
    assert_eq!(
        (&body["transaction"]["status"], &body["transaction"]["rollback_reason"]),
        (&json!("failed"), &json!(long))
    );
    assert_eq!(world.query("w")["transaction"]["rollback_reason"], long);
    assert_eq!(world.show("w")["state"], "failed");
}

#[test]
fn an_end_that_is_none_or_of_none_is_refused() {
    let world = World::start();
    world.prepare_workflow("w");
    is_fault(&world.verb("submit", &end("w", json!({ "status": "maybe" }))), "");
    is_fault(&world.verb("submit", &end("w", Value::Null)), "");
    assert_eq!(world.status("w"), "prepared");
    assert_ne!(world.verb("submit", &end("unknown", json!({ "status": "succeed" }))).status, 200);
    assert_ne!(world.verb("prepareWorkflow", &json!({ "gid": "x", "trans_type": "workflow" })).status, 200);
}

#[test]
fn a_workflow_that_stands_still_is_resumed_by_a_post_of_its_input() {
    let world = World::start();
    world.prepare_workflow("w");
    world.shop.wait_calls("/resume", 1);
    world.does("submit", &end("w", json!({ "status": "succeed" })));
    let call = world.shop.calls("/resume").remove(0);
    assert_eq!((&*call.method, call.text()), ("POST", INPUT.0));
    let identity = ["gid", "trans_type", "branch_id", "op"].map(|name| call.asked(name));
    assert_eq!(identity, ["w", "workflow", "00", "order flow"]);
}

#[test]
fn a_workflow_is_resumed_again_whatever_the_answer_until_its_client_ends_it() {
    let world = World::start();
    world.shop.answers("/resume", [ongoing(), says(500, "down"), ok(), failure("no"), ok()]);
    world.prepare_workflow("w");
    world.shop.wait_calls("/resume", 3);
    assert_eq!(world.status("w"), "prepared", "an answer alone ends nothing");
    world.does("submit", &end("w", json!({ "status": "failed", "rollback_reason": "no" })));
    let called = world.shop.calls("/resume").len();
    world.passes_time("clock");
    assert!(world.shop.calls("/resume").len() <= called + 1, "it is called on after its end");
    assert_eq!(world.status("w"), "failed");
}

#[test]
fn progress_outlives_a_kill_and_the_workflow_is_resumed() {
    let mut world = World::start();
    world.shop.answers("/resume", [ongoing()]);
    world.prepare_workflow("w");
    world.does("registerBranch", &step("w", ("01", "action"), ("succeed", "1")));
    world.restart();
    let before = world.shop.calls("/resume").len();
    assert_eq!(world.prepare_workflow("w")["progresses"][0]["branch_id"], "01");
    world.shop.wait_calls("/resume", before + 1);
    world.does("submit", &end("w", json!({ "status": "succeed", "result": "cg==" })));
    world.restart();
    assert_eq!(world.prepare_workflow("w")["transaction"]["result"], "cg==");
}

#[test]
fn an_input_longer_than_a_thousand_characters_is_fine() {
    let world = World::start();
    let (input, coded) = ("abc".repeat(40_000), "YWJj".repeat(40_000));
    let custom = json!({ "name": "long", "data": coded }).to_string();
    let body = with(world.workflow("w"), json!({ "custom_data": custom }));
    world.verb("prepareWorkflow", &body).is(200);
    let call = world.shop.wait_calls("/resume", 1).remove(0);
    assert!(call.text() == input, "{} bytes came", call.body.len());
    let data = "d".repeat(50_000);
    world.does("registerBranch", &step("w", ("01", "action"), ("succeed", &data)));
    let result = "cmVz".repeat(10_000);
    world.does("submit", &end("w", json!({ "status": "succeed", "result": result })));
    assert_eq!(world.query("w")["transaction"]["result"], result);
}

#[test]
fn a_force_stop_ends_a_workflow() {
    let world = World::start();
    world.prepare_workflow("w");
    world.does("forceStop", &json!({ "gid": "w" }));
    assert_eq!((world.status("w").as_str(), &world.show("w")["state"]), ("failed", &json!("stopped")));
    is_failure(
        &world.verb("submit", &end("w", json!({ "status": "succeed" }))),
        "current status 'failed', cannot sumbmit",
    );
}
