//! Sagas one step after another: their order, their way back, and what is submitted again.

use serde_json::json;

use crate::support::dtm::shop::{Gate, failure, ok, ongoing, says};
use crate::support::until;
use crate::world::{World, is_failure, is_success, saga, with};

#[test]
fn steps_run_one_after_another() {
    let world = World::start();
    world.shop.answers("/a/action", [ok().after_ms(100)]);
    world.does("submit", &saga("s", ["a", "b", "c"].map(|name| world.shop.step(name))));
    world.wait("s", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "02.action", "03.action"]);
    let calls = world.shop.all_calls();
    assert!(calls.windows(2).all(|pair| pair[0].end() <= pair[1].began), "two at once: {calls:#?}");
    let rows = world.rows("s");
    let wanted = [
        "01 compensate prepared",
        "01 action succeed",
        "02 compensate prepared",
        "02 action succeed",
        "03 compensate prepared",
        "03 action succeed",
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn a_refused_step_is_compensated_itself_then_those_before_it_in_reverse_and_none_after_it() {
    let world = World::start();
    world.shop.answers("/c/action", [failure("sold out")]);
    world.does("submit", &saga("s", ["a", "b", "c", "d"].map(|name| world.shop.step(name))));
    let seen = world.wait("s", "failed");
    let wanted = ["01.action", "02.action", "03.action", "03.compensate", "02.compensate", "01.compensate"];
    assert_eq!(world.shop.order(), wanted);
    let reason = seen["transaction"]["rollback_reason"].as_str().unwrap();
    assert!(reason.contains("sold out"), "{reason}");
    let wanted = [
        "01 compensate succeed",
        "01 action succeed",
        "02 compensate succeed",
        "02 action succeed",
        "03 compensate succeed",
        "03 action failed",
        "04 compensate prepared",
        "04 action prepared",
    ];
    assert_eq!(world.rows("s"), wanted);
    assert_eq!(
        world.shop.call("/b/compensate").text(),
        "{\"n\":2}",
        "a compensation gets its step's payload"
    );
}

#[test]
fn the_first_step_refused_is_compensated_alone() {
    let world = World::start();
    world.shop.answers("/a/action", [failure("no")]);
    world.does("submit", &saga("s", ["a", "b"].map(|name| world.shop.step(name))));
    world.wait("s", "failed");
    assert_eq!(world.shop.order(), ["01.action", "01.compensate"]);
}

#[test]
fn an_ongoing_step_is_asked_again_and_the_next_one_waits_for_it() {
    let world = World::start();
    world.shop.answers("/a/action", [ongoing(), ongoing(), ok()]);
    world.does("submit", &saga("s", ["a", "b"].map(|name| world.shop.step(name))));
    world.wait("s", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "01.action", "01.action", "02.action"]);
}

#[test]
fn a_step_that_was_ongoing_may_still_be_refused() {
    let world = World::start();
    world.shop.answers("/b/action", [ongoing(), failure("too late")]);
    world.does("submit", &saga("s", ["a", "b"].map(|name| world.shop.step(name))));
    world.wait("s", "failed");
    let wanted = ["01.action", "02.action", "02.action", "02.compensate", "01.compensate"];
    assert_eq!(world.shop.order(), wanted);
}

#[test]
fn a_compensation_that_fails_is_asked_again_until_it_succeeds_and_the_earlier_one_waits_for_it() {
    let world = World::start();
    let tries = [says(500, "down"), ongoing(), ok()];
    world.shop.answers("/b/action", [failure("no")]);
    world.shop.answers("/b/compensate", tries);
    world.does("submit", &saga("s", ["a", "b"].map(|name| world.shop.step(name))));
    world.wait("s", "failed");
    let wanted =
        ["01.action", "02.action", "02.compensate", "02.compensate", "02.compensate", "01.compensate"];
    assert_eq!(world.shop.order(), wanted);
}

#[test]
fn a_compensation_that_says_failure_needs_attention_and_is_asked_again() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/action", [failure("no")]);
    world.shop.answers("/a/compensate", [failure("cannot undo it"), ok().behind(&gate)]);
    world.does("submit", &saga("s", [world.shop.step("a")]));
    let seen = world.wait_until("s", |seen| seen["needs_attention"] == true);
    assert_eq!(world.status("s"), "aborting");
    let why = seen["branches"][0]["last_error"].as_str().unwrap();
    assert!(why.contains("cannot undo it"), "{why}");
    gate.open();
    world.wait("s", "failed");
    assert_eq!(world.show("s")["needs_attention"], false);
}

