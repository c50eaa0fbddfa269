//! TCC: registered branches, confirms and cancels in reverse order, nesting, time-outs, repeats.

use serde_json::json;

use crate::support::Http;
use crate::support::dtm::shop::{Gate, failure, ok, ongoing, says};
use crate::world::{QUICK_MS, World, is_failure, is_fault, is_success, tcc, with};

#[test]
fn branches_are_confirmed_in_the_reverse_order_of_their_registration() {
    let world = World::start();
    world.prepared_tcc("t", &["a", "b", "c"]);
    assert_eq!(world.status("t"), "prepared");
    assert!(world.shop.all_calls().is_empty(), "nobody is called before the submit");
    world.shop.answers("/c/confirm", [ok().after_ms(50)]);
    world.does("submit", &tcc("t"));
    world.wait("t", "succeed");
    assert_eq!(world.shop.order(), ["03.confirm", "02.confirm", "01.confirm"]);
    let calls = world.shop.all_calls();
    assert!(calls.windows(2).all(|pair| pair[0].end() <= pair[1].began), "two at once: {calls:#?}");
    let call = world.shop.call("/b/confirm");
    assert_eq!((&*call.method, call.text()), ("POST", "{\"for\":\"b\"}"));
    assert_eq!(["gid", "trans_type"].map(|name| call.asked(name)), ["t", "tcc"]);
    let wanted = ["cancel prepared", "confirm succeed"];
    let wanted: Vec<_> =
        ["01", "02", "03"].iter().flat_map(|id| wanted.map(|row| format!("{id} {row}"))).collect();
    assert_eq!(world.rows("t"), wanted);
}

#[test]
fn an_abort_cancels_in_reverse_order() {
    let world = World::start();
    world.prepared_tcc("t", &["a", "b"]);
    let body = with(tcc("t"), json!({ "rollback_reason": "the customer left" }));
    world.does("abort", &body);
    let seen = world.wait("t", "failed");
    assert_eq!(world.shop.order(), ["02.cancel", "01.cancel"]);
    assert_eq!(world.shop.call("/a/cancel").text(), "{\"for\":\"a\"}");
    assert_eq!(seen["transaction"]["rollback_reason"], "the customer left");
    let wanted = ["01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared"];
    assert_eq!(world.rows("t"), wanted);
}

#[test]
fn nested_branches_keep_their_ids_and_their_places() {
    let world = World::start();
    world.does("prepare", &tcc("t"));
    for (id, name) in [("01", "a"), ("0101", "b"), ("010101", "c"), ("0102", "d"), ("02", "e")] {
        world.does("registerBranch", &world.branch("t", id, name));
    }
    world.does("submit", &tcc("t"));
    world.wait("t", "succeed");
    let wanted = ["02.confirm", "0102.confirm", "010101.confirm", "0101.confirm", "01.confirm"];
    assert_eq!(world.shop.order(), wanted);
    let paths: Vec<_> = world.shop.all_calls().iter().map(|call| call.path.clone()).collect();
    assert_eq!(paths, ["/e/confirm", "/d/confirm", "/c/confirm", "/b/confirm", "/a/confirm"]);
}

#[test]
fn a_confirm_without_data_is_a_get_and_one_without_a_url_no_call() {
    let world = World::start();
    world.does("prepare", &tcc("t"));
    world.does("registerBranch", &with(world.branch("t", "01", "a"), json!({ "data": "" })));
    world.does("registerBranch", &with(world.branch("t", "02", "b"), json!({ "confirm": "", "cancel": "" })));
    world.does("submit", &tcc("t"));
    world.wait("t", "succeed");
    assert_eq!(world.shop.order(), ["01.confirm"]);
    let call = world.shop.call("/a/confirm");
    assert_eq!((&*call.method, call.body.len()), ("GET", 0));
    assert!(world.rows("t").contains(&"02 confirm succeed".to_owned()), "{:?}", world.rows("t"));
}

#[test]
fn what_is_never_submitted_is_cancelled_after_timeout_to_fail() {
    let world = World::start();
    world.does("prepare", &with(tcc("t"), json!({ "timeout_to_fail": 1 })));
    for (id, name) in [("01", "a"), ("02", "b")] {
        world.does("registerBranch", &world.branch("t", id, name));
    }
    assert_eq!(world.status("t"), "prepared");
    world.wait("t", "failed");
    assert_eq!(world.shop.order(), ["02.cancel", "01.cancel"]);
    is_failure(&world.verb("submit", &tcc("t")), "current status 'failed', cannot sumbmit");
}

#[test]
fn the_servers_own_timeout_to_fail_holds_where_the_client_names_none() {
    let world = World::with(&["--dtm-timeout-to-fail-ms", "1000"]);
    world.prepared_tcc("t", &["a"]);
    world.wait("t", "failed");
    assert_eq!(world.shop.order(), ["01.cancel"]);
}

