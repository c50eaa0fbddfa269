//! Requests that are refused: in the form of the API, and nothing kept.

use crate::world::{config, world, world_of};
use server::Config;
use std::sync::Arc;

#[tokio::test]
async fn every_refusal_has_its_status_and_code() {
    let world = world().await;
    let cases = [
        ("POST", "/v1/transactions", "{", 400, "json_invalid"),
        ("POST", "/v1/transactions", "", 400, "json_invalid"),
        ("POST", "/v1/transactions", r#"{"pattern":"tcc","deadline":1}"#, 400, "field_unknown"),
        ("POST", "/v1/transactions", r#"{"pattern":"tcc","deadline_ms":-1}"#, 400, "span_invalid"),
        ("POST", "/v1/transactions?wait_ms=1", r#"{"pattern":"tcc"}"#, 400, "field_unknown"),
        ("GET", "/v1/transactions/none", "", 404, "transaction_unknown"),
        ("GET", "/v1/transactions/none?wait=1", "", 400, "field_unknown"),
        ("GET", "/v1/transactions/a%0Ab", "", 400, "id_invalid"),
        ("GET", "/v1/transactions?state=lost", "", 400, "field_invalid"),
        ("GET", "/v1/transactions?cursor=zzz", "", 400, "cursor_invalid"),
        ("POST", "/v1/transactions/none/confirm", "", 404, "transaction_unknown"),
        ("POST", "/v1/transactions/none/confirm", "[]", 400, "json_invalid"),
        ("POST", "/v1/transactions/none/cancel", r#"{"why":1}"#, 400, "field_unknown"),
        ("POST", "/v1/transactions/none/branches", r#"{"id":"b"}"#, 404, "transaction_unknown"),
        ("POST", "/v1/transactions/none/branches/b/signal", "{}", 400, "field_missing"),
        ("POST", "/v1/transactions/none/branches/b/signal", r#"{"outcome":"maybe"}"#, 400, "field_invalid"),
        (
            "POST",
            "/v1/transactions/none/branches/b/signal",
            r#"{"outcome":"done"}"#,
            404,
            "transaction_unknown",
        ),
        ("POST", "/v1/transactions/none/retry", r#"{"x":1}"#, 400, "field_unknown"),
        ("GET", "/v2/transactions", "", 404, "path_unknown"),
        ("DELETE", "/v1/transactions", "", 405, "method_not_allowed"),
    ];
    for (method, path, body, status, code) in cases {
        let seen = world.ask(http::Request::builder().method(method).uri(path), body).await;
        assert_eq!(seen.refusal(), (status, code.to_owned()), "{method} {path} {body}");
    }
    let list = world.get("/v1/transactions").await;
    assert_eq!(list.json()["items"].as_array().map(Vec::len), Some(0), "nothing was kept");
    let denied = world.ask(http::Request::delete("/v1/transactions/a"), "").await;
    assert_eq!(denied.header("allow"), Some("GET"));
    world.end().await;
}

#[tokio::test]
async fn sizes_are_bounded() {
    let world = world().await;
    let signal = "/v1/transactions/none/branches/b/signal";
    let result = |bytes: usize| format!(r#"{{"outcome":"done","result":"{}"}}"#, "x".repeat(bytes));
    assert_eq!(world.post(signal, &result(65_534)).await.refusal().1, "transaction_unknown");
    assert_eq!(world.post(signal, &result(65_535)).await.refusal(), (413, "result_too_large".into()));
    let body = " ".repeat(1024 * 1024 + 1);
    assert_eq!(world.post("/v1/transactions", &body).await.refusal(), (413, "body_too_large".into()));
    world.end().await;
}

#[tokio::test]
async fn the_number_of_branches_is_bounded_when_they_come_one_by_one() {
    let limits = transaction::Limits { branches: 2, ..transaction::Limits::default() };
    let world = world_of(Config { transaction: limits, ..config() }).await;
    let begin = r#"{"id":"i","pattern":"tcc","mode":"interactive"}"#;
    assert_eq!(world.post("/v1/transactions", begin).await.status, 202);
    for (id, status) in [("a", 200), ("b", 200), ("c", 400), ("b", 200)] {
        let seen =
            world.post("/v1/transactions/i/branches", &format!(r#"{{"id":"{id}","kind":"await"}}"#)).await;
        assert_eq!(seen.status, status, "{}", seen.text);
    }
    world.end().await;
}

#[tokio::test]
async fn targets_that_are_never_called_are_refused_early() {
    let config = Config { targets: Some(Arc::new(|_| Err("nobody may be called".into()))), ..config() };
    let world = world_of(config).await;
    let body = r#"{"pattern":"saga","branches":[{"id":"b","kind":"call","action":"http://a/"}]}"#;
    let seen = world.post("/v1/transactions", body).await;
    assert_eq!(seen.refusal(), (400, "target_denied".into()));
    assert_eq!(seen.json()["at"], "/branches/0/action");
    world.end().await;
}
