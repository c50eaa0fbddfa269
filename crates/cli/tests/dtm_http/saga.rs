//! Sagas, step by step.

use serde_json::json;

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, broken, done, failure, of, ongoing, says, slow};

#[test]
fn a_saga_acts_in_order_and_payloads_arrive_byte_for_byte() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let payload = "{ \"amount\" : 30,\n \"ü\":\"\\u0000 FAILURE\" }";
    tercet.ok("submit", &and(shop.saga("s", 2), json!({"payloads": [payload, "null"]})));
    tercet.wait_status("s", "succeed");
    assert_eq!(shop.told(), ["/a1 action 01", "/a2 action 02"]);
    let heard = shop.heard();
    assert_eq!((heard[0].method.as_str(), heard[0].body.as_slice()), ("POST", payload.as_bytes()));
    assert_eq!(heard[1].body, b"null");
    assert_eq!(heard[0].headers["content-type"], "application/json");
    assert_eq!((heard[0].parameter("gid"), heard[0].parameter("trans_type")), ("s".into(), "saga".into()));
    assert_eq!(
        tercet.rows("s"),
        ["01 compensate prepared", "01 action succeed", "02 compensate prepared", "02 action succeed"]
    );
}

#[test]
fn a_failed_step_is_compensated_with_all_before_it_in_reverse_and_none_after_it() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a2", [failure()]);
    tercet.ok("submit", &shop.saga("s", 3));
    tercet.wait_status("s", "failed");
    assert_eq!(shop.told(), ["/a1 action 01", "/a2 action 02", "/c2 compensate 02", "/c1 compensate 01"]);
    assert_eq!(
        tercet.rows("s"),
        [
            "01 compensate succeed",
            "01 action succeed",
            "02 compensate succeed",
            "02 action failed",
            "03 compensate prepared",
            "03 action prepared"
        ]
    );
    assert_eq!(tercet.query("s")["transaction"]["rollback_reason"], "sold out");
}

#[test]
fn a_200_whose_result_says_failure_is_a_failure_and_words_in_a_body_are_none() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [says(200, r#"{"dtm_result":"FAILURE","message":"no"}"#)]);
    tercet.ok("submit", &shop.saga("result", 1));
    tercet.wait_status("result", "failed");
    shop.answers("/a1", [says(200, "all went well, no FAILURE and nothing ONGOING")]);
    tercet.ok("submit", &shop.saga("words", 1));
    tercet.wait_status("words", "succeed");
    let as_dtm = Tercet::with(&["--dtm-body-words"]);
    shop.answers("/a1", [says(200, "words about a FAILURE")]);
    as_dtm.ok("submit", &shop.saga("words", 1));
    as_dtm.wait_status("words", "failed");
}

#[test]
fn an_action_that_goes_on_or_fails_for_no_reason_is_asked_again() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [ongoing(), broken(), done()]);
    tercet.ok("submit", &shop.saga("s", 2));
    tercet.wait_status("s", "succeed");
    assert_eq!(shop.to("/a1").len(), 3);
    assert_eq!(shop.to("/a2").len(), 1);
}

#[test]
fn a_compensation_that_fails_is_repeated_until_it_succeeds() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [failure()]);
    shop.answers("/c1", [broken(), failure(), ongoing(), done()]);
    tercet.ok("submit", &shop.saga("s", 1));
    shop.wait("/c1", 2);
    assert_eq!(tercet.status("s"), "aborting");
    tercet.wait_status("s", "failed");
    assert_eq!(shop.to("/c1").len(), 4);
}

#[test]
fn submitted_again_it_is_accepted_while_it_runs_and_refused_at_its_end() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [slow(700)]);
    let saga = shop.saga("s", 1);
    tercet.ok("submit", &saga);
    tercet.ok("submit", &saga);
    tercet.wait_status("s", "succeed");
    assert_eq!(tercet.no("submit", &saga, 409), "current status 'succeed', cannot sumbmit");
    assert_eq!(shop.to("/a1").len(), 1, "it was called once");
    shop.answers("/a1", [failure()]);
    tercet.ok("submit", &shop.saga("f", 1));
    tercet.wait_status("f", "failed");
    assert_eq!(tercet.no("submit", &shop.saga("f", 1), 409), "current status 'failed', cannot sumbmit");
}

#[test]
fn a_gid_with_other_content_is_refused_and_nothing_more_runs() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("submit", &shop.saga("s", 1));
    tercet.wait_status("s", "succeed");
    tercet.no("submit", &shop.saga("s", 2), 409);
    assert_eq!(shop.heard().len(), 1);
}

#[test]
fn an_empty_url_is_a_success() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let steps =
        json!([{"action": "", "compensate": shop.url("/c1")}, {"action": shop.url("/a2"), "compensate": ""}]);
    shop.answers("/a2", [failure()]);
    tercet.ok("submit", &and(shop.saga("s", 2), json!({"steps": steps})));
    tercet.wait_status("s", "failed");
    assert_eq!(shop.told(), ["/a2 action 02", "/c1 compensate 01"]);
}

#[test]
fn a_time_out_rolls_back_what_was_begun() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a2", [ongoing()]);
    tercet.ok("submit", &and(shop.saga("s", 3), json!({"timeout_to_fail": 2})));
    tercet.wait_status("s", "failed");
    let told = shop.told();
    assert_eq!(told[told.len() - 2..], ["/c2 compensate 02", "/c1 compensate 01"]);
    assert!(!told.iter().any(|told| told.starts_with("/a3")));
}

