//! The options of a transaction and their defaults, and what operators do to one: retry now, stop by force.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::dtm::shop::{Call, Gate, ok, ongoing, says};
use crate::world::{World, is_failure, is_fault, micros, saga, tcc, with};

/// Seconds from the latest change of a transaction to its next attempt, once it waits for one.
fn wait_of(world: &World, gid: &str) -> f64 {
    world.wait_until(gid, |seen| seen["branches"][0]["next_attempt_at"].is_string());
    let seen = world.query(gid)["transaction"].clone();
    let waits = micros(&seen["next_cron_time"]) - micros(&seen["update_time"]);
    Duration::from_micros(u64::try_from(waits).unwrap()).as_secs_f64()
}

/// A saga whose only step goes on.
fn going_on(world: &World, gid: &str, options: Value) {
    let path = format!("/{gid}/action");
    world.shop.answers(&path, [ongoing()]);
    world.does("submit", &with(saga(gid, [world.shop.step(gid)]), options));
    world.shop.wait_calls(&path, 1);
}

fn gaps(calls: &[Call]) -> Vec<Duration> {
    calls.windows(2).map(|pair| pair[1].began - pair[0].end()).collect()
}

#[test]
fn the_first_repeat_comes_after_half_to_the_whole_of_retry_interval() {
    let world = World::with(&[]);
    let cases = [
        ("default", json!({}), 10.0),
        ("own", json!({ "retry_interval": 40 }), 40.0),
        ("longer", json!({ "retry_interval": 90 }), 90.0),
        ("timeout", json!({ "timeout_to_fail": 6 }), 6.0),
        ("zero", json!({ "retry_interval": 0, "timeout_to_fail": 0 }), 10.0),
    ];
    for (gid, options, interval) in cases {
        going_on(&world, gid, options);
        let waits = wait_of(&world, gid);
        assert!((interval / 2.0..=interval).contains(&waits), "{gid}: {waits} s of {interval} s");
        assert_eq!(world.query(gid)["transaction"]["next_cron_interval"].as_f64(), Some(interval), "{gid}");
    }
}

#[test]
fn repeats_wait_twice_as_long_after_each_failure() {
    let world = World::start();
    world.shop.answers(
        "/a/action",
        [says(500, "down"), says(500, "down"), says(500, "down"), says(500, "down"), says(500, "down"), ok()],
    );
    world.does("submit", &saga("s", [world.shop.step("a")]));
    world.wait("s", "succeed");
    let mut whole = Duration::from_millis(crate::world::QUICK_MS);
    for gap in gaps(&world.shop.calls("/a/action")) {
        let most = whole + Duration::from_secs(3);
        assert!(whole / 2 <= gap && gap < most, "{gap:?} is not within half of {whole:?} and {most:?}");
        whole *= 2;
    }
}

#[test]
fn repeats_of_what_goes_on_keep_their_pace() {
    let world = World::start();
    world.shop.answers("/a/action", vec![ongoing(); 12].into_iter().chain([ok()]));
    world.does("submit", &saga("s", [world.shop.step("a")]));
    world.wait("s", "succeed");
    let gaps = gaps(&world.shop.calls("/a/action"));
    let whole = Duration::from_millis(crate::world::QUICK_MS);
    assert!(gaps.iter().all(|gap| *gap >= whole / 2), "{gaps:?}");
    assert!(gaps.iter().sum::<Duration>() < whole * 12 + Duration::from_secs(6), "{gaps:?}");
}

#[test]
fn a_call_is_given_up_after_request_timeout_and_made_again() {
    let world = World::start();
    let gate = Gate::default();
    for (gid, options, seconds) in [("one", json!({ "request_timeout": 1 }), 1), ("default", json!({}), 3)] {
        let path = format!("/{gid}/action");
        world.shop.answers(&path, [ok().behind(&gate), ok()]);
        world.does("submit", &with(saga(gid, [world.shop.step(gid)]), options));
        let calls = world.shop.wait_calls(&path, 2);
        let gap = calls[1].began - calls[0].began;
        let least = Duration::from_secs(seconds);
        assert!(least <= gap && gap < least + Duration::from_secs(3), "{gid}: {gap:?}");
        world.wait(gid, "succeed");
    }
    gate.open();
}

#[test]
fn a_slow_branch_is_not_called_twice() {
    let world = World::with(&[]);
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    let body = saga("s", [world.shop.step("a")]);
    let body = with(body, json!({ "request_timeout": 25, "retry_interval": 1 }));
    world.does("submit", &body);
    world.shop.wait_calls("/a/action", 1);
    // Everything that may hasten it, and three repeats of another that has the same interval.
    world.shop.answers("/b/action", [ongoing(), ongoing(), ongoing(), ok()]);
    world.does("submit", &with(saga("clock", [world.shop.step("b")]), json!({ "retry_interval": 1 })));
    for _ in 0..3 {
        world.does("submit", &body);
        world.does("resetNextCronTime", &json!({ "gid": "s" }));
        world.ask("resetCronTime", &[("timeout", "0")]).is(200);
    }
    world.wait("clock", "succeed");
    assert_eq!(world.shop.calls("/a/action").len(), 1, "called again while the first call runs");
    gate.open();
    world.wait("s", "succeed");
    assert_eq!(world.shop.calls("/a/action").len(), 1);
}

