//! `tercet tx`: what a person at a terminal sees and decides.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Participant, Tercet, awaited, fails, refused, tcc, tercet, with};

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn a_person_signals_looks_and_lists() {
    let server = Tercet::start();
    server.begin(&with(tcc("order/1", [awaited("pay")]), json!({ "labels": { "order": "1" } })));
    let (code, text) = said(&server.tx(&["signal", "order/1", "pay", "done", "--result", "{\"paid\":true}"]));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = said(&server.tx(&["show", "order/1"]));
    assert_eq!(code, Some(0));
    assert!(text.contains("state          confirmed") && text.contains("{\"paid\":true}"), "{text}");
    let (code, text) = said(&server.tx(&["list", "--state", "confirmed", "--label", "order=1"]));
    assert!(code == Some(0) && text.contains("order/1"), "{text}");
    let (_, text) = said(&server.tx(&["list", "--label", "order=2"]));
    assert_eq!(text, "no transactions\n");
    let (_, text) = said(&server.tx(&["timeline", "order/1"]));
    let events = ["begun", "signalled", "decided", "confirmed"];
    let places: Vec<_> =
        events.iter().map(|event| text.find(event).unwrap_or_else(|| panic!("{event}: {text}"))).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn json_is_the_servers_own() {
    let server = Tercet::start();
    server.begin(&tcc("t", [awaited("pay")]));
    let (_, text) = said(&server.tx(&["show", "t", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), server.show("t"));
    let (_, text) = said(&server.tx(&["list", "--json"]));
    assert_eq!(text.trim_end(), server.get("/v1/transactions").text.trim_end());
}

#[test]
fn lists_run_over_pages() {
    let server = Tercet::start();
    for number in 0..25 {
        server.begin(&tcc(&format!("t-{number:02}"), [awaited("pay")]));
    }
    let listed = |words: &[&str]| -> Value {
        serde_json::from_str(&said(&server.tx(&[&["list", "--json"], words].concat())).1).unwrap()
    };
    let first = listed(&["--limit", "10"]);
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids(&first).len(), ids(&first)[0].as_str()), (10, "t-24"));
    let rest = listed(&["--cursor", first["next"].as_str().unwrap()]);
    assert_eq!((ids(&rest).len(), ids(&rest)[14].as_str(), &rest["next"]), (15, "t-00", &Value::Null));
}

#[test]
fn a_person_decides_and_retries() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&with(tcc("held", [awaited("pay")]), json!({ "mode": "interactive" })));
    let (code, text) = said(&server.tx(&["confirm", "held"]));
    assert!(code == Some(1) && text.starts_with("not_all_tried: "), "{text}");
    let (code, text) =
        said(&server.tx(&["cancel", "held", "--detail", "customer left", "--wait-ms", "5000"]));
    assert!(code == Some(0) && text.contains("withdrawn: customer left"), "{text}");

    shop.answers("stock", "confirm", [refused("never heard of it")]);
    // What needs attention is asked again at the slowest pace: half a minute here, so that the retry is ours.
    let slow = json!({ "retry": { "initial_ms": 20, "max_ms": 60_000 } });
    server.begin(&with(tcc("stuck", [shop.tcc("stock")]), slow));
    server.wait_until("stuck", |body| body["branches"][0]["attempts"]["confirm"] == 2);
    let (_, text) = said(&server.tx(&["list", "--needs-attention"]));
    assert!(text.contains("stuck") && text.contains("NEEDS ATTENTION stock: never heard of it"), "{text}");
    shop.answers("stock", "confirm", [crate::support::done()]);
    let (code, _) = said(&server.tx(&["retry", "stuck"]));
    assert_eq!(code, Some(0));
    assert_eq!(server.wait_final("stuck")["state"], "confirmed");
    let (code, text) = said(&server.tx(&["retry", "stuck"]));
    assert!(code == Some(1) && text.starts_with("already_final: "), "{text}");
}

#[test]
fn a_file_is_begun_and_a_refusal_points_into_it() {
    let server = Tercet::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.json");
    std::fs::write(&path, tcc("t", [awaited("pay")]).to_string()).unwrap();
    let (code, text) = said(&server.tx(&["begin", path.to_str().unwrap()]));
    assert!(code == Some(0) && text.starts_with("transaction t\n"), "{text}");
    std::fs::write(&path, with(tcc("u", [awaited("pay")]), json!({ "deadline_ms": -1 })).to_string())
        .unwrap();
    let (code, text) = said(&server.tx(&["begin", path.to_str().unwrap()]));
    assert!(code == Some(1) && text.starts_with("span_invalid: ") && text.contains("/deadline_ms"), "{text}");
}

#[test]
fn exit_codes_tell_refused_misused_and_not_reached_apart() {
    let server = Tercet::start();
    let (code, text) = said(&server.tx(&["show", "none"]));
    assert!(code == Some(1) && text.starts_with("transaction_unknown: "), "{text}");
    assert_eq!(server.tx(&["show"]).status.code(), Some(2));
    assert_eq!(server.tx(&["list", "--limit", "x"]).status.code(), Some(2));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, text) = said(&tercet(&["tx", "--url", &format!("http://{closed}"), "list"]).output().unwrap());
    assert!(code == Some(3) && text.contains(&closed.to_string()), "{text}");
    let (code, _) = said(&tercet(&["tx", "--url", "ftp://x", "list"]).output().unwrap());
    assert_eq!(code, Some(3));
}

#[test]
fn words_of_a_participant_cannot_steer_the_terminal() {
    let server = Tercet::start();
    let shop = Participant::start();
    shop.answers("stock", "try", [refused("\u{1b}[2Jboo"), fails(500)]);
    server.begin(&with(tcc("t", [shop.tcc("stock")]), json!({ "wait_ms": 10_000 })));
    for words in [&["show", "t"][..], &["timeline", "t"], &["list"]] {
        let (_, text) = said(&server.tx(words));
        assert!(!text.contains('\u{1b}'), "{words:?}: {text:?}");
    }
}
