//! Batches: results in order, duplicates, chains, dry runs, keys.

use super::{balances, outcomes, post_entries, sequence, shop};

#[tokio::test]
async fn entries_are_posted_in_order_and_repeats_told_apart() {
    let world = shop().await;
    let entries = r#"{"id":"e-1","from":"user:1","to":"shop","amount":"40.00"},
        {"id":"e-2","from":"user:1","to":"shop","amount":"70.00"},
        {"id":"e-3","from":"user:1","to":"shop","amount":"70.00","up_to":true},
        {"id":"e-4","from":"user:1","to":"shop","amount":"0.001"},
        {"id":"e-5","from":"user:1","to":"p:1","amount":"1.00"},
        {"id":"e-6","from":"user:1","to":"nobody","amount":"1.00"},
        {"id":"e-7","from":"user:1","to":"shop","amount":3}"#;
    let seen = post_entries(&world, entries).await;
    assert_eq!(
        outcomes(&seen),
        [
            "posted",
            "insufficient",
            "posted",
            "amount_invalid",
            "asset_mismatch",
            "account_unknown",
            "amount_invalid"
        ]
    );
    assert_eq!(seen.json()["results"][2]["amount"], "60.00");
    assert_eq!(seen.json()["results"][0].get("amount"), None);
    assert_eq!(balances(&world, "user:1").await, ["0.00", "0.00", "0.00"]);
    assert_eq!(balances(&world, "shop").await, ["100.00", "0.00", "100.00"]);
    let again = r#"{"id":"e-1","from":"user:1","to":"shop","amount":"40.00"},
        {"id":"e-1","from":"user:1","to":"shop","amount":"41.00"}"#;
    assert_eq!(outcomes(&post_entries(&world, again).await), ["duplicate", "id_mismatch"]);
    world.end().await;
}

#[tokio::test]
async fn what_has_no_id_is_told_the_one_it_got() {
    let world = shop().await;
    let seen = post_entries(&world, r#"{"from":"bank","to":"shop","amount":"1.00"}"#).await;
    let id = seen.json()["results"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 36, "{id}");
    let entries = world.get("/v1/accounts/shop/entries").await;
    assert_eq!(entries.json()["items"][0]["id"], id);
    world.end().await;
}

#[tokio::test]
async fn a_chain_succeeds_or_fails_as_one_across_kinds() {
    let world = shop().await;
    let members = |amount: &str| {
        format!(
            r#"{{"members":[{{"kind":"account","id":"new","asset":"eur","linked":true}},
            {{"kind":"entry","id":"x-1","from":"user:1","to":"new","amount":"10.00","linked":true}},
            {{"kind":"hold","id":"x-2","from":"new","to":"shop","amount":"{amount}"}},
            {{"kind":"entry","id":"x-3","from":"user:1","to":"shop","amount":"1.00"}}]}}"#
        )
    };
    let refused = world.post("/v1/batches", &members("10.01")).await;
    assert_eq!(outcomes(&refused), ["linked_refused", "linked_refused", "insufficient", "posted"]);
    assert_eq!(world.get("/v1/accounts/new").await.refusal(), (404, "account_unknown".into()));
    let done = world.post("/v1/batches", &members("9.00")).await;
    assert_eq!(outcomes(&done), ["opened", "posted", "held", "duplicate"]);
    assert_eq!(balances(&world, "new").await, ["10.00", "9.00", "1.00"]);
    let rest = r#"{"members":[{"kind":"capture","id":"c","hold":"x-2","amount":"4.00"},{"kind":"release","hold":"x-2"}]}"#;
    let seen = world.post("/v1/batches", rest).await;
    assert_eq!(outcomes(&seen), ["captured", "released"]);
    assert_eq!(
        (&seen.json()["results"][1]["id"], &seen.json()["results"][1]["amount"]),
        (&"x-2".into(), &"5.00".into())
    );
    assert_eq!(balances(&world, "new").await, ["6.00", "0.00", "6.00"]);
    world.end().await;
}

#[tokio::test]
async fn a_dry_run_answers_the_same_and_keeps_nothing() {
    let world = shop().await;
    let before = sequence(&world.get("/v1/accounts/shop").await);
    let body = r#"{"entries":[{"id":"d-1","from":"user:1","to":"shop","amount":"60.00"},
        {"id":"d-2","from":"user:1","to":"shop","amount":"60.00"}],"dry_run":true}"#;
    for _ in 0..2 {
        let seen = world.post_with_key("/v1/entries", body, "dry").await;
        assert_eq!(outcomes(&seen), ["posted", "insufficient"]);
        assert_eq!((&seen.json()["dry_run"], seen.header("idempotent-replayed")), (&true.into(), None));
    }
    assert_eq!(balances(&world, "user:1").await, ["100.00", "0.00", "100.00"]);
    assert_eq!(sequence(&world.get("/v1/accounts/shop").await), before, "nothing was kept");
    let real = world.post("/v1/entries", &body.replace("true", "false")).await;
    assert_eq!(
        (outcomes(&real), real.json().get("dry_run")),
        (vec!["posted".into(), "insufficient".into()], None)
    );
    world.end().await;
}

#[tokio::test]
async fn a_key_makes_a_batch_without_ids_repeatable() {
    let world = shop().await;
    let body = r#"{"entries":[{"from":"user:1","to":"shop","amount":"1.00"},{"from":"user:1","to":"shop","amount":"900.00"}]}"#;
    let first = world.post_with_key("/v1/entries", body, "k-1").await;
    assert_eq!(
        (outcomes(&first), first.header("idempotent-replayed")),
        (vec!["posted".into(), "insufficient".into()], None)
    );
    let again = world.post_with_key("/v1/entries", body, "\"k-1\"").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.json()["results"][0], first.json()["results"][0], "the first result, the first id");
    assert_eq!(balances(&world, "user:1").await[0], "99.00");
    let other = world.post_with_key("/v1/entries", &body.replace("1.00", "2.00"), "k-1").await;
    assert_eq!(other.refusal(), (422, "idempotency_mismatch".into()));
    world.end().await;
}
