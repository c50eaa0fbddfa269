//! Topics: subscribers come and go, and messages go to all of them.

use serde_json::{Value, json};

use crate::support::{Reply, Tercet};
use crate::world::{Dtm, Shop, and};

fn subscribe(tercet: &Tercet, topic: &str, url: &str) -> Reply {
    tercet.look(&format!("subscribe?topic={topic}&url={url}&remark=shop"))
}

fn message(shop: &Shop, gid: &str, topic: &str) -> Value {
    and(
        shop.message(gid, 1),
        json!({"steps": [{"action": format!("topic://{topic}")}], "payloads": ["{\"x\":1}"]}),
    )
}

fn says(reply: &Reply, status: u16, message: &str) {
    assert_eq!((reply.status, &reply.body["message"]), (status, &json!(message)), "{}", reply.text);
}

#[test]
fn a_message_goes_to_every_subscriber_of_its_topic() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    assert_eq!(subscribe(&tercet, "paid", &shop.url("/one")).text, r#"{"dtm_result":"SUCCESS"}"#);
    tercet.ok("submit", &message(&shop, "alone", "paid"));
    tercet.wait_status("alone", "succeed");
    assert_eq!(shop.told(), ["/one action 01"]);
    subscribe(&tercet, "paid", &shop.url("/two")).is(200);
    tercet.ok("submit", &message(&shop, "both", "paid"));
    tercet.wait_status("both", "succeed");
    assert_eq!(shop.told()[1..], ["/one action 01-01", "/two action 01-02"]);
    assert_eq!(shop.heard()[1].body, b"{\"x\":1}");
}

#[test]
fn a_message_that_was_begun_keeps_its_subscribers() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    subscribe(&tercet, "paid", &shop.url("/one")).is(200);
    let asked = and(message(&shop, "m", "paid"), json!({"query_prepared": shop.url("/check")}));
    tercet.ok("prepare", &asked);
    subscribe(&tercet, "paid", &shop.url("/two")).is(200);
    tercet.ok("submit", &asked);
    tercet.wait_status("m", "succeed");
    assert_eq!(shop.told(), ["/one action 01"]);
}

#[test]
fn an_unknown_topic_is_refused_and_nothing_is_kept() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    assert_eq!(tercet.no("submit", &message(&shop, "m", "nothing"), 500), "topic not found");
    assert_eq!(tercet.query("m")["transaction"], Value::Null);
}

#[test]
fn subscribing_has_dtms_words() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let (one, two) = (shop.url("/one"), shop.url("/two"));
    subscribe(&tercet, "paid", &one).is(200);
    says(&subscribe(&tercet, "paid", &one), 500, "this url exists");
    let leave = |url: &str, topic: &str| tercet.look(&format!("unsubscribe?topic={topic}&url={url}"));
    says(&leave(&two, "paid"), 500, "no such an url ");
    says(&leave(&one, "unknown"), 500, "no such a topic");
    leave(&one, "paid").is(200);
    says(&leave(&one, "paid"), 500, "this topic is empty");
    assert_eq!(tercet.no("submit", &message(&shop, "m", "paid"), 500), "topic not found");
    let delete =
        |topic: &str| tercet.send(("DELETE", &format!("/api/dtmsvr/topic/{topic}")), &[], b"").unwrap();
    delete("paid").is(200);
    says(&delete("paid"), 500, "storage: NotFound");
    assert_eq!(subscribe(&tercet, "paid", "ftp://x").status, 500);
    assert_eq!(subscribe(&tercet, "", &one).status, 500);
}

#[test]
fn topics_are_shown_as_keys_and_survive_a_kill() {
    let (shop, mut tercet) = (Shop::start(), Tercet::start());
    for topic in ["a", "b", "c"] {
        subscribe(&tercet, topic, &shop.url("/one")).is(200);
    }
    subscribe(&tercet, "b", &shop.url("/two")).is(200);
    tercet.look(&format!("unsubscribe?topic=c&url={}", shop.url("/one"))).is(200);
    tercet.restart();
    let kv = tercet.look("queryKV?cat=topics&key=b").is(200).body["kv"].clone();
    let row = &kv[0];
    let names: Vec<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["cat", "create_time", "id", "k", "update_time", "v", "version"]);
    assert_eq!((&row["cat"], &row["k"], &row["version"]), (&json!("topics"), &json!("b"), &json!(2)));
    let subscribers: Value = serde_json::from_str(row["v"].as_str().unwrap()).unwrap();
    assert_eq!(subscribers[1], json!({"url": shop.url("/two"), "remark": "shop"}));
    assert_eq!(tercet.look("queryKV?cat=topics&key=z").body, json!({"kv": []}));
    assert_eq!(tercet.look("queryKV?cat=other&key=b").body, json!({"kv": []}));
    let first = tercet.look("scanKV?cat=topics&limit=2").body.clone();
    assert_eq!((first["kv"].as_array().unwrap().len(), &first["next_position"]), (2, &json!("b")));
    let rest = tercet.look("scanKV?cat=topics&limit=2&position=b").body.clone();
    assert_eq!((&rest["kv"][0]["k"], &rest["next_position"]), (&json!("c"), &json!("")));
    let verified = crate::support::tercet(&["journal", "verify", "--data", tercet.data().to_str().unwrap()]);
    tercet.kill();
    let mut verified = verified;
    let output = verified.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
