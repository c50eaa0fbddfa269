//! Each verb once, with its status, its headers and the object it answers.

use crate::world::{World, world};

const AWAIT: &str =
    r#"{"id":"order/1","pattern":"tcc","labels":{"order":"1"},"branches":[{"id":"pay","kind":"await"}]}"#;

async fn begun() -> World {
    let world = world().await;
    let seen = world.post("/v1/transactions", AWAIT).await;
    assert_eq!(seen.status, 202, "{}", seen.text);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("idempotent-replayed"), None);
    assert_eq!(seen.json()["state"], "trying");
    world
}

#[tokio::test]
async fn an_await_transaction_from_begin_to_final() {
    let world = begun().await;
    let path = "/v1/transactions/order%2F1";
    let read = world.get(path).await;
    assert_eq!((read.status, read.json()["id"].as_str()), (200, Some("order/1")));

    let signal = format!("{path}/branches/pay/signal");
    let body = r#"{"outcome":"done","result":{"paid": "12.50"}}"#;
    let signalled = world.post(&signal, body).await;
    assert_eq!((signalled.status, signalled.json()["state"].as_str()), (200, Some("confirmed")));
    assert!(signalled.text.contains(r#""result":{"paid": "12.50"}"#), "byte for byte: {}", signalled.text);
    let sequence: u64 = signalled.header("tercet-sequence").unwrap().parse().unwrap();
    assert!(sequence >= signalled.json()["seq"].as_u64().unwrap());

    let again = world.post(&signal, body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    let other = world.post(&signal, r#"{"outcome":"refused"}"#).await;
    assert_eq!(other.refusal(), (409, "already_signalled".into()));
    let waited = world.get(&format!("{path}?wait_ms=60000")).await;
    assert_eq!((waited.status, waited.json()["state"].as_str()), (200, Some("confirmed")));
    assert_eq!(world.post(&format!("{path}/retry"), "").await.refusal(), (409, "already_final".into()));
    world.end().await;
}

#[tokio::test]
async fn a_known_id_is_replayed_and_other_content_refused() {
    let world = begun().await;
    let again =
        world.post("/v1/transactions", &AWAIT.replace("\"pattern\"", "\"wait_ms\":0, \"pattern\"")).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    let other = world.post("/v1/transactions", &AWAIT.replace("\"1\"}", "\"2\"}")).await;
    assert_eq!(other.refusal(), (422, "idempotency_mismatch".into()));
    world.end().await;
}

#[tokio::test]
async fn a_key_makes_a_request_without_an_id_repeatable() {
    let world = world().await;
    let body = r#"{"pattern":"tcc","branches":[{"id":"pay","kind":"await"}]}"#;
    let first = world.post_with_key("/v1/transactions", body, "\"key-1\"").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None));
    let waiting = body.replace("{\"pattern\"", "{\"wait_ms\":1,\"pattern\"");
    for body in [body, &waiting] {
        let again = world.post_with_key("/v1/transactions", body, "key-1").await;
        assert_eq!(
            (again.status, again.header("idempotent-replayed")),
            (200, Some("true")),
            "{}",
            again.text
        );
        assert_eq!(again.json()["id"], first.json()["id"]);
    }
    let other = world.post_with_key("/v1/transactions", &body.replace("pay", "paid"), "key-1").await;
    assert_eq!(other.refusal(), (422, "idempotency_mismatch".into()));
    let bad = world.post_with_key("/v1/transactions", body, "a b").await;
    assert_eq!(bad.refusal(), (400, "idempotency_key_invalid".into()));
    world.end().await;
}

#[tokio::test]
async fn a_managed_one_is_waited_for() {
    let world = world().await;
    let urls = r#""try":"http://a/ok","confirm":"http://a/ok","cancel":"http://a/ok""#;
    let body =
        format!(r#"{{"pattern":"tcc","wait_ms":10000,"branches":[{{"id":"b","kind":"call",{urls}}}]}}"#);
    let seen = world.post("/v1/transactions", &body).await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("confirmed")), "{}", seen.text);
    let seen = world.post("/v1/transactions", &body.replacen("/ok", "/refuse", 1)).await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("cancelled")), "{}", seen.text);
    assert_eq!(seen.json()["reason"]["branch"], "b");
    world.end().await;
}

