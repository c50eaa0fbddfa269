//! Who may ask.

use server::{Config, Token};

use crate::world::{config, world, world_of};

#[tokio::test]
async fn tokens_guard_everything_but_health() {
    let tokens = vec![Token::new("shop", "s3cret"), Token::new("ops", "0ther")];
    let world = world_of(Config { tokens, ..config() }).await;
    for path in ["/v1/transactions", "/v1/transactions/x", "/metrics", "/v1/openapi.json"] {
        let seen = world.get(path).await;
        assert_eq!(seen.refusal(), (401, "unauthenticated".into()), "{path}");
        assert_eq!(seen.header("www-authenticate"), Some("Bearer"));
        let wrong = world.ask(http::Request::get(path).header("authorization", "Bearer s3cre"), "").await;
        assert_eq!(wrong.refusal(), (401, "unauthenticated".into()), "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    for secret in ["Bearer s3cret", "bearer 0ther"] {
        let seen =
            world.ask(http::Request::get("/v1/transactions").header("authorization", secret), "").await;
        assert_eq!(seen.status, 200, "{}", seen.text);
    }
    world.end().await;
}

#[tokio::test]
async fn without_tokens_a_page_of_another_site_may_not_ask() {
    let world = world().await;
    let from = |origin: &str| http::Request::post("/v1/transactions").header("origin", origin);
    let seen = world.ask(from("https://evil.example"), "{}").await;
    assert_eq!(seen.refusal(), (403, "origin_denied".into()));
    let seen = world.ask(from("http://localhost:8080"), "{}").await;
    assert_eq!(seen.refusal().1, "field_missing");
    world.end().await;
}
