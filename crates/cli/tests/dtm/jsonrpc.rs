//! JSON-RPC: the endpoint with its codes, and branches that are called by it.

use serde_json::{Value, json};

use crate::support::Reply;
use crate::support::dtm::shop::says;
use crate::world::{World, keys, saga, tcc, with};

impl World {
    fn rpc_raw(&self, text: &str) -> Reply {
        let reply = self.send(("POST", "/api/json-rpc"), &[], text.as_bytes()).unwrap();
        assert_eq!(keys(&reply.body), ["error", "id", "jsonrpc", "result"], "{}", reply.text);
        assert_eq!(reply.body["jsonrpc"], "2.0");
        reply
    }

    fn rpc(&self, method: &str, params: &Value) -> Value {
        let ask = json!({ "jsonrpc": "2.0", "id": "one", "method": method, "params": params });
        let reply = self.rpc_raw(&ask.to_string());
        assert_eq!((reply.status, &reply.body["id"]), (200, &json!("one")), "{}", reply.text);
        reply.body
    }

    fn rpc_does(&self, method: &str, params: &Value) {
        let body = self.rpc(method, params);
        assert_eq!(
            (&body["error"], &body["result"]),
            (&Value::Null, &json!({ "dtm_result": "SUCCESS" })),
            "{body}"
        );
    }

    /// The code of an error, which must have words.
    fn rpc_fails(&self, method: &str, params: &Value) -> (i64, String) {
        failed(&self.rpc(method, params))
    }

    fn rpc_step(&self, name: &str) -> Value {
        let url = |method: &str| self.shop.url(&format!("/{name}?method={method}"));
        json!({ "action": url("do"), "compensate": url("undo") })
    }
}

fn failed(body: &Value) -> (i64, String) {
    assert!(body["result"].is_null(), "{body}");
    assert_eq!(keys(&body["error"]), ["code", "message"], "{body}");
    (body["error"]["code"].as_i64().unwrap(), body["error"]["message"].as_str().unwrap().to_owned())
}

fn refuses(code: i64, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": "x", "result": null, "error": { "code": code, "message": message } })
        .to_string()
}

#[test]
fn a_tcc_is_driven_wholly() {
    let world = World::start();
    let body = world.rpc("newGid", &json!({}));
    assert_eq!((&body["error"], &body["result"]["dtm_result"]), (&Value::Null, &json!("SUCCESS")), "{body}");
    let gid = body["result"]["gid"].as_str().unwrap();
    assert_eq!(gid.len(), 22);
    world.rpc_does("prepare", &tcc(gid));
    world.rpc_does("registerBranch", &world.branch(gid, "01", "a"));
    world.rpc_does("registerBranch", &world.branch(gid, "02", "b"));
    world.rpc_does("submit", &tcc(gid));
    world.wait(gid, "succeed");
    assert_eq!(world.shop.order(), ["02.confirm", "01.confirm"]);
    world.rpc_does("prepare", &tcc("u"));
    world.rpc_does("abort", &tcc("u"));
    assert_eq!(world.wait("u", "failed")["branches"], json!([]));
}

#[test]
fn what_is_no_request_has_the_code_for_it() {
    let world = World::start();
    let parse = [
        "",
        "{",
        "[]",
        r#"{"jsonrpc":"2.0","id":1,"method":"newGid","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":"","method":"newGid"}"#,
        r#"{"jsonrpc":"2.0","method":"newGid"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"newGid"}"#,
    ];
    for text in parse {
        let reply = world.rpc_raw(text);
        assert_eq!((reply.status, failed(&reply.body).0), (400, -32700), "{text}: {}", reply.text);
    }
    let bad = [
        r#"{"id":"a","method":"newGid","params":{}}"#,
        r#"{"jsonrpc":"1.0","id":"a","method":"newGid","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"newGid","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":"a","params":{}}"#,
    ];
    for text in bad {
        let reply = world.rpc_raw(text);
        assert_eq!(
            (failed(&reply.body).0, &reply.body["id"]),
            (-32600, &json!("a")),
            "{text}: {}",
            reply.text
        );
    }
    for method in ["query", "prepareWorkflow", "forceStop", "NEWGID", ""] {
        assert_eq!(world.rpc_fails(method, &json!({})).0, -32601, "{method}");
    }
}