#[tokio::test]
async fn an_interactive_one_takes_branches_and_a_decision() {
    let world = world().await;
    let seen = world.post("/v1/transactions", r#"{"id":"i","pattern":"tcc","mode":"interactive"}"#).await;
    assert_eq!(seen.status, 202, "{}", seen.text);
    let branch = r#"{"id":"b","kind":"call","confirm":"http://a/ok","cancel":"http://a/ok"}"#;
    let seen = world.post("/v1/transactions/i/branches", branch).await;
    assert_eq!((seen.status, seen.json()["branches"][0]["id"].as_str()), (200, Some("b")), "{}", seen.text);
    let again = world.post("/v1/transactions/i/branches", branch).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    let other = world.post("/v1/transactions/i/branches", &branch.replace("ok", "no")).await;
    assert_eq!(other.refusal(), (422, "branch_mismatch".into()));
    let saga =
        world.post("/v1/transactions/i/branches", r#"{"id":"c","kind":"call","action":"http://a/"}"#).await;
    assert_eq!(
        (saga.refusal(), saga.json()["at"].as_str()),
        ((400, "field_unexpected".into()), Some("/action"))
    );

    let seen = world.post("/v1/transactions/i/confirm", r#"{"wait_ms":10000}"#).await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("confirmed")), "{}", seen.text);
    let again = world.post("/v1/transactions/i/confirm", "").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(world.post("/v1/transactions/i/cancel", "").await.refusal(), (409, "already_decided".into()));
    world.end().await;
}

#[tokio::test]
async fn a_cancel_keeps_the_callers_words() {
    let world = begun().await;
    let seen = world
        .post("/v1/transactions/order%2F1/cancel", r#"{"detail":"changed my mind","wait_ms":5000}"#)
        .await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("cancelled")), "{}", seen.text);
    let reason = seen.json()["reason"].clone();
    assert_eq!(
        (reason["code"].as_str(), reason["detail"].as_str()),
        (Some("withdrawn"), Some("changed my mind"))
    );
    world.end().await;
}

#[tokio::test]
async fn lists_and_timelines_are_pages() {
    let world = begun().await;
    for number in 2..5 {
        let body = AWAIT.replace("order/1", &format!("order/{number}"));
        assert_eq!(world.post("/v1/transactions", &body).await.status, 202);
    }
    let mut ids = Vec::new();
    let mut path = "/v1/transactions?label.order=1&state=trying&limit=3".to_owned();
    let mut pages = 0;
    loop {
        let page = world.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.header("tercet-sequence").is_some());
        let page = page.json();
        ids.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/transactions?label.order=1&state=trying&limit=3&cursor={next}");
    }
    assert_eq!(ids, ["order/4", "order/3", "order/2", "order/1"]);
    assert!(pages >= 2);
    let timeline = world.get("/v1/transactions/order%2F1/timeline").await;
    let first = timeline.json()["items"][0].clone();
    assert_eq!(
        (first["event"].as_str(), first["seq"].as_u64()),
        (Some("begun"), Some(1)),
        "{}",
        timeline.text
    );
    assert_eq!(world.get("/v1/transactions/x/timeline").await.refusal(), (404, "transaction_unknown".into()));
    world.end().await;
}

#[tokio::test]
async fn health_metrics_and_the_document_are_served() {
    let world = begun().await;
    assert_eq!((world.get("/healthz").await.status, world.get("/readyz").await.status), (200, 200));
    let metrics = world.get("/metrics").await;
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    for line in [
        r#"tercet_http_request_seconds_count{route="transaction_begin",class="2xx"} 1"#,
        "tercet_http_requests_in_flight 1",
        "tercet_journal_durable_sequence 1",
    ] {
        assert!(metrics.text.contains(line), "{line} is not in\n{}", metrics.text);
    }
    assert!(metrics.text.ends_with("# EOF\n"));
    let document = world.get("/v1/openapi.json").await;
    assert!(document.json()["paths"]["/v1/transactions/{id}"].is_object());
    world.end().await;
}