#[test]
fn reset_next_cron_time_has_one_transaction_go_on_now() {
    let world = World::start();
    for gid in ["s", "other"] {
        going_on(&world, gid, json!({ "retry_interval": 3600 }));
        world.wait_until(gid, |seen| seen["branches"][0]["next_attempt_at"].is_string());
        world.shop.answers(&format!("/{gid}/action"), [ok()]);
    }
    world.does("resetNextCronTime", &json!({ "gid": "s" }));
    world.wait("s", "succeed");
    assert_eq!(world.shop.calls("/other/action").len(), 1);
    is_fault(&world.verb("resetNextCronTime", &json!({ "gid": "unknown" })), "");
    is_fault(&world.verb("resetNextCronTime", &json!({})), "");
}

#[test]
fn reset_next_cron_time_asks_a_prepared_message_back_now() {
    let world = World::start();
    world.does("prepare", &with(world.checked("m", ["a"]), json!({ "timeout_to_fail": 3600 })));
    world.does("resetNextCronTime", &json!({ "gid": "m" }));
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["00.msg", "01.action"]);
}

#[test]
fn reset_cron_time_has_all_go_on_that_wait_for_long() {
    let world = World::start();
    let all = ["s1", "s2", "s3"];
    for gid in all {
        going_on(&world, gid, json!({ "retry_interval": 3600 }));
        world.wait_until(gid, |seen| seen["branches"][0]["next_attempt_at"].is_string());
        world.shop.answers(&format!("/{gid}/action"), [ok()]);
    }
    let reset = |parameters: &[(&str, &str)]| world.ask("resetCronTime", parameters).is(200).body.clone();
    assert_eq!(reset(&[("timeout", "7200")]), json!({ "has_remaining": false, "succeed_count": 0 }));
    assert_eq!(
        reset(&[("timeout", "60"), ("limit", "2")]),
        json!({ "has_remaining": true, "succeed_count": 2 })
    );
    assert_eq!(reset(&[]), json!({ "has_remaining": false, "succeed_count": 1 }));
    for gid in all {
        world.wait(gid, "succeed");
        assert_eq!(world.shop.calls(&format!("/{gid}/action")).len(), 2);
    }
}

#[test]
fn a_force_stop_ends_what_is_open_and_nobody_is_called_any_more() {
    let world = World::start();
    going_on(&world, "s", json!({}));
    world.prepared_tcc("t", &["a"]);
    world.does("prepare", &with(world.checked("m", ["b"]), json!({ "timeout_to_fail": 1 })));
    for gid in ["s", "t", "m"] {
        world.does("forceStop", &json!({ "gid": gid }));
        assert_eq!((world.status(gid).as_str(), &world.show(gid)["state"]), ("failed", &json!("stopped")));
        is_failure(&world.verb("forceStop", &json!({ "gid": gid })), "");
    }
    let called = world.shop.calls("/s/action").len();
    let delay = json!({ "custom_data": "{\"delay\":1}" });
    world.does("submit", &with(world.message("clock", ["c"]), delay));
    world.wait("clock", "succeed");
    assert!(world.shop.calls("/s/action").len() <= called + 1, "it is called on");
    for path in ["/a/cancel", "/a/confirm", "/b", "/check", "/s/compensate"] {
        assert!(world.shop.calls(path).is_empty(), "{path} was called");
    }
    is_failure(&world.verb("submit", &tcc("t")), "current status 'failed', cannot sumbmit");
}

#[test]
fn an_answer_that_comes_after_a_force_stop_changes_nothing() {
    let world = World::start();
    for (gid, answer) in
        [("good", ok()), ("bad", crate::support::dtm::shop::failure("no")), ("down", says(500, ""))]
    {
        let gate = Gate::default();
        let path = format!("/{gid}/action");
        world.shop.answers(&path, [answer.behind(&gate)]);
        world.does("submit", &saga(gid, [world.shop.step(gid), world.shop.step("next")]));
        world.shop.wait_calls(&path, 1);
        world.does("forceStop", &json!({ "gid": gid }));
        gate.open();
        world.passes_time(&format!("clock-{gid}"));
        assert_eq!(world.status(gid), "failed");
        assert_eq!((world.show(gid)["state"].as_str(), world.shop.calls(&path).len()), (Some("stopped"), 1));
        assert!(world.shop.calls(&format!("/{gid}/compensate")).is_empty());
    }
    assert!(world.shop.calls("/next/action").is_empty());
}

#[test]
fn a_force_stop_of_what_is_final_unknown_or_unnamed_is_refused() {
    let world = World::start();
    world.does("submit", &with(saga("s", [world.shop.step("a")]), json!({ "wait_result": true })));
    is_failure(&world.verb("forceStop", &json!({ "gid": "s" })), "");
    assert_eq!(world.status("s"), "succeed");
    is_fault(&world.verb("forceStop", &json!({ "gid": "unknown" })), "");
    is_fault(&world.verb("forceStop", &json!({})), "");
}

#[test]
fn the_options_are_shown_as_they_were_given() {
    let world = World::start();
    let given = json!({
        "timeout_to_fail": 40, "retry_interval": 7, "request_timeout": 9, "retry_limit": 3, "wait_result": true,
        "branch_headers": { "x-a": "1" },
    });
    world.does("submit", &with(saga("s", [world.shop.step("a")]), given.clone()));
    let seen = world.query("s")["transaction"].clone();
    for (name, value) in given.as_object().unwrap() {
        assert_eq!(&seen[name], value, "{name} of {seen}");
    }
    assert_eq!(seen["concurrent"], false, "it is always there");
}
