//! What real clients send, however odd, is taken; what cannot be meant is refused in words, with 500 and nothing begun.

use serde_json::{Value, json};

use crate::support::dtm::shop::failure;
use crate::world::{World, is_fault, is_success, saga, tcc, with};

#[test]
fn what_python_sends_is_taken() {
    let world = World::start();
    let python = json!({
        "custom_data": null, "query_prepared": null, "protocol": null, "timeout_to_fail": 0, "passthrough_headers": [],
        "branch_headers": {}, "request_timeout": 8, "retry_interval": 0, "wait_result": true, "concurrent": false,
        "rollback_reason": null, "status": null, "req_extra": null,
    });
    is_success(&world.verb("submit", &with(saga("s", [world.shop.step("a")]), python.clone())));
    assert_eq!(world.status("s"), "succeed");
    let base = with(tcc("t"), with(python, json!({ "steps": null, "payloads": null })));
    is_success(&world.verb("prepare", &base));
    let branch = with(world.branch("t", "01", "a"), json!({ "status": "prepared", "url": null }));
    is_success(&world.verb("registerBranch", &branch));
    is_success(&world.verb("submit", &base));
    assert_eq!(world.shop.order(), ["01.action", "01.confirm"]);
}

#[test]
fn what_java_sends_is_taken() {
    let world = World::start();
    let (action, compensate) = (world.shop.url("/a/action"), world.shop.url("/a/compensate"));
    let text = format!(
        r#"{{"subType":"SAGA","gid":"s","trans_type":"saga","subType":null,"custom_data":null,"wait_result":true,
            "steps":[{{"action":"{action}","compensate":"{compensate}"}}],"payloads":["{{}}"],"passthrough_headers":null,
            "query_prepared":null,"branch_headers":null,"protocol":"http","timeout_to_fail":null,"retry_interval":null}}"#
    );
    is_success(&world.verb_raw("submit", &text));
    let tcc = r#"{"subType":null,"gid":"t","subType":null,"trans_type":"tcc"}"#;
    is_success(&world.verb_raw("prepare", tcc));
    let branch = world.branch("t", "01", "a").to_string();
    let branch = branch.replacen('{', r#"{"subType":"TCC","subType":null,"#, 1);
    is_success(&world.verb_raw("registerBranch", &branch));
    is_success(&world.verb_raw("submit", tcc));
    world.wait("t", "succeed");
    assert_eq!(world.shop.order(), ["01.action", "01.confirm"]);
}

#[test]
fn what_node_and_php_send_is_taken() {
    let world = World::start();
    let unknown = json!({ "branch_headers": [], "req_extra": [], "nobody_knows": { "deep": [1, 2.5, null] }, "protocol": "" });
    is_success(&world.verb("prepare", &with(tcc("t"), unknown.clone())));
    let node = json!({ "try": world.shop.url("/a/try"), "status": "prepared" });
    is_success(&world.verb("registerTccBranch", &with(world.branch("t", "01", "a"), node)));
    is_success(&world.verb("submit", &with(tcc("t"), unknown)));
    world.wait("t", "succeed");
}

#[test]
fn no_content_type_is_asked_for() {
    let world = World::start();
    for (gid, content_type) in [("s", "text/plain"), ("t", "application/x-www-form-urlencoded"), ("u", "")] {
        let body = saga(gid, [world.shop.step("a")]).to_string();
        let headers = [("content-type", content_type)];
        is_success(&world.send(("POST", "/api/dtmsvr/submit"), &headers, body.as_bytes()).unwrap());
        world.wait(gid, "succeed");
    }
}

#[test]
fn line_breaks_and_semicolons_are_stripped_from_an_id() {
    let world = World::start();
    world.does("submit", &saga("a\nb\r;c", [world.shop.step("a")]));
    world.wait("abc", "succeed");
    assert_eq!(world.shop.call("/a/action").asked("gid"), "abc");
    world.does("prepare", &tcc("t;1"));
    world.does("registerBranch", &world.branch("t\n1", "01", "b"));
    world.does("submit", &tcc("t;1"));
    world.wait("t1", "succeed");
    assert_eq!(world.shop.call("/b/confirm").asked("gid"), "t1");
}

#[test]
fn an_id_has_1_to_128_bytes() {
    let world = World::start();
    world.does("prepare", &tcc(&"g".repeat(128)));
    assert_eq!(world.status(&"g".repeat(128)), "prepared");
    is_fault(&world.verb("prepare", &tcc(&"g".repeat(129))), "");
    is_fault(&world.verb("prepare", &tcc("")), "");
    is_fault(&world.verb("prepare", &json!({ "trans_type": "tcc" })), "");
    is_fault(&world.verb("prepare", &tcc("a\u{7}b")), "");
}

