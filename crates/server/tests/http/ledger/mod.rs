//! The verbs of the ledger, with the real engine behind them: statuses, headers and objects as a caller sees them.

mod batches;
mod holds;
mod items;
mod reads;
mod refused;

use crate::world::{Seen, World, world};

/// A server with euros and points, three accounts, and 100.00 of user:1's.
async fn shop() -> World {
    let world = world().await;
    assert_eq!(world.post("/v1/assets", r#"{"code":"eur","scale":2}"#).await.status, 200);
    assert_eq!(world.post("/v1/assets", r#"{"code":"points","scale":0}"#).await.status, 200);
    let accounts = r#"{"accounts":[{"id":"bank","asset":"eur","floor":"none"},{"id":"user:1","asset":"eur"},
        {"id":"shop","asset":"eur"},{"id":"issuer","asset":"points","floor":"none"},{"id":"p:1","asset":"points"}]}"#;
    assert_eq!(outcomes(&world.post("/v1/accounts", accounts).await), ["opened"; 5]);
    let seen = post_entries(&world, r#"{"id":"pay-in","from":"bank","to":"user:1","amount":"100.00"}"#).await;
    assert_eq!(outcomes(&seen), ["posted"]);
    world
}

async fn post_entries(world: &World, entries: &str) -> Seen {
    world.post("/v1/entries", &format!(r#"{{"entries":[{entries}]}}"#)).await
}

/// The outcome, or else the refusal's code, of each result.
fn outcomes(seen: &Seen) -> Vec<String> {
    assert_eq!(seen.status, 200, "{}", seen.text);
    assert!(sequence(seen) > 0, "{}", seen.text);
    let results = seen.json()["results"].clone();
    let word = |result: &serde_json::Value| {
        let code = result["refusal"]["code"].as_str();
        assert_eq!(code.is_some(), result["outcome"] == "refused", "{result}");
        code.or(result["outcome"].as_str()).unwrap().to_owned()
    };
    results.as_array().unwrap().iter().map(word).collect()
}

/// The journal sequence that an answer reflects.
fn sequence(seen: &Seen) -> u64 {
    let header = seen.header("tercet-sequence");
    header.unwrap_or_else(|| panic!("no sequence: {} {}", seen.status, seen.text)).parse().unwrap()
}

/// Posted, held and available of an account.
async fn balances(world: &World, account: &str) -> [String; 3] {
    let seen = world.get(&format!("/v1/accounts/{account}")).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    ["posted", "held", "available"].map(|field| seen.json()[field].as_str().unwrap().to_owned())
}