#[test]
fn a_cancel_does_not_wait_for_a_try_that_still_runs() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/try", [ok().behind(&gate)]);
    world.prepared_tcc("t", &["a"]);
    let address = world.shop.url("").trim_start_matches("http://").parse().unwrap();
    let client = Http { address, token: None };
    std::thread::scope(|scope| {
        let tries = scope.spawn(|| {
            client.try_post("/a/try?gid=t&trans_type=tcc&branch_id=01&op=try", &json!({})).unwrap().status
        });
        world.shop.wait_calls("/a/try", 1);
        world.does("abort", &tcc("t"));
        world.wait("t", "failed");
        assert_eq!(world.shop.order(), ["01.try", "01.cancel"]);
        assert!(world.shop.call("/a/try").ended.is_none());
        gate.open();
        assert_eq!(tries.join().unwrap(), 200);
    });
    is_failure(&world.verb("registerBranch", &world.branch("t", "02", "b")), "no trans with gid: t");
    assert_eq!(world.shop.order(), ["01.try", "01.cancel"]);
}

#[test]
fn a_confirm_that_says_failure_needs_attention_with_its_reason_and_is_asked_again() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/b/confirm", [failure("the seat is gone"), ok().behind(&gate)]);
    world.prepared_tcc("t", &["a", "b"]);
    world.does("submit", &tcc("t"));
    let seen = world.wait_until("t", |seen| seen["needs_attention"] == true);
    let why = seen["branches"][1]["last_error"].as_str().unwrap();
    assert!(why.contains("the seat is gone"), "{why}");
    assert_eq!(world.status("t"), "submitted", "a refused confirm is no result");
    gate.open();
    world.wait("t", "succeed");
    assert_eq!(world.shop.order(), ["02.confirm", "02.confirm", "01.confirm"]);
    assert!(world.timeline("t").contains(&"attention_raised 02".to_owned()), "{:?}", world.timeline("t"));
}

#[test]
fn a_cancel_that_fails_is_asked_again_before_the_earlier_one() {
    let world = World::start();
    world.shop.answers("/b/cancel", [says(500, "down"), ongoing(), failure("no"), ok()]);
    world.prepared_tcc("t", &["a", "b"]);
    world.does("abort", &tcc("t"));
    world.wait("t", "failed");
    assert_eq!(world.shop.order(), ["02.cancel", "02.cancel", "02.cancel", "02.cancel", "01.cancel"]);
}

#[test]
fn a_branch_registered_again_is_a_success_when_identical_and_a_failure_otherwise() {
    let world = World::start();
    world.prepared_tcc("t", &["a"]);
    let same = world.branch("t", "01", "a");
    world.does("registerBranch", &same);
    let other = [json!({ "data": "{}" }), json!({ "confirm": world.shop.url("/elsewhere") })];
    for change in other {
        is_failure(&world.verb("registerBranch", &with(same.clone(), change)), "");
    }
    world.does("submit", &tcc("t"));
    world.wait("t", "succeed");
    assert_eq!(world.shop.order(), ["01.confirm"]);
    assert_eq!(world.shop.call("/a/confirm").text(), "{\"for\":\"a\"}");
}

#[test]
fn a_branch_registered_again_is_a_conflict_where_the_server_is_told_so() {
    let world = World::with(&["--dtm-registered-again-is-conflict"]);
    world.prepared_tcc("t", &["a"]);
    is_fault(&world.verb("registerBranch", &world.branch("t", "01", "a")), "UniqueKeyConflict");
}

#[test]
fn a_branch_is_registered_only_while_its_transaction_is_prepared() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/confirm", [ok().behind(&gate)]);
    let refused = |gid: &str| {
        let words = format!("no trans with gid: {gid} status: prepared found");
        is_failure(&world.verb("registerBranch", &world.branch(gid, "02", "b")), &words);
    };
    refused("unknown");
    world.prepared_tcc("t", &["a"]);
    world.does("submit", &tcc("t"));
    refused("t");
    gate.open();
    world.wait("t", "succeed");
    refused("t");
    world.does("prepare", &tcc("u"));
    world.does("abort", &tcc("u"));
    refused("u");
    assert_eq!(world.shop.order(), ["01.confirm"]);
}

#[test]
fn the_older_names_of_register_branch_work() {
    let world = World::start();
    world.does("prepare", &tcc("t"));
    let node = json!({ "try": world.shop.url("/a/try"), "status": "prepared" });
    world.does("registerTccBranch", &with(world.branch("t", "01", "a"), node));
    world.does("registerXaBranch", &world.branch("t", "02", "b"));
    world.does("submit", &tcc("t"));
    world.wait("t", "succeed");
    assert_eq!(world.shop.order(), ["02.confirm", "01.confirm"]);
}

