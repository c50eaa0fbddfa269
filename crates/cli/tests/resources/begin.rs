//! What is refused when a transaction begins, and how a branch is shown.

use serde_json::{Value, json};

use crate::support::{message, saga, tcc, with};
use crate::world::{Engine, World, sql, take};

#[test]
fn what_a_resource_does_not_declare_is_refused_at_once() {
    let world = World::new(Engine::Sqlite);
    let refused = |spec: Value, code: &str, at: &str| {
        let reply = world.server.post("/v1/transactions", &spec);
        let seen = (reply.status, reply.body["code"].as_str(), reply.body["at"].as_str());
        let status = if code == "resource_unknown" { 404 } else { 400 };
        assert_eq!(seen, (status, Some(code), Some(at)), "{}", reply.text);
    };
    let branch = |parameters: Value| tcc("t", [sql("b", "stock", parameters)]);
    refused(tcc("t", [sql("b", "stok", json!({}))]), "resource_unknown", "/branches/0/resource");
    let redis = json!({"id": "b", "kind": "redis", "resource": "stock"});
    refused(tcc("t", [redis]), "resource_unknown", "/branches/0/resource");
    refused(tcc("t", [json!({"id": "b", "kind": "sql"})]), "field_missing", "/branches/0/resource");
    refused(branch(json!({"sku": "A"})), "field_missing", "/branches/0/parameters/n");
    refused(branch(json!({"sku": "A", "n": 1, "m": 1})), "field_unknown", "/branches/0/parameters/m");
    refused(branch(json!({"sku": "A", "n": "1"})), "field_invalid", "/branches/0/parameters/n");
    refused(branch(json!({"sku": "A", "n": 1.5})), "field_invalid", "/branches/0/parameters/n");
    refused(branch(json!([])), "field_invalid", "/branches/0/parameters");
    let strict = sql("b", "strict", json!({"sku": "A", "n": 1}));
    refused(saga("t", [strict.clone()]), "kind_unsupported", "/branches/0/resource");
    refused(message("t", [strict]), "kind_unsupported", "/branches/0/resource");
    let given = with(take(1), json!({"body": {}}));
    refused(tcc("t", [given]), "field_unexpected", "/branches/0/body");
    let interactive = with(tcc("t", [take(1)]), json!({"mode": "interactive"}));
    refused(interactive, "kind_unsupported", "/branches/0/kind");
    let call =
        json!({"id": "b", "kind": "call", "try": "sql:stock", "confirm": "sql:stock", "cancel": "sql:stock"});
    refused(tcc("t", [call]), "url_invalid", "/branches/0/try");
    assert_eq!(world.server.get("/v1/transactions/t").status, 404);
}

#[test]
fn a_branch_is_shown_as_what_it_was_asked_as() {
    let world = World::new(Engine::Sqlite);
    world.server.begin(&tcc("t", [take(1)]));
    let shown = world.server.wait_final("t");
    assert_eq!(shown["branches"][0]["kind"], "sql");
    assert_eq!(shown["branches"][0]["resource"], "stock");
    let replayed = world.server.begin(&tcc("t", [take(1)]));
    assert_eq!(replayed.status, 200);
    let other = world.server.post("/v1/transactions", &tcc("t", [take(2)]));
    assert_eq!((other.status, other.body["code"].as_str()), (422, Some("idempotency_mismatch")));
}
