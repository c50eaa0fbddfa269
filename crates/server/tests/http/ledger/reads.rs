//! Reads: accounts now and then, their journals, lists and pages.

use super::{outcomes, post_entries, sequence, shop};

#[tokio::test]
async fn assets_are_declared_once_and_listed() {
    let world = shop().await;
    let again = world.post("/v1/assets", r#"{"code":"eur","scale":2}"#).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(&*again.text, r#"{"code":"eur","scale":2,"outcome":"duplicate"}"#);
    let other = world.post("/v1/assets", r#"{"code":"eur","scale":3}"#).await;
    assert_eq!(other.refusal(), (422, "asset_mismatch".into()));
    let wide = world.post("/v1/assets", r#"{"code":"wei","scale":19}"#).await;
    assert_eq!((wide.refusal(), wide.json()["at"].as_str()), ((400, "field_invalid".into()), Some("/scale")));
    let first = world.get("/v1/assets?limit=1").await.json();
    assert_eq!(first["items"][0]["code"], "eur");
    let next = first["next"].as_str().unwrap();
    let second = world.get(&format!("/v1/assets?limit=1&cursor={next}")).await;
    assert_eq!(&*second.text, r#"{"items":[{"code":"points","scale":0}],"next":null}"#);
    assert_eq!(&*world.get("/v1/assets/points").await.text, r#"{"code":"points","scale":0}"#);
    assert_eq!(world.get("/v1/assets/usd").await.refusal(), (404, "asset_unknown".into()));
    world.end().await;
}

#[tokio::test]
async fn accounts_are_listed_by_prefix_in_pages() {
    let world = shop().await;
    let list: Vec<String> = (10..15).map(|n| format!(r#"{{"id":"user:{n}","asset":"eur"}}"#)).collect();
    world.post("/v1/accounts", &format!(r#"{{"accounts":[{}]}}"#, list.join(","))).await;
    let (mut ids, mut path) = (Vec::new(), "/v1/accounts?prefix=user%3A&limit=4".to_owned());
    loop {
        let seen = world.get(&path).await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        let page = seen.json();
        ids.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|account| account["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/accounts?prefix=user%3A&limit=4&cursor={next}");
    }
    assert_eq!(ids, ["user:1", "user:10", "user:11", "user:12", "user:13", "user:14"]);
    world.end().await;
}

#[tokio::test]
async fn an_account_is_read_as_it_is_and_as_it_was() {
    let world = shop().await;
    let entries = world.get("/v1/accounts/user%3A1/entries").await.json();
    let at = entries["items"][0]["at"].as_str().unwrap().to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let seen = post_entries(&world, r#"{"id":"e","from":"user:1","to":"shop","amount":"30.00"}"#).await;
    assert_eq!(outcomes(&seen), ["posted"]);
    let now = world.get("/v1/accounts/user%3A1").await;
    let expected = concat!(
        r#"{"id":"user:1","asset":"eur","floor":"zero","posted":"70.00","held":"0.00","available":"70.00","version":2,"#,
        r#""incoming":"0.00","ceiling":null,"standing":"active","lots":null}"#
    );
    assert_eq!((now.status, &*now.text), (200, expected));
    assert!(sequence(&now) >= sequence(&seen));
    let then = world.get(&format!("/v1/accounts/user%3A1?at={at}")).await;
    assert_eq!(
        (then.status, &then.json()["posted"], &then.json()["version"]),
        (200, &"100.00".into(), &1.into())
    );
    let before = world.get("/v1/accounts/user%3A1?at=1999-01-01T00:00:00Z").await;
    assert_eq!(before.json()["posted"], "0.00", "{}", before.text);
    world.end().await;
}

#[tokio::test]
async fn a_journal_is_told_both_ways_and_by_cause() {
    let world = shop().await;
    for n in 1..=5 {
        let operator = if n % 2 == 0 { "anna" } else { "bert" };
        let entry = format!(
            r#"{{"id":"e-{n}","from":"user:1","to":"shop","amount":"{n}.00","cause":{{"transaction":"t-{n}","operator":"{operator}"}}}}"#
        );
        assert_eq!(outcomes(&post_entries(&world, &entry).await), ["posted"]);
    }
    let ids = |path: &str| {
        let path = format!("/v1/accounts/shop/entries{path}");
        let world = &world;
        async move {
            let seen = world.get(&path).await;
            assert_eq!(seen.status, 200, "{}", seen.text);
            let page = seen.json();
            let ids: Vec<String> = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| line["id"].as_str().unwrap().to_owned())
                .collect();
            (ids, page["next"].as_str().map(str::to_owned))
        }
    };
    assert_eq!(ids("").await, (["e-1", "e-2", "e-3", "e-4", "e-5"].map(str::to_owned).to_vec(), None));
    assert_eq!(ids("?order=newest&limit=2").await.0, ["e-5", "e-4"]);
    let (first, next) = ids("?limit=3").await;
    assert_eq!(first, ["e-1", "e-2", "e-3"]);
    assert_eq!(ids(&format!("?limit=3&cursor={}", next.unwrap())).await.0, ["e-4", "e-5"]);
    assert_eq!(ids("?operator=anna").await.0, ["e-2", "e-4"]);
    assert_eq!(ids("?transaction=t-3").await.0, ["e-3"]);
    assert_eq!(ids("?until=1999-01-01T00:00:00Z").await.0, Vec::<String>::new());
    let line = world.get("/v1/accounts/shop/entries?transaction=t-3").await.json()["items"][0].clone();
    assert_eq!(
        (&line["amount"], &line["posted_after"], &line["other"]),
        (&"3.00".into(), &"6.00".into(), &"user:1".into())
    );
    assert_eq!(
        (&line["version"], &line["event"], &line["cause"]["operator"]),
        (&3.into(), &"posted".into(), &"bert".into())
    );
    world.end().await;
}

#[tokio::test]
async fn an_account_is_adjusted() {
    let world = shop().await;
    let seen = world
        .post("/v1/accounts/user%3A1/adjust", r#"{"id":"a-1","floor":"-50.00","ceiling":"500.00"}"#)
        .await;
    assert_eq!(
        (seen.status, &seen.json()["floor"], &seen.json()["ceiling"]),
        (200, &"-50.00".into(), &"500.00".into()),
        "{}",
        seen.text
    );
    let seen = world.post("/v1/accounts/user%3A1/adjust", r#"{"ceiling":null,"standing":"frozen"}"#).await;
    assert_eq!(
        (&seen.json()["ceiling"], &seen.json()["standing"]),
        (&serde_json::Value::Null, &"frozen".into())
    );
    let frozen = post_entries(&world, r#"{"from":"user:1","to":"shop","amount":"1.00"}"#).await;
    assert_eq!(outcomes(&frozen), ["account_frozen"]);
    let closed = world.post("/v1/accounts/user%3A1/adjust", r#"{"standing":"closed"}"#).await;
    assert_eq!(closed.refusal(), (409, "account_not_empty".into()));
    assert_eq!(world.post("/v1/accounts/no/adjust", "{}").await.refusal(), (404, "account_unknown".into()));
    world.end().await;
}
