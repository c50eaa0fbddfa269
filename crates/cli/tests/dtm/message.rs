//! Two-phase messages: submitted, prepared, checked back, delayed, delivered one by one or at once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::dtm::shop::{Gate, failure, ok, ongoing, says};
use crate::world::{World, is_failure, is_ongoing, is_success, with};

fn delayed(seconds: u64) -> Value {
    json!({ "custom_data": json!({ "delay": seconds }).to_string() })
}

#[test]
fn a_message_is_submitted_without_a_prepare_and_delivered_in_order() {
    let world = World::start();
    world.shop.answers("/a", [says(500, "down"), ongoing(), ok().after_ms(50)]);
    world.does("submit", &world.message("m", ["a", "b"]));
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "01.action", "01.action", "02.action"]);
    let calls = world.shop.calls("/a");
    assert!(calls[2].end() <= world.shop.call("/b").began);
    assert_eq!((&*calls[0].method, calls[0].text()), ("POST", "{\"n\":1}"));
    assert_eq!(calls[0].asked("trans_type"), "msg");
    assert_eq!(world.rows("m"), ["01 action succeed", "02 action succeed"]);
}

#[test]
fn what_is_prepared_is_delivered_once_it_is_submitted_and_never_checked_back() {
    let world = World::start();
    let body = with(world.checked("m", ["a"]), json!({ "timeout_to_fail": 1 }));
    world.does("prepare", &body);
    assert_eq!((world.status("m").as_str(), world.shop.all_calls().len()), ("prepared", 0));
    world.does("prepare", &body);
    world.does("submit", &body);
    world.wait("m", "succeed");
    world.does("submit", &with(world.message("clock", ["b"]), delayed(1)));
    world.wait("clock", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "01.action"], "nobody was asked");
    is_failure(&world.verb("submit", &body), "current status 'succeed', cannot sumbmit");
    is_failure(&world.verb("prepare", &body), "current status 'succeed', cannot prepare");
}

#[test]
fn a_prepared_message_is_submitted_by_a_body_that_names_its_id_and_type_only() {
    let world = World::start();
    world.does("prepare", &world.checked("m", ["a"]));
    world.does("submit", &json!({ "gid": "m", "trans_type": "msg" }));
    world.wait("m", "succeed");
    assert_eq!(world.shop.call("/a").text(), "{\"n\":1}");
}

#[test]
fn prepared_again_in_another_form_is_a_success_while_prepared() {
    let world = World::start();
    world.does("prepare", &world.checked("m", ["a"]));
    world.does("prepare", &with(world.checked("m", ["a"]), json!({ "timeout_to_fail": 20 })));
    assert_eq!(world.status("m"), "prepared");
}

#[test]
fn what_is_aborted_is_neither_delivered_nor_checked_back() {
    let world = World::start();
    let body = with(world.checked("m", ["a"]), json!({ "timeout_to_fail": 1 }));
    world.does("prepare", &body);
    world.does("abort", &with(body.clone(), json!({ "rollback_reason": "changed my mind" })));
    let seen = world.wait("m", "failed");
    assert_eq!(seen["transaction"]["rollback_reason"], "changed my mind");
    is_failure(&world.verb("abort", &body), "current status 'failed', cannot abort");
    is_failure(&world.verb("submit", &body), "current status 'failed', cannot sumbmit");
    world.does("submit", &with(world.message("clock", ["b"]), delayed(1)));
    world.wait("clock", "succeed");
    assert!(world.shop.calls("/a").is_empty() && world.shop.calls("/check").is_empty());
}

#[test]
fn what_is_submitted_is_not_aborted() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a", [ok().behind(&gate)]);
    let body = world.message("m", ["a"]);
    world.does("submit", &body);
    is_failure(&world.verb("abort", &body), "current status 'submitted', cannot abort");
    world.does("submit", &body);
    gate.open();
    world.wait("m", "succeed");
    assert_eq!(world.shop.calls("/a").len(), 1);
}

#[test]
fn a_message_prepared_without_an_address_to_ask_back_is_submitted_or_aborted_as_any() {
    let world = World::start();
    for (gid, verb, end) in [("m", "submit", "succeed"), ("n", "abort", "failed")] {
        let body = with(world.message(gid, [gid]), json!({ "query_prepared": "" }));
        world.does("prepare", &body);
        world.does("prepare", &body);
        assert_eq!(world.status(gid), "prepared");
        world.does(verb, &body);
        world.wait(gid, end);
        is_failure(&world.verb("prepare", &body), "cannot prepare");
    }
    assert_eq!(world.shop.all_calls().len(), 1);
}

#[test]
fn a_message_prepared_without_an_address_to_ask_back_is_delivered_when_its_time_is_over() {
    let world = World::start();
    let began = Instant::now();
    world.does("prepare", &with(world.message("m", ["a"]), json!({ "timeout_to_fail": 1 })));
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["01.action"]);
    assert!(world.shop.call("/a").began - began >= Duration::from_secs(1), "delivered too early");
}

