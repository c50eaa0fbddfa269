//! Two views of one truth: what begins over DTM's protocol is in the native one and in `tercet tx`, and the other way round.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::dtm::shop::failure;
use crate::support::{Participant, until};
use crate::world::{World, encoded, saga, tcc, with};

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn what_a_client_of_dtm_begins_is_seen_natively() {
    let world = World::start();
    world.shop.answers("/b/action", [failure("sold out")]);
    world.does("submit", &saga("s", ["a", "b"].map(|name| world.shop.step(name))));
    let seen = world.wait_final("s");
    assert_eq!((&seen["pattern"], &seen["state"]), (&json!("saga"), &json!("compensated")));
    assert_eq!((&seen["decision"], &seen["reason"]["branch"]), (&json!("cancel"), &json!("02")));
    let branches: Vec<_> = seen["branches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|branch| [&branch["id"], &branch["kind"], &branch["state"]])
        .collect();
    assert_eq!(json!(branches), json!([["01", "dtm", "compensated"], ["02", "dtm", "compensated"]]));
    let timeline = world.timeline("s");
    for event in [
        "begun",
        "action_done 01",
        "action_refused 02",
        "decided 02",
        "compensate_done 02",
        "compensate_done 01",
        "compensated",
    ] {
        assert!(timeline.iter().any(|seen| seen == event), "{event} is not in {timeline:?}");
    }
    let listed = world.get("/v1/transactions?state=compensated").is(200).body.clone();
    assert_eq!(listed["items"][0]["id"], "s");
    assert_eq!(world.get("/v1/transactions?state=completed").is(200).body["items"], json!([]));
}

#[test]
fn every_pattern_has_its_native_name_and_state() {
    let world = World::start();
    world.prepared_tcc("t", &["a"]);
    world.does("prepare", &world.checked("m", ["b"]));
    world.does("prepare", &json!({ "gid": "x", "trans_type": "xa" }));
    let workflow = json!({
        "gid": "w", "trans_type": "workflow", "query_prepared": world.shop.url("/resume"),
        "custom_data": "{\"name\":\"f\",\"data\":\"\"}",
    });
    world.verb("prepareWorkflow", &workflow).is(200);
    let standing = |gid: &str| {
        let seen = world.show(gid);
        [seen["pattern"].as_str().unwrap().to_owned(), seen["state"].as_str().unwrap().to_owned()]
    };
    assert_eq!(standing("t"), ["tcc", "trying"]);
    assert_eq!(standing("m"), ["message", "prepared"]);
    assert_eq!(standing("x"), ["xa", "preparing"]);
    assert_eq!(standing("w"), ["workflow", "running"]);
    for (gid, trans_type) in [("t", "tcc"), ("m", "msg"), ("x", "xa")] {
        world.does(
            "submit",
            &with(json!({ "gid": gid, "trans_type": trans_type }), json!({ "wait_result": true })),
        );
    }
    let end = json!({ "gid": "w", "trans_type": "workflow", "req_extra": { "status": "succeed" } });
    world.does("submit", &end);
    let states = ["t", "m", "x", "w"].map(|gid| world.show(gid)["state"].clone());
    assert_eq!(json!(states), json!(["confirmed", "delivered", "confirmed", "completed"]));
    let seen = world.show("t");
    assert_eq!(
        (&seen["branches"][0]["kind"], &seen["branches"][0]["state"]),
        (&json!("dtm"), &json!("confirmed"))
    );
}

#[test]
fn a_person_at_a_terminal_sees_it_and_may_stop_it() {
    let world = World::start();
    world.shop.answers("/a/confirm", [failure("the seat is gone")]);
    world.prepared_tcc("t one", &["a"]);
    world.does("submit", &tcc("t one"));
    let path = format!("/v1/transactions/{}", encoded("t one"));
    until("it needs attention", || (world.get(&path).is(200).body["needs_attention"] == true).then_some(()));
    let shown = said(&world.tx(&["show", "t one"]));
    assert!(shown.contains("t one") && shown.contains("the seat is gone"), "{shown}");
    let listed = said(&world.tx(&["list", "--needs-attention"]));
    assert!(listed.contains("t one") && listed.contains("the seat is gone"), "{listed}");
    let timeline = said(&world.tx(&["timeline", "t one"]));
    assert!(timeline.contains("begun") && timeline.contains("the seat is gone"), "{timeline}");
    let stopped = said(&world.tx(&["stop", "t one", "--detail", "by hand"]));
    assert!(stopped.contains("stopped"), "{stopped}");
    let seen = world.query("t one");
    assert_eq!(
        (&seen["transaction"]["status"], &seen["transaction"]["rollback_reason"]),
        (&json!("failed"), &json!("by hand"))
    );
}

#[test]
fn what_begins_natively_is_seen_by_clients_of_dtm() {
    let world = World::start();
    let shop = Participant::start();
    shop.answers("points", "action", [crate::support::refused("no points")]);
    world.begin(&crate::support::saga("native-saga", [shop.saga("stock"), shop.saga("points")]));
    world.begin(&crate::support::tcc("native-tcc", [shop.tcc("stock")]));
    world.begin(&crate::support::message("native-message", [shop.deliver("mail")]));
    for id in ["native-saga", "native-tcc", "native-message"] {
        world.wait_final(id);
    }
    let seen = world.query("native-saga");
    let transaction = &seen["transaction"];
    assert_eq!((&transaction["trans_type"], &transaction["status"]), (&json!("saga"), &json!("failed")));
    assert!(transaction["rollback_reason"].as_str().unwrap().contains("no points"), "{transaction}");
    let wanted = [
        "stock compensate succeed",
        "stock action succeed",
        "points compensate succeed",
        "points action failed",
    ];
    assert_eq!(world.rows("native-saga"), wanted);
    assert_eq!(seen["branches"][1]["url"], shop.url("action"));
    assert_eq!(world.rows("native-tcc"), ["stock cancel prepared", "stock confirm succeed"]);
    assert_eq!(world.rows("native-message"), ["mail action succeed"]);
    let all = world.ask("all", &[]).is(200).body.clone();
    let told = |item: &Value| {
        ["gid", "trans_type", "status"].map(|name| item[name].as_str().unwrap().to_owned()).join(" ")
    };
    let mut listed: Vec<_> = all["transactions"].as_array().unwrap().iter().map(told).collect();
    listed.sort_unstable();
    assert_eq!(listed, ["native-message msg succeed", "native-saga saga failed", "native-tcc tcc succeed"]);
    assert_eq!(world.ask("all", &[("transType", "msg")]).body["transactions"].as_array().unwrap().len(), 1);
}

#[test]
fn an_id_belongs_to_one_transaction_whichever_way_it_began() {
    let world = World::start();
    let shop = Participant::start();
    world.begin(&crate::support::saga("taken", [shop.saga("stock")]));
    world.wait_final("taken");
    world.verb("submit", &saga("taken", [world.shop.step("a")])).is(409);
    world.does("submit", &saga("ours", [world.shop.step("b")]));
    world.post("/v1/transactions", &crate::support::saga("ours", [shop.saga("stock")])).is(422);
    world.wait("ours", "succeed");
    assert!(world.shop.calls("/a/action").is_empty() && world.shop.calls("/b/action").len() == 1);
}

#[test]
fn an_operator_retries_and_cancels_natively_what_a_client_of_dtm_began() {
    let world = World::start();
    world.prepared_tcc("t", &["a"]);
    world
        .post("/v1/transactions/t/cancel", &json!({ "detail": "the operator says so", "wait_ms": 10_000 }))
        .is(200);
    let seen = world.query("t");
    assert_eq!(
        (&seen["transaction"]["status"], &seen["transaction"]["rollback_reason"]),
        (&json!("failed"), &json!("the operator says so"))
    );
    assert_eq!(world.shop.order(), ["01.cancel"]);
    world.shop.answers("/b/action", [crate::support::dtm::shop::ongoing(), crate::support::dtm::shop::ok()]);
    world.does("submit", &with(saga("s", [world.shop.step("b")]), json!({ "retry_interval": 3600 })));
    world.wait_until("s", |seen| seen["branches"][0]["next_attempt_at"].is_string());
    said(&world.tx(&["retry", "s"]));
    world.wait("s", "succeed");
}
