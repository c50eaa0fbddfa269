//! Both views agree: what is begun by either is seen by both, in the terminal and in the meters too.

use serde_json::json;

use crate::support::Tercet;
use crate::world::{Dtm, Shop, failure};

#[test]
fn what_a_dtm_client_begins_is_seen_natively() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a2", [failure()]);
    tercet.ok("submit", &shop.saga("s", 2));
    tercet.wait_status("s", "failed");
    let shown = tercet.show("s");
    assert_eq!(
        (&shown["pattern"], &shown["state"], &shown["decision"]),
        (&json!("saga"), &json!("compensated"), &json!("cancel"))
    );
    assert_eq!(
        (&shown["reason"]["code"], &shown["reason"]["branch"]),
        (&json!("branch_refused"), &json!("02"))
    );
    assert_eq!(
        (&shown["branches"][0]["kind"], &shown["branches"][0]["state"]),
        (&json!("dtm"), &json!("compensated"))
    );
    let timeline = tercet.get("/v1/transactions/s/timeline").body.clone();
    let events: Vec<_> =
        timeline["items"].as_array().unwrap().iter().map(|item| item["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "begun",
            "action_done",
            "action_refused",
            "decided",
            "compensate_done",
            "compensate_done",
            "compensated"
        ]
    );
    let list = tercet.get("/v1/transactions?state=compensated").body.clone();
    assert_eq!(list["items"][0]["id"], "s");
    let metrics = tercet.get("/metrics").text;
    let line = r#"tercet_transactions_finished_total{pattern="saga",state="compensated"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn what_is_begun_natively_is_seen_by_dtm_clients() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let branch = |id: &str| json!({"id": id, "kind": "call", "try": shop.url("/t"), "confirm": shop.url("/c"), "cancel": shop.url("/x"), "body": {"n": 1}});
    tercet.begin(&json!({"id": "native", "pattern": "tcc", "branches": [branch("a"), branch("b")]}));
    tercet.wait_status("native", "succeed");
    let query = tercet.query("native");
    assert_eq!(query["transaction"]["trans_type"], "tcc");
    assert_eq!(
        tercet.rows("native"),
        ["a cancel prepared", "a confirm succeed", "b cancel prepared", "b confirm succeed"]
    );
    assert_eq!(query["branches"][1]["url"], shop.url("/c"));
    let all = tercet.look("all").body.clone();
    assert_eq!(all["transactions"][0]["gid"], "native");
    let awaited = json!({"id": "waits", "pattern": "tcc", "branches": [{"id": "pay", "kind": "await"}]});
    tercet.begin(&awaited);
    assert_eq!(tercet.status("waits"), "prepared");
    tercet.ok("abort", &crate::world::of("waits", "tcc"));
    tercet.wait_status("waits", "failed");
}

#[test]
fn the_terminal_shows_and_stops_them() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("submit", &shop.saga("done", 1));
    tercet.wait_status("done", "succeed");
    tercet.ok("prepare", &crate::world::of("open", "xa"));
    let run = |arguments: &[&str]| {
        let output = tercet.tx(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = run(&["show", "done"]);
    assert!(shown.contains("completed") && shown.contains("dtm"), "{shown}");
    assert!(run(&["timeline", "done"]).contains("action_done"));
    assert!(run(&["list", "--pattern", "xa"]).contains("open"));
    assert!(run(&["stop", "open", "--detail", "by hand"]).contains("stopped"));
    assert_eq!(tercet.status("open"), "failed");
}
