//! Holds: one by one, each verb with its object and its refusals.

use super::{balances, outcomes, sequence, shop};

async fn held(world: &crate::world::World, hold: &str) {
    let seen = world.post("/v1/holds", &format!(r#"{{"holds":[{hold}]}}"#)).await;
    assert_eq!(outcomes(&seen), ["held"]);
}

#[tokio::test]
async fn a_hold_is_captured_in_parts_and_released() {
    let world = shop().await;
    held(&world, r#"{"id":"h/1","from":"user:1","to":"shop","amount":"30.00","cause":{"operator":"anna"}}"#)
        .await;
    assert_eq!(balances(&world, "user:1").await, ["100.00", "30.00", "70.00"]);
    let seen = world.get("/v1/holds/h%2F1").await;
    let expected = concat!(
        r#"{"id":"h/1","state":"held","from":"user:1","to":"shop","asset":"eur","amount":"30.00","captured":"0.00","#,
        r#""left":"30.00","expires_at":null,"owned":false}"#
    );
    assert_eq!((seen.status, &*seen.text), (200, expected));
    assert!(sequence(&seen) > 0);

    let part = r#"{"id":"c-1","amount":"10.00"}"#;
    let seen = world.post("/v1/holds/h%2F1/capture", part).await;
    assert_eq!(
        (seen.status, &seen.json()["captured"], &seen.json()["left"]),
        (200, &"10.00".into(), &"20.00".into())
    );
    assert_eq!(seen.header("idempotent-replayed"), None);
    let again = world.post("/v1/holds/h%2F1/capture", part).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    let other = world.post("/v1/holds/h%2F1/capture", r#"{"id":"c-1","amount":"11.00"}"#).await;
    assert_eq!(other.refusal(), (422, "id_mismatch".into()));
    assert!(sequence(&other) > 0, "a refusal by the state tells which state");
    let more = world.post("/v1/holds/h%2F1/capture", r#"{"amount":"20.01"}"#).await;
    assert_eq!(more.refusal(), (409, "capture_exceeds_hold".into()));
    let open = world.post("/v1/holds/h%2F1/reopen", "{}").await;
    assert_eq!(open.refusal(), (409, "hold_open".into()));

    let seen = world.post("/v1/holds/h%2F1/release", "").await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("released")), "{}", seen.text);
    let again = world.post("/v1/holds/h%2F1/release", "{}").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{}", again.text);
    let late = world.post("/v1/holds/h%2F1/capture", "").await;
    assert_eq!(late.refusal(), (409, "hold_closed".into()));
    assert_eq!(world.post("/v1/holds/none/capture", "").await.refusal(), (404, "hold_unknown".into()));
    assert_eq!(balances(&world, "user:1").await, ["90.00", "0.00", "90.00"]);

    let history = world.get("/v1/holds/h%2F1/history").await.json();
    let events: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|step| step["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["held", "captured", "released"]);
    assert_eq!(history["items"][0]["cause"]["operator"], "anna");
    assert_eq!(history["items"][1]["amount"], "10.00");
    world.end().await;
}

#[tokio::test]
async fn an_expired_hold_is_told_apart_and_reopened() {
    let world = shop().await;
    held(&world, r#"{"id":"h","from":"user:1","to":"shop","amount":"30.00","expires_in_ms":1}"#).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(world.post("/v1/holds/h/capture", "").await.refusal(), (409, "hold_expired".into()));
    assert_eq!(world.get("/v1/holds/h").await.json()["state"], "expired");
    assert_eq!(balances(&world, "user:1").await, ["100.00", "0.00", "100.00"]);
    let seen = world.post("/v1/holds/h/reopen", r#"{"id":"r-1","expires_at":"2200-01-01T00:00:00Z"}"#).await;
    assert_eq!(seen.refusal(), (400, "expiry_invalid".into()));
    let seen = world.post("/v1/holds/h/reopen", r#"{"id":"r-1","expires_in_ms":60000}"#).await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("held")), "{}", seen.text);
    let seen = world.post("/v1/holds/h/capture", "").await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("captured")), "{}", seen.text);
    assert_eq!(balances(&world, "shop").await[0], "30.00");
    world.end().await;
}

#[tokio::test]
async fn a_branchs_hold_is_the_branchs() {
    let world = shop().await;
    let begin = r#"{"id":"t/1","pattern":"tcc","branches":[{"id":"pay","kind":"await"},
        {"id":"money","kind":"hold","from":"user:1","to":"shop","amount":"25.00"}]}"#;
    let seen = world.post("/v1/transactions", begin).await;
    assert_eq!(
        (seen.status, seen.json()["branches"][1]["state"].as_str()),
        (202, Some("tried")),
        "{}",
        seen.text
    );
    let hold = world.get("/v1/holds/t%2F1%2Fmoney").await;
    assert_eq!(
        (hold.status, &hold.json()["owned"], &hold.json()["left"]),
        (200, &true.into(), &"25.00".into())
    );
    let taken = world.post("/v1/holds/t%2F1%2Fmoney/capture", "").await;
    assert_eq!(taken.refusal(), (409, "hold_owned".into()));
    let seen = world.post("/v1/transactions/t%2F1/branches/pay/signal", r#"{"outcome":"done"}"#).await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("confirmed")), "{}", seen.text);
    assert_eq!(world.get("/v1/holds/t%2F1%2Fmoney").await.json()["state"], "captured");
    assert_eq!(balances(&world, "shop").await[0], "25.00");
    world.end().await;
}
