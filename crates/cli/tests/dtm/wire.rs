//! What a call of a branch looks like: method, query, headers, body.

use serde_json::json;

use crate::support::dtm::shop::{Call, failure};
use crate::world::{World, saga, with};

fn identity(call: &Call) -> [&str; 4] {
    ["gid", "trans_type", "branch_id", "op"].map(|name| call.asked(name))
}

#[test]
fn a_payload_arrives_byte_for_byte_in_a_post_of_json() {
    let world = World::start();
    let payloads =
        ["{\"amount\": 30,  \"to\":\"jürg \u{1F600}\"}", "null", "no json, \t\"at all\"\u{0}", "[1,2"];
    let body = saga("s", ["a", "b", "c", "d"].map(|name| world.shop.step(name)));
    world.does("submit", &with(body, json!({ "payloads": payloads })));
    world.wait("s", "succeed");
    let calls = world.shop.all_calls();
    for ((call, payload), id) in calls.iter().zip(payloads).zip(["01", "02", "03", "04"]) {
        assert_eq!((&*call.method, call.text()), ("POST", payload));
        assert_eq!(identity(call), ["s", "saga", id, "action"]);
        assert_eq!(call.header("content-type"), "application/json");
    }
}

#[test]
fn a_call_without_a_payload_is_a_get() {
    let world = World::start();
    world.shop.answers("/a/action", [failure("no")]);
    world.does("submit", &with(saga("s", [world.shop.step("a")]), json!({ "payloads": [""] })));
    world.wait("s", "failed");
    for call in world.shop.all_calls() {
        assert_eq!((&*call.method, call.body.len()), ("GET", 0));
        assert_eq!(call.header("content-type"), "application/json");
    }
    assert_eq!(world.shop.order(), ["01.action", "01.compensate"]);
}

#[test]
fn the_identity_joins_a_query_that_is_there_already() {
    let world = World::start();
    let step = json!({ "action": world.shop.url("/a?tenant=7&empty=&enc=a%20b%26c"), "compensate": "" });
    world.does("submit", &saga("s", [step]));
    world.wait("s", "succeed");
    let call = world.shop.call("/a");
    assert_eq!(["tenant", "empty", "enc"].map(|name| call.asked(name)), ["7", "", "a b&c"]);
    assert_eq!(identity(&call), ["s", "saga", "01", "action"]);
    assert_eq!(call.query.len(), 7, "{:?}", call.query);
}

#[test]
fn an_id_of_any_printable_characters_goes_there_and_back() {
    let world = World::start();
    let gid = "ein gid & mehr/übrig?x=1+1%20#%\"'<>\\|~ \u{4E2D}\u{6587}";
    world.does("submit", &saga(gid, [world.shop.step("a")]));
    let seen = world.wait(gid, "succeed");
    assert_eq!(seen["transaction"]["gid"], gid);
    assert_eq!(seen["branches"][0]["gid"], gid);
    assert_eq!(identity(&world.shop.call("/a/action")), [gid, "saga", "01", "action"]);
}

#[test]
fn branch_headers_go_along_with_every_call() {
    let world = World::start();
    let headers = json!({ "branch_headers": { "X-Tenant": "forty two", "authorization": "Bearer t" } });
    world.shop.answers("/b/action", [failure("no")]);
    let body = saga("s", ["a", "b"].map(|name| world.shop.step(name)));
    world.does("submit", &with(body, headers.clone()));
    world.wait("s", "failed");
    world.does(
        "prepare",
        &with(world.checked("m", ["m"]), with(headers.clone(), json!({ "timeout_to_fail": 1 }))),
    );
    world.wait("m", "succeed");
    world.does("prepare", &with(json!({ "gid": "t", "trans_type": "tcc" }), headers));
    world.does("registerBranch", &world.branch("t", "01", "t"));
    world.does("submit", &json!({ "gid": "t", "trans_type": "tcc" }));
    world.wait("t", "succeed");
    let calls = world.shop.all_calls();
    assert_eq!(calls.len(), 4 + 2 + 1);
    for call in calls {
        assert_eq!(
            (call.header("x-tenant"), call.header("authorization")),
            ("forty two", "Bearer t"),
            "{}",
            call.path
        );
    }
}

#[test]
fn nothing_of_ours_goes_along() {
    let world = World::start();
    let traced = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
    let body = saga("s", [world.shop.step("a")]).to_string();
    world.send(("POST", "/api/dtmsvr/submit"), &traced, body.as_bytes()).unwrap().is(200);
    world.wait("s", "succeed");
    let call = world.shop.call("/a/action");
    let foreign = ["traceparent", "tracestate", "idempotency-key", "authorization", "signature"];
    let ours =
        call.headers.keys().find(|name| name.starts_with("tercet") || foreign.contains(&name.as_str()));
    assert_eq!(ours, None, "{:?}", call.headers);
    assert_eq!(call.query.len(), 4, "{:?}", call.query);
}

#[test]
fn branch_headers_cannot_shape_the_request() {
    let world = World::start();
    let headers = json!({
        "x-good": "1", "Content-Type": "text/plain", "host": "evil", "content-length": "1", "bad name": "x",
        "x-bad": "a\r\nb: c",
    });
    world.does("submit", &with(saga("s", [world.shop.step("a")]), json!({ "branch_headers": headers })));
    world.wait("s", "succeed");
    let call = world.shop.call("/a/action");
    assert_eq!(
        (call.header("x-good"), call.header("content-type"), call.text()),
        ("1", "application/json", "{\"n\":1}")
    );
    assert_ne!(call.header("host"), "evil");
    assert!(!call.headers.contains_key("b") && !call.headers.contains_key("x-bad"), "{:?}", call.headers);
}