#[test]
fn submitted_again_while_it_runs_is_a_success_and_calls_nobody_twice() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    let body = saga("s", ["a", "b"].map(|name| world.shop.step(name)));
    for _ in 0..3 {
        world.does("submit", &body);
    }
    world.shop.wait_calls("/a/action", 1);
    world.does("submit", &body);
    world.passes_time("clock");
    assert_eq!(world.status("s"), "submitted");
    gate.open();
    world.wait("s", "succeed");
    assert_eq!((world.shop.calls("/a/action").len(), world.shop.calls("/b/action").len()), (1, 1));
}

#[test]
fn submitted_again_by_whoever_wants_the_result_now_is_no_conflict() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    let body = saga("s", [world.shop.step("a")]);
    world.does("submit", &body);
    world.shop.wait_calls("/a/action", 1);
    let reply = std::thread::scope(|scope| {
        let waits = scope.spawn(|| world.verb("submit", &with(body.clone(), json!({ "wait_result": true }))));
        world.passes_time("clock");
        gate.open();
        waits.join().unwrap()
    });
    is_success(&reply);
}

#[test]
fn submitted_after_its_end_is_a_conflict_in_dtms_words() {
    let world = World::start();
    let gate = Gate::default();
    let good = saga("good", [world.shop.step("a")]);
    world.does("submit", &good);
    world.wait("good", "succeed");
    is_failure(&world.verb("submit", &good), "current status 'succeed', cannot sumbmit");

    world.shop.answers("/b/action", [failure("no")]);
    world.shop.answers("/b/compensate", [ok().behind(&gate)]);
    let bad = saga("bad", [world.shop.step("b")]);
    world.does("submit", &bad);
    world.wait("bad", "aborting");
    is_failure(&world.verb("submit", &bad), "current status 'aborting', cannot sumbmit");
    gate.open();
    world.wait("bad", "failed");
    is_failure(&world.verb("submit", &bad), "current status 'failed', cannot sumbmit");
    assert_eq!(world.shop.order(), ["01.action", "01.action", "01.compensate"]);
}

#[test]
fn an_id_with_other_content_is_a_conflict_and_runs_nothing_more() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    world.does("submit", &saga("s", [world.shop.step("a")]));
    let other = saga("s", [world.shop.step("b")]);
    is_failure(&world.verb("submit", &other), "current status 'submitted', cannot sumbmit");
    gate.open();
    world.wait("s", "succeed");
    is_failure(&world.verb("submit", &other), "current status 'succeed', cannot sumbmit");
    assert_eq!(world.shop.order(), ["01.action"]);
}

#[test]
fn an_empty_url_is_a_success_without_a_call() {
    let world = World::start();
    let nothing_to_undo = json!({ "action": world.shop.url("/a/action"), "compensate": "" });
    let nothing_at_all = json!({ "action": "", "compensate": "" });
    let left_out = json!({ "action": world.shop.url("/b/action") });
    world.shop.answers("/c/action", [failure("no")]);
    let nothing_to_do = json!({ "action": "", "compensate": world.shop.url("/d/compensate") });
    let steps = [nothing_to_undo, nothing_at_all.clone(), left_out, nothing_to_do, world.shop.step("c")];
    world.does("submit", &saga("back", steps));
    world.wait("back", "failed");
    let wanted = ["01.action", "03.action", "05.action", "05.compensate", "04.compensate"];
    assert_eq!(world.shop.order(), wanted);
    assert!(world.rows("back").contains(&"02 action succeed".to_owned()), "{:?}", world.rows("back"));

    world.does("submit", &with(saga("empty", [nothing_at_all]), json!({ "wait_result": true })));
    assert_eq!(world.status("empty"), "succeed");
    world.does("submit", &with(saga("none", []), json!({ "wait_result": true })));
    assert_eq!(world.status("none"), "succeed");
}

#[test]
fn a_saga_that_takes_longer_than_timeout_to_fail_is_rolled_back() {
    let world = World::start();
    world.shop.answers("/b/action", [ongoing()]);
    let body = saga("s", ["a", "b", "c"].map(|name| world.shop.step(name)));
    world.does("submit", &with(body, json!({ "timeout_to_fail": 1 })));
    assert_eq!(world.status("s"), "submitted");
    let seen = world.wait("s", "failed");
    let order = world.shop.order();
    assert_eq!(order[order.len() - 2..], ["02.compensate", "01.compensate"], "{order:?}");
    assert!(world.shop.calls("/c/action").is_empty() && world.shop.calls("/c/compensate").is_empty());
    assert!(!seen["transaction"]["rollback_reason"].as_str().unwrap().is_empty());
}

