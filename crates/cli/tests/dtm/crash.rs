//! `kill -9` between any two steps: what was answered with a success is there afterwards and goes on.

use serde_json::json;

use crate::support::dtm::shop::{failure, ok, ongoing};
use crate::support::tercet;
use crate::world::{World, is_failure, saga, tcc, with};

#[test]
fn a_message_prepared_before_a_kill_is_checked_back_and_delivered_after_it() {
    let mut world = World::start();
    world.does("prepare", &with(world.checked("m", ["a", "b"]), json!({ "timeout_to_fail": 1 })));
    world.restart();
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["00.msg", "01.action", "02.action"]);
    assert_eq!(world.shop.call("/b").text(), "{\"n\":2}");
}

#[test]
fn a_message_whose_sender_never_committed_ends_after_a_kill() {
    let mut world = World::start();
    world.shop.answers("/check", [ongoing(), failure("rolled back")]);
    world.does("prepare", &with(world.checked("m", ["a"]), json!({ "timeout_to_fail": 1 })));
    world.restart();
    world.wait("m", "failed");
    assert_eq!(world.shop.order(), ["00.msg", "00.msg"]);
}

#[test]
fn a_message_prepared_before_a_kill_is_submitted_after_it() {
    let mut world = World::start();
    let body = world.checked("m", ["a"]);
    world.does("prepare", &body);
    world.restart();
    world.does("prepare", &body);
    world.does("submit", &body);
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["01.action"]);
}

#[test]
fn what_is_submitted_goes_on_after_a_kill() {
    let mut world = World::start();
    world.shop.answers("/b/action", [ongoing()]);
    world.shop.answers("/m", [ongoing()]);
    world.does("submit", &saga("s", ["a", "b", "c"].map(|name| world.shop.step(name))));
    world.does("submit", &world.message("m", ["m", "n"]));
    world.shop.wait_calls("/b/action", 1);
    world.shop.wait_calls("/m", 1);
    world.kill();
    world.shop.answers("/b/action", [ok()]);
    world.shop.answers("/m", [ok()]);
    world.restart();
    world.wait("s", "succeed");
    world.wait("m", "succeed");
    let once = ["/a/action", "/c/action", "/n"].map(|path| world.shop.calls(path).len());
    assert_eq!(once, [1, 1, 1], "what was done is not done again");
    is_failure(
        &world.verb("submit", &saga("s", [world.shop.step("a")])),
        "current status 'succeed', cannot sumbmit",
    );
}

#[test]
fn a_rollback_goes_on_after_a_kill() {
    let mut world = World::start();
    world.shop.answers("/b/action", [failure("no")]);
    world.shop.answers("/b/compensate", [ongoing()]);
    world.does("submit", &saga("s", ["a", "b"].map(|name| world.shop.step(name))));
    world.shop.wait_calls("/b/compensate", 1);
    world.kill();
    world.shop.answers("/b/compensate", [ok()]);
    world.restart();
    world.wait("s", "failed");
    assert_eq!(world.shop.calls("/a/compensate").len(), 1);
    assert_eq!((world.shop.calls("/a/action").len(), world.shop.calls("/b/action").len()), (1, 1));
}

#[test]
fn a_tcc_prepared_before_a_kill_keeps_its_branches_and_its_time_out() {
    let mut world = World::start();
    world.prepared_tcc("t", &["a", "b"]);
    world.does("prepare", &with(tcc("late"), json!({ "timeout_to_fail": 1 })));
    world.does("registerBranch", &world.branch("late", "01", "c"));
    world.restart();
    world.does("registerBranch", &world.branch("t", "02", "b"));
    world.does("registerBranch", &world.branch("t", "03", "d"));
    world.does("submit", &tcc("t"));
    world.wait("t", "succeed");
    world.wait("late", "failed");
    assert_eq!(world.shop.calls("/c/cancel").len(), 1);
    let confirms = ["/d/confirm", "/b/confirm", "/a/confirm"].map(|path| world.shop.call(path).began);
    assert!(confirms.is_sorted());
}

#[test]
fn every_submit_that_was_answered_is_carried_out_whenever_the_kill_comes() {
    let mut world = World::start();
    let gids: Vec<_> = (0..25).map(|number| format!("s-{number}")).collect();
    for round in gids.chunks(5) {
        for gid in round {
            world.does("submit", &saga(gid, [world.shop.step("a")]));
        }
        world.restart();
    }
    for gid in &gids {
        world.wait(gid, "succeed");
        let calls = world.shop.calls("/a/action");
        assert!(calls.iter().any(|call| call.asked("gid") == gid), "{gid} was never called");
    }
}

#[test]
fn a_delay_and_a_time_out_go_on_across_a_kill() {
    let mut world = World::start();
    let began = std::time::Instant::now();
    world.does("submit", &with(world.message("m", ["a"]), json!({ "custom_data": "{\"delay\":2}" })));
    world.restart();
    world.wait("m", "succeed");
    assert!(world.shop.call("/a").began - began >= std::time::Duration::from_secs(2));
}

