//! Machines and items: declared, created, moved, read.

use super::{outcomes, sequence, shop};

const COUPON: &str = r#"{"name":"coupon","initial":"issued","states":{"issued":{},"locked":{"expires_to":"issued","after_ms":900000},
    "used":{"final":true}},"moves":{"lock":{"from":["issued"],"to":"locked","guard":["owner"]},
    "unlock":{"from":["locked"],"to":"issued"},"use":{"from":["locked"],"to":"used"}}}"#;

#[tokio::test]
async fn a_machine_has_versions_and_a_diagram() {
    let world = shop().await;
    let seen = world.post("/v1/machines", COUPON).await;
    assert_eq!((seen.status, &*seen.text), (200, r#"{"name":"coupon","version":1,"outcome":"declared"}"#));
    let again = world.post("/v1/machines", COUPON).await;
    assert_eq!(
        (&*again.text, again.header("idempotent-replayed")),
        (r#"{"name":"coupon","version":1,"outcome":"duplicate"}"#, Some("true"))
    );
    let next = world.post("/v1/machines", &COUPON.replace("900000", "5000")).await;
    assert_eq!(&*next.text, r#"{"name":"coupon","version":2,"outcome":"declared"}"#);
    let newest = world.get("/v1/machines/coupon").await;
    assert_eq!(
        (&newest.json()["version"], &newest.json()["states"]["locked"]["after_ms"]),
        (&2.into(), &5000.into())
    );
    assert!(newest.json()["diagram"].as_str().unwrap().starts_with("stateDiagram-v2\n"));
    let first = world.get("/v1/machines/coupon?version=1").await;
    assert_eq!(first.json()["states"]["locked"]["after_ms"], 900_000);
    assert!(sequence(&first) > 0);
    assert_eq!(world.get("/v1/machines/coupon?version=3").await.refusal(), (404, "machine_unknown".into()));
    assert_eq!(world.get("/v1/machines/ticket").await.refusal(), (404, "machine_unknown".into()));
    let broken = world.post("/v1/machines", &COUPON.replace("\"to\":\"used\"", "\"to\":\"gone\"")).await;
    assert_eq!(broken.refusal(), (400, "machine_invalid".into()));
    world.end().await;
}

#[tokio::test]
async fn a_coupon_cannot_be_used_twice() {
    let world = shop().await;
    world.post("/v1/machines", COUPON).await;
    let items = r#"{"items":[{"id":"C-1","machine":"coupon","owner":"user:1","attributes":{"worth":"5.00","n":3,"gift":true}},
        {"id":"C-2","machine":"ticket"}]}"#;
    assert_eq!(outcomes(&world.post("/v1/items", items).await), ["created", "machine_unknown"]);
    let moved = |name: &str, id: &str| {
        let body =
            format!(r#"{{"id":"{id}","move":"{name}","owner":"user:1","cause":{{"reason":"order 7"}}}}"#);
        let world = &world;
        async move { world.post("/v1/items/C-1/moves", &body).await }
    };
    let seen = world.post("/v1/items/C-1/moves", r#"{"id":"x","move":"lock","owner":"user:2"}"#).await;
    assert_eq!(seen.refusal(), (409, "guard_refused".into()));
    let seen = moved("lock", "m-1").await;
    assert_eq!((seen.status, seen.json()["state"].as_str()), (200, Some("locked")), "{}", seen.text);
    assert!(seen.json()["due_at"].is_string());
    let again = moved("lock", "m-1").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{}", again.text);
    assert_eq!(moved("use", "m-1").await.refusal(), (422, "id_mismatch".into()));
    let seen = moved("use", "m-2").await;
    assert_eq!(
        (seen.status, seen.json()["state"].as_str(), &seen.json()["final"]),
        (200, Some("used"), &true.into())
    );
    assert_eq!(moved("use", "m-3").await.refusal(), (409, "move_undeclared".into()));
    assert_eq!(
        world.post("/v1/items/C-9/moves", r#"{"move":"use"}"#).await.refusal(),
        (404, "item_unknown".into())
    );

    let item = world.get("/v1/items/C-1").await;
    let expected = concat!(
        r#"{"id":"C-1","machine":"coupon","version_of_machine":1,"state":"used","final":true,"owner":"user:1","#,
        r#""attributes":{"gift":true,"n":3,"worth":"5.00"},"due_at":null,"held":false,"version":2}"#
    );
    assert_eq!((item.status, &*item.text), (200, expected));
    let history = world.get("/v1/items/C-1/history").await.json();
    let steps: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["event"].as_str().unwrap().to_owned(), step["to"].as_str().unwrap().to_owned()))
        .collect();
    let pair = |event: &str, to: &str| (event.to_owned(), to.to_owned());
    assert_eq!(steps, [pair("created", "issued"), pair("moved", "locked"), pair("moved", "used")]);
    assert_eq!(
        (&history["items"][1]["move"], &history["items"][1]["cause"]["reason"]),
        (&"lock".into(), &"order 7".into())
    );
    world.end().await;
}