#[test]
fn reasons_payloads_and_data_of_the_client_may_be_long() {
    let world = World::start();
    let (reason, payload) = ("sold out ".repeat(300), "ü".repeat(150_000));
    world.shop.answers("/a/action", [failure(&reason)]);
    let custom = json!({ "note": "n".repeat(20_000) }).to_string();
    let body =
        with(saga("s", [world.shop.step("a")]), json!({ "payloads": [payload], "custom_data": custom }));
    world.does("submit", &body);
    let seen = world.wait("s", "failed");
    let told = seen["transaction"]["rollback_reason"].as_str().unwrap();
    assert!(told.contains(reason.trim_end()), "{} characters of {}", told.len(), reason.len());
    assert_eq!(seen["transaction"]["custom_data"], custom);
    assert!(
        world.shop.call("/a/action").text() == payload && world.shop.call("/a/compensate").text() == payload
    );

    world.prepared_tcc("t", &["a"]);
    world.does("abort", &with(tcc("t"), json!({ "rollback_reason": reason })));
    assert_eq!(world.wait("t", "failed")["transaction"]["rollback_reason"], reason);
}

#[test]
fn long_urls_are_taken() {
    let world = World::start();
    let tail = "p".repeat(1_800);
    let step = json!({ "action": world.shop.url(&format!("/a?x={tail}")), "compensate": "" });
    world.does("submit", &saga("s", [step]));
    world.wait("s", "succeed");
    assert_eq!(world.shop.call("/a").asked("x"), tail);
}

#[test]
fn a_saga_with_fewer_payloads_than_steps_is_refused() {
    let world = World::start();
    let body = saga("s", ["a", "b"].map(|name| world.shop.step(name)));
    is_fault(&world.verb("submit", &with(body.clone(), json!({ "payloads": ["{}"] }))), "");
    is_fault(&world.verb("submit", &with(body.clone(), json!({ "payloads": null }))), "");
    assert!(world.query("s")["transaction"].is_null());
    world.does("submit", &with(body, json!({ "payloads": ["1", "2", "3"] })));
    world.wait("s", "succeed");
}

#[test]
fn what_cannot_be_meant_is_refused_with_500_and_nothing_is_begun() {
    let world = World::start();
    let good = saga("s", [world.shop.step("a")]);
    let changes = [
        json!({ "trans_type": "none" }),
        json!({ "trans_type": null }),
        json!({ "gid": null }),
        json!({ "gid": 7 }),
        json!({ "steps": "no" }),
        json!({ "steps": [{ "action": "ftp://127.0.0.1/a" }] }),
        json!({ "steps": [{ "action": "no url" }] }),
        json!({ "payloads": [1] }),
        json!({ "custom_data": "{" }),
        json!({ "wait_result": "yes" }),
        json!({ "timeout_to_fail": "35" }),
    ];
    for change in changes {
        is_fault(&world.verb("submit", &with(good.clone(), change)), "");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(1_000), "]".repeat(1_000));
    for text in ["", "{", "[]", &deep, "null", "7", "{}", "\u{0}", "{\"gid\":\"s\"}"] {
        for verb in [
            "submit",
            "prepare",
            "abort",
            "registerBranch",
            "prepareWorkflow",
            "forceStop",
            "resetNextCronTime",
        ] {
            is_fault(&world.verb_raw(verb, text), "");
        }
    }
    is_fault(&world.verb("prepare", &good), "");
    assert!(world.query("s")["transaction"].is_null() && world.shop.all_calls().is_empty());
}

#[test]
fn a_branch_that_is_not_flat_texts_or_has_no_id_is_refused() {
    let world = World::start();
    world.does("prepare", &tcc("t"));
    let good = world.branch("t", "01", "a");
    for change in [
        json!({ "branch_id": "" }),
        json!({ "data": { "a": 1 } }),
        json!({ "confirm": 7 }),
        json!({ "gid": Value::Null }),
    ] {
        is_fault(&world.verb("registerBranch", &with(good.clone(), change)), "");
    }
    assert_eq!(world.query("t")["branches"], json!([]));
}

#[test]
fn a_body_beyond_the_limit_is_refused_in_words() {
    let world = World::start();
    let body = with(saga("s", [world.shop.step("a")]), json!({ "payloads": ["x".repeat(3_000_000)] }));
    is_fault(&world.verb("submit", &body), "");
    assert!(world.query("s")["transaction"].is_null());
}
