//! What is read: `query`, `all` and the small verbs; golden shapes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, failure, of};

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_finished_saga_has_the_shape_that_clients_know() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("submit", &and(shop.saga("s", 1), json!({"request_timeout": 5, "branch_headers": {"x": "y"}})));
    tercet.wait_status("s", "succeed");
    let query = tercet.query("s");
    assert_eq!(names(&query), ["branches", "transaction"]);
    assert_eq!(
        names(&query["transaction"]),
        [
            "branch_headers",
            "concurrent",
            "create_time",
            "finish_time",
            "gid",
            "id",
            "options",
            "payloads",
            "protocol",
            "request_timeout",
            "retry_interval",
            "status",
            "steps",
            "trans_type",
            "update_time"
        ]
    );
    let transaction = &query["transaction"];
    assert_eq!(transaction["steps"], json!([{"action": shop.url("/a1"), "compensate": shop.url("/c1")}]));
    assert_eq!(transaction["payloads"], json!(["{\"step\": 1}"]));
    assert_eq!((&transaction["protocol"], &transaction["concurrent"]), (&json!("http"), &json!(false)));
    let undo = &query["branches"][0];
    assert_eq!(
        names(undo),
        ["bin_data", "branch_id", "create_time", "gid", "id", "op", "status", "update_time", "url"]
    );
    assert_eq!((&undo["bin_data"], &undo["url"]), (&json!("eyJzdGVwIjogMX0="), &json!(shop.url("/c1"))));
    assert_eq!(
        names(&query["branches"][1]),
        [
            "bin_data",
            "branch_id",
            "create_time",
            "finish_time",
            "gid",
            "id",
            "op",
            "status",
            "update_time",
            "url"
        ]
    );
}

#[test]
fn a_rolled_back_tcc_has_the_shape_that_clients_know() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("prepare", &of("t", "tcc"));
    tercet.ok("registerBranch", &shop.branch("t", "01"));
    let open = tercet.query("t")["transaction"].clone();
    assert!(open["next_cron_time"].is_string() && open["next_cron_interval"] == 10, "{open}");
    tercet.ok("abort", &and(of("t", "tcc"), json!({"rollback_reason": "no"})));
    tercet.wait_status("t", "failed");
    let transaction = tercet.query("t")["transaction"].clone();
    assert_eq!(
        names(&transaction),
        [
            "concurrent",
            "create_time",
            "gid",
            "id",
            "options",
            "protocol",
            "rollback_reason",
            "rollback_time",
            "status",
            "trans_type",
            "update_time"
        ]
    );
}

#[test]
fn an_unknown_gid_is_null_and_none_at_all_an_error() {
    let tercet = Tercet::start();
    assert_eq!(tercet.query("nobody"), json!({"transaction": null, "branches": []}));
    assert_eq!(tercet.look("query").body, json!({"message": "no gid specified"}));
    assert_eq!(tercet.look("query?gid=").status, 500);
}

/// All gids of the pages that begin with this query.
fn pages(tercet: &Tercet, query: &str) -> Vec<String> {
    let (mut gids, mut position) = (Vec::new(), String::new());
    loop {
        let page = tercet.look(&format!("all?{query}&position={position}")).is(200).body.clone();
        let rows = page["transactions"].as_array().unwrap();
        gids.extend(rows.iter().map(|row| row["gid"].as_str().unwrap().to_owned()));
        position = page["next_position"].as_str().unwrap().to_owned();
        if position.is_empty() {
            return gids;
        }
    }
}

#[test]
fn all_is_paged_to_its_end_and_filtered() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    for at in 0..5 {
        tercet.ok("submit", &shop.saga(&format!("s{at}"), 1));
    }
    shop.answers("/a1", [failure()]);
    tercet.ok("submit", &shop.saga("bad", 1));
    tercet.ok("prepare", &of("t", "tcc"));
    for at in 0..5 {
        tercet.wait_status(&format!("s{at}"), "succeed");
    }
    tercet.wait_status("bad", "failed");
    let whole = pages(&tercet, "limit=2");
    assert_eq!((whole.len(), whole.iter().collect::<BTreeSet<_>>().len()), (7, 7), "each once: {whole:?}");
    assert_eq!(whole[..2], ["t", "bad"], "newest first");
    assert_eq!(pages(&tercet, "status=failed"), ["bad"]);
    assert_eq!(pages(&tercet, "status=prepared"), ["t"]);
    assert_eq!(pages(&tercet, "status=succeed&limit=3").len(), 5);
    assert_eq!(pages(&tercet, "transType=tcc"), ["t"]);
    assert_eq!(pages(&tercet, "transType=saga&status=succeed").len(), 5);
    let created = tercet.query("t")["transaction"]["create_time"].as_str().unwrap().to_owned();
    assert!(created.ends_with('Z'), "{created}");
    assert!(pages(&tercet, "createTimeEnd=1000").is_empty());
    assert_eq!(pages(&tercet, "createTimeStart=1000").len(), 7);
    assert!(pages(&tercet, "createTimeStart=99999999999999").is_empty());
    for wrong in ["status=done", "transType=2pc", "createTimeStart=today"] {
        assert_eq!(tercet.look(&format!("all?{wrong}")).status, 500, "{wrong}");
    }
}

#[test]
fn new_gids_are_new_and_the_small_verbs_answer() {
    let tercet = Tercet::start();
    let gid = || {
        let body = tercet.look("newGid").is(200).body.clone();
        assert_eq!(body["dtm_result"], "SUCCESS");
        body["gid"].as_str().unwrap().to_owned()
    };
    let gids: BTreeSet<String> = (0..50).map(|_| gid()).collect();
    assert!(gids.len() == 50 && gids.iter().all(|gid| gid.len() == 22), "{gids:?}");
    assert!(tercet.look("version").body["version"].as_str().unwrap().starts_with('v'));
    for method in ["GET", "POST", "PUT", "DELETE"] {
        let pong = tercet.send((method, "/api/ping"), &[], b"").unwrap();
        assert_eq!((pong.status, &*pong.text), (200, r#"{"msg":"pong"}"#));
    }
    let metrics = tercet.get("/api/metrics");
    assert!(
        metrics.status == 200 && metrics.text.contains("tercet_http_request_seconds"),
        "{}",
        metrics.text
    );
    assert_eq!(tercet.get("/api/dtmsvr/nothing").status, 404);
    assert_eq!(tercet.get("/api/dtmsvr/submit").status, 404);
}