#[test]
fn prepared_again_is_a_success_while_prepared_and_a_conflict_afterwards() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/confirm", [ok().behind(&gate)]);
    world.prepared_tcc("t", &["a"]);
    world.does("prepare", &tcc("t"));
    world.does("prepare", &with(tcc("t"), json!({ "timeout_to_fail": 30 })));
    world.does("submit", &tcc("t"));
    is_failure(&world.verb("prepare", &tcc("t")), "current status 'submitted', cannot prepare");
    gate.open();
    world.wait("t", "succeed");
    is_failure(&world.verb("prepare", &tcc("t")), "current status 'succeed', cannot prepare");
}

#[test]
fn aborted_again_is_a_success_while_it_is_undone_and_a_conflict_afterwards() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/cancel", [ok().behind(&gate)]);
    world.prepared_tcc("t", &["a"]);
    world.does("abort", &tcc("t"));
    world.shop.wait_calls("/a/cancel", 1);
    world.does("abort", &tcc("t"));
    assert_eq!(world.status("t"), "aborting");
    is_failure(&world.verb("submit", &tcc("t")), "current status 'aborting', cannot sumbmit");
    gate.open();
    world.wait("t", "failed");
    is_failure(&world.verb("abort", &tcc("t")), "current status 'failed', cannot abort");
    assert_eq!(world.shop.order(), ["01.cancel"]);
}

#[test]
fn what_is_submitted_is_not_aborted() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/confirm", [ok().behind(&gate)]);
    world.prepared_tcc("t", &["a"]);
    world.does("submit", &tcc("t"));
    is_failure(&world.verb("abort", &tcc("t")), "current status 'submitted', cannot abort");
    world.does("submit", &tcc("t"));
    gate.open();
    world.wait("t", "succeed");
    is_failure(&world.verb("abort", &tcc("t")), "current status 'succeed', cannot abort");
    is_failure(&world.verb("submit", &tcc("t")), "current status 'succeed', cannot sumbmit");
    assert_eq!(world.shop.order(), ["01.confirm"]);
}

#[test]
fn an_abort_that_does_not_say_of_what_type_changes_nothing() {
    let world = World::start();
    world.prepared_tcc("t", &["a"]);
    assert_ne!(world.verb("abort", &json!({ "gid": "t" })).status, 200);
    assert_ne!(world.verb("abort", &json!({ "gid": "t", "trans_type": "saga" })).status, 200);
    assert_eq!(world.status("t"), "prepared");
    is_fault(&world.verb("abort", &tcc("unknown")), "");
}

#[test]
fn submitted_without_a_prepare_it_ends_without_branches() {
    let world = World::start();
    world.does("submit", &tcc("t"));
    let seen = world.wait("t", "succeed");
    assert_eq!((&seen["transaction"]["trans_type"], &seen["branches"]), (&json!("tcc"), &json!([])));
    assert!(world.shop.all_calls().is_empty());
}

#[test]
fn whoever_waits_for_an_abort_is_answered_when_all_is_cancelled() {
    let quick = QUICK_MS.to_string();
    let world = World::with(&["--dtm-retry-interval-ms", &quick]);
    world.shop.answers("/a/cancel", [ok().after_ms(300)]);
    world.prepared_tcc("t", &["a"]);
    is_success(&world.verb("abort", &with(tcc("t"), json!({ "wait_result": true }))));
    assert_eq!(world.status("t"), "failed");
    assert!(world.show("t")["finished_at"].is_string());
}

#[test]
fn confirms_are_never_given_up() {
    let world = World::start();
    world.shop.answers("/b/confirm", [says(500, "down"), says(500, "down"), ongoing(), ok()]);
    world.prepared_tcc("t", &["a", "b"]);
    world.does("submit", &with(tcc("t"), json!({ "timeout_to_fail": 1 })));
    world.wait("t", "succeed");
    assert_eq!(world.shop.order(), ["02.confirm", "02.confirm", "02.confirm", "02.confirm", "01.confirm"]);
}

#[test]
fn ninety_nine_branches_registered_at_once_are_all_confirmed() {
    let world = World::start();
    world.does("prepare", &tcc("t"));
    std::thread::scope(|scope| {
        for first in 1..=4 {
            let world = &world;
            scope.spawn(move || {
                for number in (first..=99).step_by(4) {
                    world.does("registerBranch", &world.branch("t", &format!("{number:02}"), "a"));
                }
            });
        }
    });
    let registered: Vec<_> = world.rows("t").iter().step_by(2).map(|row| row[..2].to_owned()).collect();
    is_success(&world.verb("submit", &with(tcc("t"), json!({ "wait_result": true }))));
    let confirmed: Vec<_> = world.shop.order().iter().rev().map(|name| name[..2].to_owned()).collect();
    assert_eq!((confirmed.len(), confirmed), (99, registered));
}
