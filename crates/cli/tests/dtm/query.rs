//! `query` and `all`: their shapes to the letter, the order of branches, paging and filters.

use serde_json::{Value, json};

use crate::support::dtm::shop::{failure, ongoing};
use crate::world::{World, is_fault, keys, micros, saga, tcc, with};

/// The same with every time that is one replaced, and every row's id.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                *field = match name.as_str() {
                    time if time.ends_with("_time") => {
                        assert!(micros(field) > 0);
                        json!("TIME")
                    }
                    "id" => json!(field.is_u64()),
                    _ => timeless(field.take()),
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = timeless(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

fn row(gid: &str, (url, data): (&str, &str), words: [&str; 3]) -> Value {
    let [branch, op, status] = words;
    let mut row = json!({
        "id": true, "create_time": "TIME", "update_time": "TIME", "gid": gid, "url": url, "bin_data": data,
        "branch_id": branch, "op": op, "status": status,
    });
    if status == "succeed" {
        row["finish_time"] = json!("TIME");
    }
    row
}

#[test]
fn a_saga_that_succeeded_looks_like_this() {
    let world = World::start();
    let body = saga("s", ["a", "b"].map(|name| world.shop.step(name)));
    world.does("submit", &with(body.clone(), json!({ "wait_result": true, "retry_interval": 5 })));
    let mut seen = timeless(world.query("s"));
    assert!(seen["transaction"]["options"].take().is_string());
    let url = |path: &str| world.shop.url(path);
    let wanted = json!({
        "transaction": {
            "id": true, "create_time": "TIME", "update_time": "TIME", "finish_time": "TIME", "gid": "s", "trans_type": "saga",
            "steps": body["steps"], "payloads": ["{\"n\":1}", "{\"n\":2}"], "status": "succeed", "protocol": "http",
            "options": null, "wait_result": true, "retry_interval": 5, "concurrent": false,
        },
        "branches": [
            row("s", (&url("/a/compensate"), "eyJuIjoxfQ=="), ["01", "compensate", "prepared"]),
            row("s", (&url("/a/action"), "eyJuIjoxfQ=="), ["01", "action", "succeed"]),
            row("s", (&url("/b/compensate"), "eyJuIjoyfQ=="), ["02", "compensate", "prepared"]),
            row("s", (&url("/b/action"), "eyJuIjoyfQ=="), ["02", "action", "succeed"]),
        ],
    });
    assert_eq!(seen, wanted);
}

#[test]
fn a_tcc_that_succeeded_looks_like_this() {
    let world = World::start();
    world.prepared_tcc("t", &["a", "b"]);
    world.does("submit", &with(tcc("t"), json!({ "wait_result": true })));
    let mut seen = timeless(world.query("t"));
    let transaction = seen["transaction"].as_object_mut().unwrap();
    transaction.remove("options");
    let url = |path: &str| world.shop.url(path);
    let (a, b) = ("eyJmb3IiOiJhIn0=", "eyJmb3IiOiJiIn0=");
    let wanted = json!({
        "transaction": {
            "id": true, "create_time": "TIME", "update_time": "TIME", "finish_time": "TIME", "gid": "t", "trans_type": "tcc",
            "status": "succeed", "protocol": "http", "concurrent": false,
        },
        "branches": [
            row("t", (&url("/a/cancel"), a), ["01", "cancel", "prepared"]),
            row("t", (&url("/a/confirm"), a), ["01", "confirm", "succeed"]),
            row("t", (&url("/b/cancel"), b), ["02", "cancel", "prepared"]),
            row("t", (&url("/b/confirm"), b), ["02", "confirm", "succeed"]),
        ],
    });
    assert_eq!(seen, wanted);
}

#[test]
fn what_failed_has_a_rollback_time_and_a_reason_and_no_finish_time() {
    let world = World::start();
    world.shop.answers("/a/action", [failure("no")]);
    world.does("submit", &saga("s", [world.shop.step("a")]));
    let seen = world.wait("s", "failed");
    let transaction = &seen["transaction"];
    assert!(micros(&transaction["rollback_time"]) >= micros(&transaction["create_time"]));
    assert!(!keys(transaction).contains(&"finish_time"), "{transaction}");
    let action = &seen["branches"][1];
    assert_eq!((&action["op"], &action["status"]), (&json!("action"), &json!("failed")));
    assert!(action["rollback_time"].is_string(), "{action}");
}

#[test]
fn what_is_open_says_when_it_goes_on() {
    let world = World::start();
    world.shop.answers("/a/action", [ongoing()]);
    world.does("submit", &with(saga("s", [world.shop.step("a")]), json!({ "retry_interval": 100 })));
    world.wait_until("s", |seen| seen["branches"][0]["next_attempt_at"].is_string());
    let transaction = world.query("s")["transaction"].clone();
    assert_eq!(transaction["next_cron_interval"], 100);
    assert!(micros(&transaction["next_cron_time"]) > micros(&transaction["update_time"]), "{transaction}");
    for absent in
        ["finish_time", "rollback_time", "rollback_reason", "result", "query_prepared", "custom_data"]
    {
        assert!(!keys(&transaction).contains(&absent), "{transaction}");
    }
}

#[test]
fn a_message_and_its_text_of_the_client_come_back() {
    let world = World::start();
    let custom = json!({ "delay": 0, "note": "x".repeat(3_000) }).to_string();
    let body = with(world.checked("m", ["a"]), json!({ "custom_data": custom }));
    world.does("prepare", &body);
    let seen = world.query("m");
    let transaction = &seen["transaction"];
    assert_eq!((&transaction["trans_type"], &transaction["status"]), (&json!("msg"), &json!("prepared")));
    assert_eq!(transaction["query_prepared"], body["query_prepared"]);
    assert_eq!(transaction["custom_data"], body["custom_data"]);
    assert_eq!(transaction["payloads"], body["payloads"]);
    assert_eq!(transaction["steps"][0]["action"], body["steps"][0]["action"]);
    assert_eq!(world.rows("m"), ["01 action prepared"]);
}

#[test]
fn an_unknown_id_is_null_and_no_id_an_error() {
    let world = World::start();
    assert_eq!(world.query("unknown"), json!({ "transaction": null, "branches": [] }));
    is_fault(&world.ask("query", &[("gid", "")]), "no gid specified");
    is_fault(&world.get("/api/dtmsvr/query"), "no gid specified");
}

impl World {
    fn all(&self, parameters: &[(&str, &str)]) -> (Vec<String>, String) {
        let body = self.ask("all", parameters).is(200).body.clone();
        assert_eq!(keys(&body), ["next_position", "transactions"], "{body}");
        let gid = |item: &Value| item["gid"].as_str().unwrap().to_owned();
        let gids = body["transactions"].as_array().unwrap().iter().map(gid).collect();
        (gids, body["next_position"].as_str().unwrap().to_owned())
    }
}

#[test]
fn all_is_paged_by_position_until_it_is_empty() {
    let world = World::start();
    for number in 0..23 {
        world.does("prepare", &tcc(&format!("t-{number}")));
    }
    let (mut seen, mut position, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let (gids, next) = world.all(&[("position", &position), ("limit", "5")]);
        assert!(gids.len() <= 5, "{gids:?}");
        seen.extend(gids);
        pages += 1;
        position = next;
        if position.is_empty() || pages > 30 {
            break;
        }
    }
    assert!((5..=6).contains(&pages), "{pages} pages");
    let wanted: Vec<_> = (0..23).rev().map(|number| format!("t-{number}")).collect();
    assert_eq!(seen, wanted, "newest first, each once");
    assert_eq!(world.all(&[]), (wanted, String::new()), "a page has a hundred rows");
}

#[test]
fn all_shows_transactions_as_query_does() {
    let world = World::start();
    world.does("submit", &with(saga("s", [world.shop.step("a")]), json!({ "wait_result": true })));
    let all = world.ask("all", &[]).is(200).body.clone();
    assert_eq!(all["transactions"], json!([world.query("s")["transaction"]]));
}

#[test]
fn all_is_filtered_by_status_type_and_time() {
    let world = World::start();
    let wait = json!({ "wait_result": true });
    world.does("submit", &with(saga("good", [world.shop.step("a")]), wait.clone()));
    world.shop.answers("/b/action", [failure("no")]);
    world.verb("submit", &with(saga("bad", [world.shop.step("b")]), wait)).is(409);
    world.shop.answers("/c/action", [ongoing()]);
    world.does("submit", &saga("open", [world.shop.step("c")]));
    world.does("prepare", &tcc("tcc"));
    world.does("prepare", &world.checked("msg", ["m"]));
    let gids = |parameters: &[(&str, &str)]| {
        let mut gids = world.all(parameters).0;
        gids.sort_unstable();
        gids
    };
    assert_eq!(gids(&[("status", "succeed")]), ["good"]);
    assert_eq!(gids(&[("status", "failed")]), ["bad"]);
    assert_eq!(gids(&[("status", "submitted")]), ["open"]);
    assert_eq!(gids(&[("status", "prepared")]), ["msg", "tcc"]);
    assert_eq!(gids(&[("transType", "saga")]), ["bad", "good", "open"]);
    assert_eq!(gids(&[("transType", "msg")]), ["msg"]);
    assert_eq!(gids(&[("transType", "tcc"), ("status", "succeed")]), [""; 0]);
    let created = |gid: &str| micros(&world.query(gid)["transaction"]["create_time"]) / 1_000;
    let (open, last) = (created("open").to_string(), created("msg").to_string());
    assert_eq!(gids(&[("createTimeStart", &open), ("createTimeEnd", &last), ("transType", "msg")]), ["msg"]);
    let later = (created("msg") + 1_000).to_string();
    assert_eq!(gids(&[("createTimeStart", &later)]), [""; 0]);
    let before = (created("good") - 1).to_string();
    assert_eq!(gids(&[("createTimeEnd", &before)]), [""; 0]);
    assert_eq!(gids(&[("createTimeStart", &before)]).len(), 5);
}

#[test]
fn aborting_is_a_status_to_filter_by() {
    let world = World::start();
    world.shop.answers("/a/cancel", [ongoing()]);
    world.prepared_tcc("t", &["a"]);
    world.does("abort", &tcc("t"));
    assert_eq!(world.all(&[("status", "aborting")]).0, ["t"]);
}

#[test]
fn all_by_id_shows_this_one() {
    let world = World::start();
    for gid in ["t-1", "t-10", "t-2"] {
        world.does("prepare", &tcc(gid));
    }
    assert_eq!(world.all(&[("gid", "t-1")]), (vec!["t-1".to_owned()], String::new()));
    assert_eq!(world.all(&[("gid", "unknown")]), (Vec::new(), String::new()));
}
