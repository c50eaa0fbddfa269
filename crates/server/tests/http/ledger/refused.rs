//! Requests of the ledger that are refused as a whole: nothing of them is kept.

use super::shop;
use crate::world::{config, world_of};
use server::{Config, HttpLimits};

#[tokio::test]
async fn a_malformed_member_refuses_the_whole_request() {
    let world = shop().await;
    let good = r#"{"id":"good","from":"user:1","to":"shop","amount":"1.00"}"#;
    let cases = [
        (
            "/v1/entries",
            format!(r#"{{"entries":[{good},{{"from":"a","to":"b","amount":1.5}}]}}"#),
            "amount_invalid",
            "/entries/1/amount",
        ),
        (
            "/v1/entries",
            format!(r#"{{"entries":[{good},{{"from":"a","to":"b","amount":1e2}}]}}"#),
            "amount_invalid",
            "/entries/1/amount",
        ),
        (
            "/v1/entries",
            format!(r#"{{"entries":[{good},{{"from":"a","to":"b","amount":"1","foo":1}}]}}"#),
            "field_unknown",
            "/entries/1/foo",
        ),
        (
            "/v1/holds",
            format!(r#"{{"holds":[{good},{{"from":"a b","to":"b","amount":"1"}}]}}"#),
            "id_invalid",
            "/holds/1/from",
        ),
        ("/v1/entries", r#"{"entries":[]}"#.to_owned(), "field_invalid", "/entries"),
        ("/v1/batches", r#"{"members":[{"kind":"loan"}]}"#.to_owned(), "kind_unsupported", "/members/0/kind"),
        ("/v1/accounts/user%3A1/adjust", r#"{"standing":"gone"}"#.to_owned(), "field_invalid", "/standing"),
        ("/v1/items/i/moves", r#"{"id":"m"}"#.to_owned(), "field_missing", "/move"),
        (
            "/v1/machines",
            r#"{"name":"a b","initial":"a","states":{},"moves":{}}"#.to_owned(),
            "id_invalid",
            "/name",
        ),
    ];
    for (path, body, code, at) in cases {
        let seen = world.post(path, &body).await;
        assert_eq!(seen.refusal(), (400, code.to_owned()), "{path} {body}");
        assert_eq!(seen.json()["at"], at, "{path} {body}");
    }
    let shop = world.get("/v1/accounts/shop").await.json();
    assert_eq!((&shop["posted"], &shop["version"]), (&"0.00".into(), &0.into()), "nothing was kept");
    world.end().await;
}

#[tokio::test]
async fn batches_are_bounded_in_members_and_bytes() {
    let world = shop().await;
    let batch = |members: usize| {
        let list = vec![r#"{"from":"user:1","to":"shop","amount":"0.01"}"#; members].join(",");
        format!(r#"{{"entries":[{list}]}}"#)
    };
    let seen = world.post("/v1/entries", &batch(8_000)).await;
    assert_eq!((seen.status, seen.json()["results"].as_array().unwrap().len()), (200, 8_000));
    let seen = world.post("/v1/entries", &batch(8_001)).await;
    assert_eq!(
        (seen.refusal(), seen.json()["at"].as_str()),
        ((413, "batch_too_large".into()), Some("/entries"))
    );
    let large = " ".repeat(4 * 1024 * 1024 + 1);
    assert_eq!(world.post("/v1/entries", &large).await.refusal(), (413, "body_too_large".into()));
    assert_eq!(
        world.post("/v1/machines", &large[..1024 * 1024 + 1]).await.refusal(),
        (413, "body_too_large".into())
    );
    let deep = format!(r#"{{"entries":{}}}"#, "[".repeat(100_000));
    assert_eq!(world.post("/v1/entries", &deep).await.refusal(), (400, "json_too_deep".into()));
    world.end().await;
}

#[tokio::test]
async fn the_bytes_of_a_batch_are_a_setting() {
    let limits = HttpLimits { batch_bytes: 200, ..HttpLimits::default() };
    let world = world_of(Config { limits, ..config() }).await;
    let large = format!("{{\"entries\":[]{}}}", " ".repeat(200));
    assert_eq!(world.post("/v1/entries", &large).await.refusal(), (413, "body_too_large".into()));
    assert_eq!(world.post("/v1/transactions", &large).await.refusal(), (400, "field_unknown".into()));
    world.end().await;
}

#[tokio::test]
async fn reads_are_strict() {
    let world = shop().await;
    let cases = [
        ("/v1/accounts/none", 404, "account_unknown"),
        ("/v1/accounts/none?at=2026-01-01T00:00:00Z", 404, "account_unknown"),
        ("/v1/accounts/none/entries", 404, "account_unknown"),
        ("/v1/accounts/shop?at=yesterday", 400, "field_invalid"),
        ("/v1/accounts/shop?when=1", 400, "field_unknown"),
        ("/v1/accounts/shop/entries?order=best", 400, "field_invalid"),
        ("/v1/accounts/shop/entries?from=now", 400, "field_invalid"),
        ("/v1/accounts/shop/entries?cursor=zz", 400, "cursor_invalid"),
        ("/v1/accounts/a%20b", 400, "id_invalid"),
        ("/v1/accounts?limit=0", 400, "field_invalid"),
        ("/v1/accounts?cursor=0", 400, "cursor_invalid"),
        ("/v1/assets?prefix=a", 400, "field_unknown"),
        ("/v1/holds/none", 404, "hold_unknown"),
        ("/v1/holds/none/history", 404, "hold_unknown"),
        ("/v1/items/none", 404, "item_unknown"),
        ("/v1/items/none/history?limit=x", 400, "field_invalid"),
        ("/v1/machines/none?version=one", 400, "field_invalid"),
    ];
    for (path, status, code) in cases {
        assert_eq!(world.get(path).await.refusal(), (status, code.to_owned()), "{path}");
    }
    world.end().await;
}