/// One of every pattern, ended well and badly, stopped and still open.
fn lived(world: &World) -> Vec<String> {
    let mut gids = Vec::new();
    let mut named = |gid: &str| {
        gids.push(gid.to_owned());
        gid.to_owned()
    };
    world.shop.answers("/no/action", [failure("no")]);
    world.shop.answers("/open/action", [ongoing()]);
    world.does("submit", &saga(&named("saga-good"), [world.shop.step("a")]));
    world.does("submit", &saga(&named("saga-bad"), ["a", "no"].map(|name| world.shop.step(name))));
    let slow = json!({ "retry_interval": 3600, "branch_headers": { "x": "1" }, "retry_limit": 3 });
    world.does("submit", &with(saga(&named("saga-open"), [world.shop.step("open")]), slow));
    world.does("submit", &world.message(&named("msg-good"), ["m"]));
    world.does("prepare", &world.checked(&named("msg-open"), ["m"]));
    for (gid, verb) in [("tcc-good", "submit"), ("tcc-bad", "abort")] {
        world.prepared_tcc(&named(gid), &["a", "b"]);
        world.does(verb, &tcc(gid));
    }
    world.prepared_tcc(&named("tcc-stopped"), &["a"]);
    world.does("forceStop", &json!({ "gid": "tcc-stopped" }));
    let (x, url) = (named("xa-good"), world.shop.url("/x"));
    world.does("prepare", &json!({ "gid": x, "trans_type": "xa" }));
    world.does("registerBranch", &json!({ "gid": x, "trans_type": "xa", "branch_id": "01", "url": url }));
    world.does("submit", &json!({ "gid": x, "trans_type": "xa" }));
    for gid in ["workflow-good", "workflow-open"] {
        let workflow = json!({
            "gid": named(gid), "trans_type": "workflow", "query_prepared": url,
            "custom_data": "{\"name\":\"f\",\"data\":\"YQ==\"}", "retry_interval": 3600,
        });
        world.verb("prepareWorkflow", &workflow).is(200);
        let step = json!({
            "gid": gid, "trans_type": "workflow", "branch_id": "01", "op": "action", "status": "succeed", "data": "d",
        });
        world.does("registerBranch", &step);
    }
    let end = json!({ "status": "succeed", "result": "cg==" });
    let end = json!({ "gid": "workflow-good", "trans_type": "workflow", "req_extra": end });
    world.does("submit", &end);
    for gid in ["saga-good", "msg-good", "tcc-good", "xa-good", "workflow-good"] {
        world.wait(gid, "succeed");
    }
    for gid in ["saga-bad", "tcc-bad", "tcc-stopped"] {
        world.wait(gid, "failed");
    }
    world.wait_until("saga-open", |seen| seen["branches"][0]["next_attempt_at"].is_string());
    gids
}

#[test]
fn every_transaction_looks_the_same_after_a_kill() {
    let mut world = World::start();
    let gids = lived(&world);
    let before: Vec<_> = gids.iter().map(|gid| world.query(gid)).collect();
    let all = world.ask("all", &[]).is(200).body.clone();
    world.restart();
    // What is open goes on at once, so that it is compared by what does not move.
    for (gid, before) in gids.iter().zip(before) {
        if gid.ends_with("open") {
            let after = world.query(gid);
            for name in [
                "gid",
                "id",
                "status",
                "create_time",
                "steps",
                "payloads",
                "options",
                "custom_data",
                "query_prepared",
            ] {
                assert_eq!(after["transaction"][name], before["transaction"][name], "{name} of {gid}");
            }
        } else {
            assert_eq!(world.query(gid), before, "{gid}");
        }
    }
    let names = |page: &serde_json::Value| -> Vec<serde_json::Value> {
        page["transactions"].as_array().unwrap().iter().map(|item| item["gid"].clone()).collect()
    };
    assert_eq!(names(&world.ask("all", &[]).is(200).body), names(&all));
}

#[test]
fn a_journal_of_every_pattern_is_verified() {
    let mut world = World::start();
    let gids = lived(&world);
    world.ask("subscribe", &[("topic", "t"), ("url", &world.shop.url("/a")), ("remark", "")]).is(200);
    world.signal("TERM");
    assert_eq!(world.wait_end().code, Some(0));
    let output = tercet(&["journal", "verify", "--json", "--data"]).arg(world.data()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&seen["replay"]["begun"], &seen["replay"]["open"]),
        (&json!(gids.len()), &json!(3)),
        "{seen}"
    );
    assert_eq!(
        (&seen["archive"]["state"], &seen["archive"]["transactions"]),
        (&json!("alike"), &json!(gids.len())),
        "{seen}"
    );
}