#[test]
fn a_conflict_and_a_fault_have_their_codes() {
    let world = World::start();
    let body = saga("s", [world.shop.step("a")]);
    world.rpc_does("submit", &with(body.clone(), json!({ "wait_result": true })));
    let (code, words) = world.rpc_fails("submit", &body);
    assert_eq!(code, -32901);
    assert!(words.contains("current status 'succeed', cannot sumbmit"), "{words}");
    let (code, words) = world.rpc_fails("registerBranch", &world.branch("unknown", "01", "a"));
    assert_eq!(code, -32901);
    assert!(words.contains("no trans with gid: unknown"), "{words}");
    assert_eq!(
        world.rpc_fails("submit", &with(saga("f", [world.shop.step("a")]), json!({ "payloads": [] }))).0,
        -32603
    );
    assert_eq!(world.rpc_fails("submit", &json!({})).0, -32603);
    world.shop.answers("/b/action", [says(409, "")]);
    let waits = with(saga("r", [world.shop.step("b")]), json!({ "wait_result": true }));
    assert_eq!(world.rpc_fails("submit", &waits).0, -32901);
    assert_eq!(world.status("r"), "failed");
}

#[test]
fn an_id_is_not_stripped() {
    let world = World::start();
    world.rpc_does("prepare", &tcc("a;b"));
    world.rpc_does("submit", &tcc("a;b"));
    world.wait("a;b", "succeed");
}

#[test]
fn a_branch_is_called_with_the_method_of_its_url_and_its_identity_among_the_parameters() {
    let world = World::start();
    world.shop.answers(
        "/b",
        [says(200, &refuses(-32901, "sold out")), says(200, r#"{"jsonrpc":"2.0","id":"x","result":{}}"#)],
    );
    let body = with(saga("s", [world.rpc_step("a"), world.rpc_step("b")]), json!({ "protocol": "json-rpc" }));
    world.does("submit", &body);
    let seen = world.wait("s", "failed");
    assert_eq!(seen["transaction"]["protocol"], "json-rpc");
    assert!(seen["transaction"]["rollback_reason"].as_str().unwrap().contains("sold out"), "{seen}");
    let calls = world.shop.all_calls();
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            let body = call.json();
            assert_eq!((&*call.method, &body["jsonrpc"]), ("POST", &json!("2.0")));
            assert!(body["id"].as_str().is_some_and(|id| !id.is_empty()), "{body}");
            assert_eq!(
                (&body["params"]["gid"], &body["params"]["trans_type"]),
                (&json!("s"), &json!("saga"))
            );
            let part = |value: &Value| value.as_str().unwrap().to_owned();
            let params = &body["params"];
            format!(
                "{} {} {} {}",
                part(&body["method"]),
                part(&params["branch_id"]),
                part(&params["op"]),
                params["n"]
            )
        })
        .collect();
    assert_eq!(told, ["do 01 action 1", "do 02 action 2", "undo 02 compensate 2", "undo 01 compensate 1"]);
}

#[test]
fn the_codes_of_a_branch_mean_failure_ongoing_or_nothing() {
    let world = World::start();
    let done = r#"{"jsonrpc":"2.0","id":"x","result":{"a":1},"error":null}"#;
    world.shop.answers(
        "/a",
        [
            says(200, &refuses(-32902, "wait")),
            says(200, &refuses(-32000, "broken")),
            says(500, ""),
            says(200, done),
        ],
    );
    let body = with(saga("s", [world.rpc_step("a")]), json!({ "protocol": "json-rpc" }));
    world.does("submit", &body);
    world.wait("s", "succeed");
    assert_eq!(world.shop.calls("/a").len(), 4);
}

#[test]
fn without_a_method_in_its_url_a_branch_is_called_as_over_http() {
    let world = World::start();
    world.does("submit", &with(saga("s", [world.shop.step("a")]), json!({ "protocol": "json-rpc" })));
    world.wait("s", "succeed");
    let call = world.shop.call("/a/action");
    assert_eq!((call.name().as_str(), call.text()), ("01.action", "{\"n\":1}"));
}