#[test]
fn a_retry_limit_repeats_at_once_and_then_rolls_back() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [broken()]);
    let asked = json!({"retry_limit": 3, "retry_interval": 60, "wait_result": true});
    let words = tercet.no("submit", &and(shop.saga("s", 1), asked), 409);
    assert!(words.contains("failed 4 times"), "{words}");
    assert_eq!(shop.to("/a1").len(), 4, "one attempt and three repeats");
    shop.answers("/a1", [broken(), broken(), done()]);
    tercet.ok(
        "submit",
        &and(shop.saga("t", 1), json!({"retry_limit": 3, "retry_interval": 60, "wait_result": true})),
    );
}

#[test]
fn a_slow_branch_is_never_called_a_second_time_while_the_first_call_runs() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [slow(3_500)]);
    tercet.ok("submit", &and(shop.saga("s", 1), json!({"request_timeout": 25, "retry_interval": 1})));
    shop.wait("/a1", 1);
    tercet.ok("resetNextCronTime", &of("s", "saga"));
    tercet.ok("submit", &and(shop.saga("s", 1), json!({"request_timeout": 25, "retry_interval": 1})));
    tercet.wait_status("s", "succeed");
    assert_eq!(shop.to("/a1").len(), 1);
}

#[test]
fn a_call_that_takes_too_long_is_given_up_and_repeated_after_it() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [slow(1_600), done()]);
    tercet.ok("submit", &and(shop.saga("s", 1), json!({"request_timeout": 1, "retry_interval": 1})));
    tercet.wait_status("s", "succeed");
    let calls = shop.to("/a1");
    assert_eq!(calls.len(), 2);
    assert!(calls[1].began.duration_since(calls[0].began).as_millis() >= 1_400);
}

#[test]
fn fewer_payloads_than_steps_are_refused_and_nothing_is_kept() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let words = tercet.no("submit", &and(shop.saga("s", 2), json!({"payloads": ["{}"]})), 500);
    assert!(words.contains("index out of range"), "{words}");
    assert_eq!(tercet.query("s")["transaction"], json!(null));
}

#[test]
fn a_saga_without_steps_succeeds_and_one_that_is_prepared_is_refused() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("submit", &shop.saga("none", 0));
    tercet.wait_status("none", "succeed");
    tercet.no("prepare", &shop.saga("s", 1), 500);
}

#[test]
fn long_reasons_payloads_and_custom_data_survive() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let reason = "r".repeat(3_000);
    shop.answers("/a1", [says(409, &reason)]);
    let payload = format!("\"{}\"", "p".repeat(200_000));
    let custom = json!({"note": "c".repeat(5_000)}).to_string();
    tercet.ok("submit", &and(shop.saga("s", 1), json!({"payloads": [payload], "custom_data": custom})));
    tercet.wait_status("s", "failed");
    assert_eq!(shop.to("/a1")[0].body, payload.as_bytes());
    let transaction = tercet.query("s")["transaction"].clone();
    assert_eq!(
        (&transaction["rollback_reason"], &transaction["custom_data"]),
        (&json!(reason), &json!(custom))
    );
}

#[test]
fn what_real_clients_send_beside_is_accepted() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let python = json!({"custom_data": null, "query_prepared": null, "protocol": null, "timeout_to_fail": 0,
        "passthrough_headers": [], "branch_headers": {}, "request_timeout": 8, "status": "prepared"});
    tercet.ok("submit", &and(shop.saga("python", 1), python));
    let saga = shop.saga("java", 1).to_string();
    let java = format!(r#"{{"subType":null,"subType":"x",{}"#, &saga[1..]);
    let reply = tercet.send(("POST", "/api/dtmsvr/submit"), &[], java.as_bytes()).unwrap();
    assert_eq!(reply.text, r#"{"dtm_result":"SUCCESS"}"#, "no content type, a duplicate key");
    for gid in ["python", "java"] {
        tercet.wait_status(gid, "succeed");
    }
}

#[test]
fn what_is_no_request_is_a_500_with_words() {
    let tercet = Tercet::start();
    for (body, words) in [
        ("{", "no JSON"),
        ("[]", "JSON object"),
        ("{}", "trans_type"),
        (r#"{"trans_type":"saga"}"#, "no gid"),
        (r#"{"gid":"g","trans_type":"2pc"}"#, "unknown trans_type '2pc'"),
        (r#"{"gid":7,"trans_type":"saga"}"#, "gid must be a string"),
        (r#"{"gid":"g","trans_type":"saga","steps":[{"action":"ftp://x"}],"payloads":[""]}"#, "url_invalid"),
        (r#"{"gid":"g","trans_type":"saga","custom_data":"x"}"#, "custom_data"),
    ] {
        let reply = tercet.send(("POST", "/api/dtmsvr/submit"), &[], body.as_bytes()).unwrap();
        assert_eq!(reply.status, 500, "{body}: {}", reply.text);
        assert!(reply.body["message"].as_str().unwrap().contains(words), "{body}: {}", reply.text);
        assert_eq!(reply.body.get("dtm_result"), None);
    }
}
