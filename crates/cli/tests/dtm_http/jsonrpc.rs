//! JSON-RPC: the verbs behind one path, and branch calls.

use serde_json::{Value, json};

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, of, says};

fn rpc(tercet: &Tercet, method: &str, params: Value) -> Value {
    let asked = json!({"jsonrpc": "2.0", "id": "7", "method": method, "params": params});
    tercet.post("/api/json-rpc", &asked).is(200).body.clone()
}

#[test]
fn the_verbs_answer_with_all_four_fields() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let reply = rpc(&tercet, "newGid", json!({}));
    assert_eq!(
        (&reply["jsonrpc"], &reply["id"], &reply["error"]),
        (&json!("2.0"), &json!("7"), &Value::Null)
    );
    assert_eq!(reply["result"]["gid"].as_str().unwrap().len(), 22);
    let success = json!({"jsonrpc": "2.0", "id": "7", "result": {"dtm_result": "SUCCESS"}, "error": null});
    assert_eq!(rpc(&tercet, "prepare", of("t", "tcc")), success);
    assert_eq!(rpc(&tercet, "registerBranch", shop.branch("t", "01")), success);
    assert_eq!(rpc(&tercet, "submit", of("t", "tcc")), success);
    tercet.wait_status("t", "succeed");
    assert_eq!(rpc(&tercet, "prepare", of("a", "tcc")), success);
    assert_eq!(rpc(&tercet, "abort", of("a", "tcc")), success);
}

#[test]
fn errors_have_their_codes() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let code = |body: &str, status: u16| {
        let reply = tercet.send(("POST", "/api/json-rpc"), &[], body.as_bytes()).unwrap();
        assert_eq!(reply.status, status, "{body}");
        assert_eq!(reply.body["result"], Value::Null);
        reply.body["error"]["code"].clone()
    };
    assert_eq!(code("{", 400), -32700);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":7,"method":"newGid"}"#, 400), -32700);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":"","method":"newGid"}"#, 400), -32700);
    assert_eq!(code(r#"{"jsonrpc":"1.0","id":"7","method":"newGid"}"#, 200), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":"7","method":"newGid","params":[]}"#, 200), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":"7","method":"query"}"#, 200), -32601);
    assert_eq!(rpc(&tercet, "submit", json!({}))["error"]["code"], -32603);
    shop.answers("/a1", [crate::world::failure()]);
    let failed = rpc(&tercet, "submit", and(shop.saga("f", 1), json!({"wait_result": true})));
    assert_eq!((&failed["error"]["code"], &failed["error"]["message"]), (&json!(-32901), &json!("sold out")));
    shop.answers("/a1", [crate::world::ongoing()]);
    let open =
        rpc(&tercet, "submit", and(shop.saga("o", 1), json!({"wait_result": true, "retry_interval": 60})));
    assert_eq!(open["error"]["code"], -32902);
}

#[test]
fn branches_are_called_over_json_rpc_where_their_url_names_a_method() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers(
        "/rpc",
        [
            says(200, r#"{"jsonrpc":"2.0","id":"1","result":null,"error":{"code":-32902,"message":"busy"}}"#),
            says(200, r#"{"jsonrpc":"2.0","id":"1","result":{},"error":null}"#),
            says(
                200,
                r#"{"jsonrpc":"2.0","id":"1","result":null,"error":{"code":-32901,"message":"sold out"}}"#,
            ),
            says(200, r#"{"jsonrpc":"2.0","id":"1","result":{},"error":null}"#),
        ],
    );
    let url = |method: &str| shop.url(&format!("/rpc?method={method}"));
    let steps =
        json!([{"action": url("Out"), "compensate": url("Back")}, {"action": url("In"), "compensate": ""}]);
    let asked = json!({"protocol": "json-rpc", "steps": steps, "payloads": ["{\"amount\":3}", "{}"]});
    tercet.ok("submit", &and(shop.saga("s", 2), asked));
    tercet.wait_status("s", "failed");
    let bodies: Vec<Value> =
        shop.heard().iter().map(|heard| serde_json::from_slice(&heard.body).unwrap()).collect();
    let methods: Vec<_> = bodies.iter().map(|body| body["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["Out", "Out", "In", "Back"]);
    let params = json!({"amount": 3, "gid": "s", "trans_type": "saga", "branch_id": "01", "op": "action"});
    assert_eq!((&bodies[0]["params"], &bodies[0]["jsonrpc"]), (&params, &json!("2.0")));
    assert!(bodies[0]["id"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(tercet.query("s")["transaction"]["rollback_reason"], "sold out");
}
