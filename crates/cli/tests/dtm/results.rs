//! `wait_result`: what whoever waits is told, and that it is never told FAILURE of what may still succeed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::dtm::shop::{Gate, failure, ok, ongoing, says};
use crate::world::{QUICK_MS, World, is_failure, is_ongoing, is_success, saga, tcc, with};

fn waiting(body: Value) -> Value {
    with(body, json!({ "wait_result": true }))
}

#[test]
fn success_is_told_when_all_is_done() {
    let world = World::start();
    world.shop.answers("/b/action", [ok().after_ms(200)]);
    is_success(&world.verb("submit", &waiting(saga("s", ["a", "b"].map(|name| world.shop.step(name))))));
    assert_eq!(world.shop.order(), ["01.action", "02.action"]);
    assert_eq!(world.status("s"), "succeed");
    world.prepared_tcc("t", &["a", "b"]);
    is_success(&world.verb("submit", &waiting(tcc("t"))));
    assert_eq!(world.status("t"), "succeed");
}

#[test]
fn failure_is_told_with_its_reason_when_all_is_undone() {
    let world = World::start();
    world.shop.answers("/b/action", [failure("sold out")]);
    world.shop.answers("/a/compensate", [ok().after_ms(200)]);
    let reply = world.verb("submit", &waiting(saga("s", ["a", "b"].map(|name| world.shop.step(name)))));
    is_failure(&reply, "sold out");
    assert_eq!(world.status("s"), "failed");
}

#[test]
fn a_step_that_goes_on_is_told_as_ongoing_after_the_first_pass() {
    let world = World::start();
    world.shop.answers("/b/action", [ongoing(), ok()]);
    let body = waiting(with(
        saga("s", ["a", "b"].map(|name| world.shop.step(name))),
        json!({ "retry_interval": 1 }),
    ));
    let began = Instant::now();
    is_ongoing(&world.verb("submit", &body));
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    assert_eq!(world.shop.calls("/b/action").len(), 1, "the first pass asks once");
    world.wait("s", "succeed");
}

#[test]
fn a_step_that_fails_is_told_as_ongoing_for_it_may_still_succeed() {
    let world = World::start();
    world.shop.answers("/a/action", [says(500, "down"), ok()]);
    is_ongoing(&world.verb("submit", &waiting(saga("s", [world.shop.step("a")]))));
    world.wait("s", "succeed");
    assert!(world.shop.calls("/a/compensate").is_empty());
}

#[test]
fn a_confirm_that_fails_or_is_refused_is_told_as_ongoing() {
    let world = World::start();
    for (gid, answer) in [("t", says(500, "down")), ("u", failure("gone")), ("v", ongoing())] {
        world.shop.answers("/a/confirm", [answer, ok()]);
        world.prepared_tcc(gid, &["a"]);
        is_ongoing(&world.verb("submit", &waiting(tcc(gid))));
        world.wait(gid, "succeed");
    }
}

#[test]
fn a_compensation_that_fails_is_told_as_ongoing_until_it_is_done() {
    let world = World::start();
    world.shop.answers("/a/action", [failure("no")]);
    world.shop.answers("/a/compensate", [says(500, "down"), ok()]);
    is_ongoing(&world.verb("submit", &waiting(saga("s", [world.shop.step("a")]))));
    world.wait("s", "failed");
}

#[test]
fn a_slow_step_is_waited_for() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    let body = waiting(saga("s", [world.shop.step("a")]));
    let reply = std::thread::scope(|scope| {
        let waits = scope.spawn(|| world.verb("submit", &body));
        world.passes_time("clock");
        gate.open();
        waits.join().unwrap()
    });
    is_success(&reply);
}

#[test]
fn several_may_wait_for_one() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    let body = waiting(saga("s", [world.shop.step("a")]));
    std::thread::scope(|scope| {
        let waits: Vec<_> = (0..4).map(|_| scope.spawn(|| world.verb("submit", &body))).collect();
        world.shop.wait_calls("/a/action", 1);
        world.passes_time("clock");
        gate.open();
        waits.into_iter().for_each(|waits| is_success(&waits.join().unwrap()));
    });
    assert_eq!(world.shop.calls("/a/action").len(), 1);
}

#[test]
fn an_open_outcome_is_a_failure_where_the_server_is_told_so() {
    let quick = QUICK_MS.to_string();
    let world = World::with(&["--dtm-unfinished-is-failure", "--dtm-retry-interval-ms", &quick]);
    world.shop.answers("/a/action", [ongoing(), ok()]);
    let reply = world.verb("submit", &waiting(saga("s", [world.shop.step("a")])));
    is_failure(&reply, "wait result not return success: FAILURE");
    world.wait("s", "succeed");
}

#[test]
fn a_success_repeats_no_words_of_anybody() {
    let world = World::start();
    world.shop.answers("/a/action", [says(200, r#"{"note":"FAILURE"}"#)]);
    is_success(&world.verb("submit", &waiting(saga("FAILURE-1", [world.shop.step("a")]))));
    world.prepared_tcc("FAILURE-2", &["FAILURE"]);
    is_success(&world.verb("submit", &waiting(tcc("FAILURE-2"))));
}
