//! Lists and timelines: every transaction exactly once over the pages, filters that all hold, open and finished alike.

use serde_json::{Value, json};

use crate::support::{Participant, Tercet, awaited, message, refused, saga, tcc, until, with};

fn ids(body: &Value) -> Vec<String> {
    body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Every id that a list gives over all its pages.
fn listed(server: &Tercet, query: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/transactions?{query}{cursor}"));
        all.extend(ids(&page.is(200).body));
        let Some(next) = page.body["next"].as_str() else { return all };
        assert!(all.len() <= 1_000, "a list that never ends");
        cursor = format!("&cursor={next}");
    }
}

#[test]
fn filters_hold_together_for_open_and_finished_ones() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "confirm", [refused("no")]);
    let labelled =
        |spec: Value, key: &str, value: &str| with(spec, json!({ "labels": { key: value, "all": "x" } }));
    server.begin(&labelled(tcc("open", [awaited("pay")]), "order", "1"));
    server.begin(&labelled(saga("saga", [awaited("pay")]), "order", "2"));
    server.begin(&labelled(message("done", [shop.deliver("mail")]), "order", "1"));
    server.wait_final("done");
    server.begin(&labelled(tcc("stuck", [shop.tcc("stock")]), "order", "3"));
    server.wait_until("stuck", |body| body["needs_attention"] == true);
    let cases: &[(&str, &[&str])] = &[
        ("", &["stuck", "done", "saga", "open"]),
        ("state=trying", &["open"]),
        ("state=running", &["saga"]),
        ("state=confirming", &["stuck"]),
        ("state=delivered", &["done"]),
        ("state=confirmed", &[]),
        ("pattern=tcc", &["stuck", "open"]),
        ("pattern=message", &["done"]),
        ("needs_attention=true", &["stuck"]),
        ("needs_attention=false", &["done", "saga", "open"]),
        ("label.order=1", &["done", "open"]),
        ("label.order=1&pattern=tcc", &["open"]),
        ("label.all=x&label.order=3", &["stuck"]),
        ("label.order=4", &[]),
        ("label.none=1", &[]),
    ];
    for (query, wanted) in cases {
        // The archive is written behind: what has just become final may be on its way.
        until(query, || (listed(&server, query) == *wanted).then_some(()));
    }
}

#[test]
fn created_after_and_before_cut_at_the_microsecond() {
    let server = Tercet::start();
    for id in ["a", "b", "c"] {
        server.begin(&tcc(id, [awaited("pay")]));
    }
    let at = server.show("b")["created_at"].as_str().unwrap().to_owned();
    assert_eq!(listed(&server, &format!("created_after={at}")), ["c", "b"]);
    assert_eq!(listed(&server, &format!("created_before={at}")), ["a"]);
    assert_eq!(listed(&server, &format!("created_after={at}&created_before={at}")), Vec::<String>::new());
    assert_eq!(
        listed(&server, "created_after=2000-01-01T00:00:00Z&created_before=2100-01-01T00:00:00%2B01:00")
            .len(),
        3
    );
}

#[test]
fn pages_give_each_once_while_new_ones_arrive() {
    let server = Tercet::start();
    for number in 0..30 {
        server.begin(&tcc(&format!("old-{number:02}"), [awaited("pay")]));
    }
    for number in (0..30).step_by(3) {
        let path = format!("/v1/transactions/old-{number:02}/branches/pay/signal");
        server.post(&path, &json!({ "outcome": "done" })).is(200);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for round in 0.. {
        server.begin(&tcc(&format!("new-{round:02}"), [awaited("pay")]));
        let page = server.get(&format!("/v1/transactions?limit=7{cursor}"));
        assert!(ids(&page.is(200).body).len() <= 7);
        seen.extend(ids(&page.body));
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let old: Vec<_> = seen.iter().filter(|id| id.starts_with("old")).cloned().collect();
    let wanted: Vec<_> = (0..30).rev().map(|number| format!("old-{number:02}")).collect();
    assert_eq!(old, wanted);
    assert!(seen.iter().filter(|id| id.starts_with("new")).count() <= 1, "{seen:?}");
}

#[test]
fn what_a_list_does_not_know_is_refused() {
    let server = Tercet::start();
    let refused = |query: &str| server.get(&format!("/v1/transactions?{query}"));
    for (query, code, at) in [
        ("stat=trying", "field_unknown", "/stat"),
        ("state=done", "field_invalid", "/state"),
        ("pattern=2pc", "field_invalid", "/pattern"),
        ("needs_attention=yes", "field_invalid", "/needs_attention"),
        ("limit=0", "field_invalid", "/limit"),
        ("limit=1001", "field_invalid", "/limit"),
        ("limit=x", "field_invalid", "/limit"),
        ("created_after=yesterday", "field_invalid", "/created_after"),
    ] {
        assert_eq!(refused(query).is_refusal(400, code).body["at"], at, "{query}");
    }
    refused("cursor=x").is_refusal(400, "cursor_invalid");
}

#[test]
fn a_timeline_comes_in_pages_and_in_order() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&tcc("t", [shop.tcc("a"), shop.tcc("b"), shop.tcc("c")]));
    server.wait_final("t");
    let whole = server.get("/v1/transactions/t/timeline").is(200).body["items"].clone();
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/transactions/t/timeline?limit=2{cursor}"));
        let part = page.is(200).body["items"].as_array().unwrap().clone();
        assert!(part.len() <= 2);
        items.extend(part);
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(Value::Array(items.clone()), whole);
    let sequences: Vec<_> = items.iter().map(|item| item["seq"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted() && sequences.len() == 9, "{sequences:?}");
    for item in &items {
        let names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["at", "branch", "detail", "event", "seq"]);
        assert!(item["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    }
    server.get("/v1/transactions/none/timeline").is_refusal(404, "transaction_unknown");
}
