//! Options and their defaults, waiting for a result, retries by hand, forced stops.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, broken, done, failure, of, ongoing};

#[test]
fn waiting_for_the_result_tells_success_failure_and_that_it_goes_on_apart() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let waiting = |saga| and(saga, json!({"wait_result": true, "retry_interval": 20}));
    tercet.ok("submit", &waiting(shop.saga("good", 2)));
    assert_eq!(tercet.status("good"), "succeed");
    shop.answers("/a2", [failure()]);
    assert_eq!(tercet.no("submit", &waiting(shop.saga("bad", 2)), 409), "sold out");
    assert_eq!(tercet.status("bad"), "failed");
    for (gid, says) in [("ongoing", ongoing()), ("broken", broken())] {
        shop.answers("/a2", [says]);
        let begun = Instant::now();
        tercet.no("submit", &waiting(shop.saga(gid, 2)), 425);
        assert!(begun.elapsed() < Duration::from_secs(8), "told when the first pass is over");
        assert_eq!(tercet.status(gid), "submitted");
    }
    let as_dtm = Tercet::with(&["--dtm-unfinished-is-failure"]);
    as_dtm.no("submit", &waiting(shop.saga("dtm", 2)), 409);
    assert_eq!(as_dtm.status("dtm"), "submitted");
}

#[test]
fn a_confirm_and_an_abort_can_be_waited_for_too() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    for gid in ["c", "a", "o"] {
        tercet.ok("prepare", &and(of(gid, "tcc"), json!({"retry_interval": 20})));
        tercet.ok("registerBranch", &shop.branch(gid, "01"));
    }
    tercet.ok("submit", &and(of("c", "tcc"), json!({"wait_result": true})));
    assert_eq!(tercet.status("c"), "succeed");
    tercet.ok("abort", &and(of("a", "tcc"), json!({"wait_result": true})));
    assert_eq!(tercet.status("a"), "failed");
    shop.answers("/confirm", [broken()]);
    tercet.no("submit", &and(of("o", "tcc"), json!({"wait_result": true})), 425);
}

#[test]
fn branch_headers_go_with_every_call_but_cannot_shape_it() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a2", [failure()]);
    let headers = json!({"branch_headers": {"x-tenant": "7", "Content-Type": "text/plain", "host": "evil", "bad name": "x"}});
    tercet.ok("submit", &and(shop.saga("s", 2), headers));
    tercet.wait_status("s", "failed");
    for heard in shop.heard() {
        assert_eq!(
            (heard.headers["x-tenant"].as_str(), heard.headers["content-type"].as_str()),
            ("7", "application/json")
        );
        assert_ne!(heard.headers["host"], "evil");
        assert!(!heard.headers.keys().any(|name| name.starts_with("tercet-") || name == "traceparent"));
    }
    tercet.ok("prepare", &and(of("t", "tcc"), json!({"branch_headers": {"x-tenant": "8"}})));
    tercet.ok("registerBranch", &shop.branch("t", "01"));
    tercet.ok("submit", &of("t", "tcc"));
    assert_eq!(shop.wait("/confirm", 1)[0].headers["x-tenant"], "8");
}

#[test]
fn the_first_repeat_comes_after_the_interval_and_at_once_when_asked_for() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [broken(), done()]);
    tercet.ok("submit", &and(shop.saga("s", 1), json!({"retry_interval": 600})));
    shop.wait("/a1", 1);
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(shop.to("/a1").len(), 1, "not before its interval");
    let transaction = tercet.query("s")["transaction"].clone();
    assert_eq!(
        (&transaction["next_cron_interval"], &transaction["retry_interval"]),
        (&json!(600), &json!(600))
    );
    tercet.ok("resetNextCronTime", &json!({"gid": "s"}));
    tercet.wait_status("s", "succeed");
    tercet.no("resetNextCronTime", &json!({"gid": "s"}), 409);
    tercet.no("resetNextCronTime", &json!({"gid": "nobody"}), 500);
    tercet.no("resetNextCronTime", &json!({}), 500);
}

#[test]
fn many_can_be_had_to_go_on_at_once() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [broken(), broken(), broken(), done()]);
    for gid in ["s1", "s2", "s3"] {
        tercet.ok("submit", &and(shop.saga(gid, 1), json!({"retry_interval": 1_000})));
    }
    shop.wait("/a1", 3);
    assert_eq!(
        tercet.look("resetCronTime?timeout=5000").body,
        json!({"has_remaining": false, "succeed_count": 0})
    );
    let first = tercet.look("resetCronTime?timeout=100&limit=2").body.clone();
    assert_eq!(first, json!({"has_remaining": true, "succeed_count": 2}));
    shop.wait("/a1", 5);
    tercet.look("resetCronTime?timeout=100").is(200);
    for gid in ["s1", "s2", "s3"] {
        tercet.wait_status(gid, "succeed");
    }
}

#[test]
fn a_forced_stop_ends_whatever_is_not_final() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [ongoing()]);
    tercet.ok("submit", &shop.saga("s", 1));
    shop.wait("/a1", 1);
    tercet.ok("forceStop", &json!({"gid": "s"}));
    assert_eq!((tercet.status("s").as_str(), &tercet.show("s")["state"]), ("failed", &json!("stopped")));
    let calls = shop.heard().len();
    std::thread::sleep(Duration::from_millis(2_500));
    assert!(shop.heard().len() <= calls + 1, "nothing more is called");
    assert!(shop.to("/c1").is_empty(), "nothing is undone");
    tercet.no("forceStop", &json!({"gid": "s"}), 409);
    tercet.no("forceStop", &json!({"gid": "nobody"}), 500);
    tercet.ok("prepare", &of("t", "tcc"));
    tercet.ok("forceStop", &json!({"gid": "t"}));
    tercet.no("submit", &of("t", "tcc"), 409);
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