#[test]
fn a_check_back_that_succeeds_delivers() {
    let world = World::start();
    let began = Instant::now();
    world.does("prepare", &with(world.checked("m", ["a", "b"]), json!({ "timeout_to_fail": 1 })));
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["00.msg", "01.action", "02.action"]);
    let call = world.shop.call("/check");
    assert!(call.began - began >= Duration::from_secs(1), "asked too early");
    assert_eq!((&*call.method, call.body.len()), ("GET", 0));
    assert_eq!(["gid", "trans_type"].map(|name| call.asked(name)), ["m", "msg"]);
}

#[test]
fn a_check_back_that_says_failure_ends_the_message() {
    let world = World::start();
    let answers = [failure("never happened"), says(200, r#"{"dtm_result":"FAILURE"}"#)];
    for (gid, answer) in ["m", "n"].into_iter().zip(answers) {
        world.shop.answers("/check", [answer]);
        world.does("prepare", &with(world.checked(gid, ["a"]), json!({ "timeout_to_fail": 1 })));
        world.wait(gid, "failed");
    }
    let seen = world.query("m");
    assert!(seen["transaction"]["rollback_reason"].as_str().unwrap().contains("never happened"), "{seen}");
    assert!(world.shop.calls("/a").is_empty());
    assert_eq!(world.rows("m"), ["01 action prepared"]);
}

#[test]
fn a_check_back_that_goes_on_or_fails_is_asked_again() {
    let world = World::start();
    world.shop.answers("/check", [ongoing(), says(500, "down"), ok()]);
    world.does("prepare", &with(world.checked("m", ["a"]), json!({ "timeout_to_fail": 1 })));
    world.shop.wait_calls("/check", 1);
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["00.msg", "00.msg", "00.msg", "01.action"]);
}

#[test]
fn a_delayed_message_is_delivered_after_its_delay() {
    let world = World::start();
    let began = Instant::now();
    world.does("submit", &with(world.message("m", ["a"]), delayed(2)));
    assert_eq!(world.status("m"), "submitted");
    world.wait("m", "succeed");
    assert!(world.shop.call("/a").began - began >= Duration::from_secs(2), "delivered too early");
}

#[test]
fn whoever_waits_for_a_delayed_message_is_told_that_it_goes_on() {
    let world = World::start();
    let body = with(with(world.message("m", ["a"]), delayed(2)), json!({ "wait_result": true }));
    is_ongoing(&world.verb("submit", &body));
    world.wait("m", "succeed");
    assert_eq!(world.shop.calls("/a").len(), 1);
}

#[test]
fn a_concurrent_message_is_delivered_to_all_at_once() {
    let world = World::start();
    let gate = Gate::default();
    for path in ["/a", "/b", "/c"] {
        world.shop.answers(path, [ok().behind(&gate)]);
    }
    world.does("submit", &with(world.message("m", ["a", "b", "c"]), json!({ "concurrent": true })));
    for path in ["/a", "/b", "/c"] {
        world.shop.wait_calls(path, 1);
    }
    gate.open();
    let seen = world.wait("m", "succeed");
    assert_eq!(seen["transaction"]["concurrent"], true);
}

#[test]
fn a_delivery_that_says_failure_needs_attention_and_is_asked_again() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a", [failure("no such customer"), ok().behind(&gate)]);
    world.does("submit", &world.message("m", ["a", "b"]));
    let seen = world.wait_until("m", |seen| seen["needs_attention"] == true);
    assert!(seen["branches"][0]["last_error"].as_str().unwrap().contains("no such customer"), "{seen}");
    assert_eq!(world.status("m"), "submitted");
    gate.open();
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "01.action", "02.action"]);
}

#[test]
fn whoever_waits_is_answered_when_all_is_delivered() {
    let world = World::start();
    world.shop.answers("/b", [ok().after_ms(200)]);
    let wait = json!({ "wait_result": true });
    is_success(&world.verb("submit", &with(world.message("m", ["a", "b"]), wait.clone())));
    assert_eq!(world.status("m"), "succeed");
    world.does("prepare", &world.checked("n", ["c"]));
    is_success(&world.verb("submit", &with(world.checked("n", ["c"]), wait)));
    assert_eq!(world.status("n"), "succeed");
}

#[test]
fn a_message_with_a_place_to_ask_back_is_submitted_without_a_prepare_too() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a", [ok().behind(&gate)]);
    let body = with(world.checked("m", ["a"]), json!({ "timeout_to_fail": 1 }));
    world.does("submit", &body);
    world.shop.wait_calls("/a", 1);
    world.does("submit", &body);
    gate.open();
    world.wait("m", "succeed");
    is_failure(&world.verb("submit", &body), "current status 'succeed', cannot sumbmit");
    assert_eq!(world.shop.order(), ["01.action"]);
}

#[test]
fn a_message_to_nobody_is_delivered() {
    let world = World::start();
    world.does("submit", &world.message("m", []));
    world.wait("m", "succeed");
    world.does("prepare", &world.checked("n", []));
    world.does("submit", &world.checked("n", []));
    world.wait("n", "succeed");
    assert!(world.shop.all_calls().is_empty());
}