#[test]
fn a_saga_without_timeout_to_fail_has_no_end_of_its_own() {
    let world = World::start();
    world.shop.answers("/a/action", [ongoing()]);
    world.does("submit", &saga("s", [world.shop.step("a")]));
    world.shop.wait_calls("/a/action", 2);
    assert!(world.show("s")["deadline_at"].is_null(), "{}", world.show("s"));
    assert_eq!(world.status("s"), "submitted");
}

#[test]
fn a_failing_action_is_repeated_retry_limit_times_at_once_and_then_rolled_back() {
    let world = World::with(&[]);
    world.shop.answers("/b/action", [says(500, "down")]);
    let body = saga("s", ["a", "b", "c"].map(|name| world.shop.step(name)));
    world.does("submit", &with(body, json!({ "retry_limit": 2, "retry_interval": 600 })));
    let seen = world.wait("s", "failed");
    let wanted = ["01.action", "02.action", "02.action", "02.action", "02.compensate", "01.compensate"];
    assert_eq!(world.shop.order(), wanted);
    assert!(seen["transaction"]["rollback_reason"].is_string(), "{seen}");
}

#[test]
fn an_action_that_succeeds_within_retry_limit_goes_on() {
    let world = World::with(&[]);
    world.shop.answers("/a/action", [says(500, "down"), says(500, "down"), ok()]);
    let body = saga("s", ["a", "b"].map(|name| world.shop.step(name)));
    world.does("submit", &with(body, json!({ "retry_limit": 2, "retry_interval": 600 })));
    world.wait("s", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "01.action", "01.action", "02.action"]);
}

#[test]
fn without_a_retry_limit_a_failing_action_is_asked_again_and_never_rolled_back() {
    let world = World::start();
    world.shop.answers("/a/action", [says(500, "down"), says(502, "down"), says(503, "down"), ok()]);
    world.does("submit", &saga("s", ["a", "b"].map(|name| world.shop.step(name))));
    world.wait("s", "succeed");
    assert_eq!(world.shop.calls("/a/action").len(), 4);
    assert!(world.shop.calls("/a/compensate").is_empty());
}

#[test]
fn the_same_saga_submitted_by_many_at_once_runs_once() {
    let world = World::start();
    let body = saga("s", ["a", "b"].map(|name| world.shop.step(name)));
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    std::thread::scope(|scope| {
        let submits: Vec<_> = (0..16).map(|_| scope.spawn(|| world.verb("submit", &body))).collect();
        submits.into_iter().for_each(|submit| is_success(&submit.join().unwrap()));
    });
    gate.open();
    world.wait("s", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "02.action"]);
}

#[test]
fn a_saga_is_not_aborted() {
    let world = World::start();
    world.shop.answers("/a/action", [ongoing(), ok()]);
    let body = saga("s", [world.shop.step("a")]);
    world.does("submit", &body);
    is_failure(&world.verb("abort", &body), "current status 'submitted', cannot abort");
    world.wait("s", "succeed");
    is_failure(&world.verb("abort", &body), "current status 'succeed', cannot abort");
}

#[test]
fn a_hundred_steps_are_run() {
    let world = World::start();
    let steps: Vec<_> = (0..100).map(|_| world.shop.step("a")).collect();
    let payloads: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let body = with(saga("s", []), json!({ "steps": steps, "payloads": payloads, "wait_result": true }));
    is_success(&world.verb("submit", &body));
    let order = world.shop.order();
    assert_eq!(
        (order.len(), &*order[8], &*order[9], &*order[99]),
        (100, "09.action", "10.action", "100.action")
    );
}

#[test]
fn a_call_that_the_breaker_keeps_back_is_none_of_the_repeats_that_retry_limit_counts() {
    let world = World::with(&[
        "--participant-breaker-failures",
        "3",
        "--participant-breaker-ms",
        "300",
        "--dtm-retry-interval-ms",
        "100",
    ]);
    world.shop.answers("/sick/action", [says(500, "down"), says(500, "down"), says(500, "down"), ok()]);
    world.does("submit", &saga("sick", [world.shop.step("sick")]));
    world.shop.wait_calls("/sick/action", 3);
    until("the breaker is open", || {
        let error = world.show("sick")["branches"][0]["last_error"].clone();
        error.as_str().is_some_and(|error| error.contains("breaker") || error.contains("500")).then_some(())
    });
    world.does("submit", &with(saga("s", [world.shop.step("a")]), json!({ "retry_limit": 1 })));
    until("s is final", || (world.status("s") != "submitted").then_some(()));
    let calls = world.shop.calls("/a/action").len();
    assert_eq!((world.status("s").as_str(), calls), ("succeed", 1), "{}", world.query("s"));
}
