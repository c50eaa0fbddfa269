//! Topics: who subscribes, what that looks like from outside, and messages that go to all subscribers.

use serde_json::{Value, json};

use crate::support::Reply;
use crate::support::dtm::shop::{Gate, ok};
use crate::world::{World, is_fault, is_success, keys, micros, with};

impl World {
    fn subscribe(&self, topic: &str, (url, remark): (&str, &str)) -> Reply {
        self.ask("subscribe", &[("topic", topic), ("url", url), ("remark", remark)])
    }

    fn unsubscribe(&self, topic: &str, url: &str) -> Reply {
        self.ask("unsubscribe", &[("topic", topic), ("url", url)])
    }

    fn delete_topic(&self, name: &str) -> Reply {
        self.send(("DELETE", &format!("/api/dtmsvr/topic/{name}")), &[], b"").unwrap()
    }

    fn subscribers(&self, topic: &str) -> Value {
        let reply = self.ask("queryKV", &[("cat", "topics"), ("key", topic)]);
        let row = &reply.is(200).body["kv"][0];
        serde_json::from_str(row["v"].as_str().unwrap_or_else(|| panic!("{}", reply.text))).unwrap()
    }
}

fn published(world: &World, gid: &str, topics: &[&str]) -> Value {
    let steps: Vec<_> = topics.iter().map(|topic| json!({ "action": format!("topic://{topic}") })).collect();
    with(
        world.message(gid, []),
        json!({ "steps": steps, "payloads": topics.iter().map(|topic| format!("{{\"of\":\"{topic}\"}}")).collect::<Vec<_>>() }),
    )
}

#[test]
fn the_only_subscriber_is_branch_01_and_several_are_01_01_and_01_02() {
    let world = World::start();
    is_success(&world.subscribe("one", (&world.shop.url("/a"), "")));
    is_success(&world.subscribe("two", (&world.shop.url("/b"), "first")));
    is_success(&world.subscribe("two", (&world.shop.url("/c"), "second")));
    world.does("submit", &published(&world, "m", &["one", "two"]));
    world.wait("m", "succeed");
    assert_eq!(world.rows("m"), ["01 action succeed", "02-01 action succeed", "02-02 action succeed"]);
    assert_eq!(world.shop.order(), ["01.action", "02-01.action", "02-02.action"]);
    assert_eq!(world.shop.call("/c").text(), "{\"of\":\"two\"}");
}

#[test]
fn an_unknown_topic_is_refused_and_nothing_is_begun() {
    let world = World::start();
    is_fault(&world.verb("submit", &published(&world, "m", &["nowhere"])), "topic not found");
    let prepared =
        with(published(&world, "m", &["nowhere"]), json!({ "query_prepared": world.shop.url("/check") }));
    is_fault(&world.verb("prepare", &prepared), "topic not found");
    assert!(world.query("m")["transaction"].is_null());
}

#[test]
fn subscribers_come_and_go_and_every_error_has_dtms_words() {
    let world = World::start();
    let (a, b) = (world.shop.url("/a?x=1&y=2"), world.shop.url("/b"));
    is_fault(&world.unsubscribe("t", &a), "no such a topic");
    is_success(&world.subscribe("t", (&a, "the first & only")));
    is_fault(&world.subscribe("t", (&a, "other words")), "this url exists");
    is_fault(&world.unsubscribe("t", &b), "no such an url");
    is_success(&world.subscribe("t", (&b, "")));
    let both = json!([{ "url": a, "remark": "the first & only" }, { "url": b, "remark": "" }]);
    assert_eq!(world.subscribers("t"), both);
    is_success(&world.unsubscribe("t", &a));
    assert_eq!(world.subscribers("t"), json!([{ "url": b, "remark": "" }]));
    is_success(&world.unsubscribe("t", &b));
    is_fault(&world.unsubscribe("t", &b), "this topic is empty");
    is_success(&world.subscribe("t", (&b, "again")));
    is_success(&world.delete_topic("t"));
    is_fault(&world.unsubscribe("t", &b), "no such a topic");
    is_fault(&world.delete_topic("t"), "storage: NotFound");
    is_fault(&world.verb("submit", &published(&world, "m", &["t"])), "topic not found");
}

#[test]
fn a_subscription_holds_for_the_very_next_message_and_a_deleted_topic_for_none() {
    let world = World::start();
    for round in 0..5 {
        let topic = format!("t{round}");
        is_success(&world.subscribe(&topic, (&world.shop.url("/a"), "")));
        world.does("submit", &published(&world, &format!("m{round}"), &[&topic]));
        is_success(&world.delete_topic(&topic));
        is_fault(
            &world.verb("submit", &published(&world, &format!("n{round}"), &[&topic])),
            "topic not found",
        );
        world.wait(&format!("m{round}"), "succeed");
    }
}

#[test]
fn a_message_keeps_the_subscribers_that_it_was_begun_with() {
    let world = World::start();
    is_success(&world.subscribe("t", (&world.shop.url("/a"), "")));
    let body = with(published(&world, "m", &["t"]), json!({ "query_prepared": world.shop.url("/check") }));
    world.does("prepare", &body);
    is_success(&world.subscribe("t", (&world.shop.url("/b"), "")));
    world.does("prepare", &body);
    world.does("submit", &body);
    world.wait("m", "succeed");
    assert_eq!(world.rows("m"), ["01 action succeed"]);
    assert!(world.shop.calls("/b").is_empty());
}

#[test]
fn a_topic_is_shown_as_a_key_with_a_text_of_json() {
    let world = World::start();
    is_success(&world.subscribe("t", (&world.shop.url("/a"), "r")));
    let body = world.ask("queryKV", &[("cat", "topics"), ("key", "t")]).is(200).body.clone();
    assert_eq!(keys(&body), ["kv"]);
    let row = &body["kv"][0];
    assert_eq!(keys(row), ["cat", "create_time", "id", "k", "update_time", "v", "version"]);
    assert_eq!((&row["cat"], &row["k"]), (&json!("topics"), &json!("t")));
    assert!(row["id"].is_u64() && row["version"].is_u64() && row["v"].is_string(), "{row}");
    assert!(micros(&row["create_time"]) <= micros(&row["update_time"]));
    is_success(&world.subscribe("t", (&world.shop.url("/b"), "")));
    let later = world.ask("queryKV", &[("cat", "topics"), ("key", "t")]).body["kv"][0].clone();
    assert!(later["version"].as_u64() > row["version"].as_u64(), "{later} after {row}");
    assert_eq!(later["create_time"], row["create_time"]);
    for (cat, key) in [("topics", "unknown"), ("other", "t")] {
        let body = world.ask("queryKV", &[("cat", cat), ("key", key)]).is(200).body.clone();
        assert_eq!(body, json!({ "kv": [] }));
    }
}

#[test]
fn keys_are_scanned_page_by_page_until_the_position_is_empty() {
    let world = World::start();
    for number in 0..7 {
        is_success(&world.subscribe(&format!("t{number}"), (&world.shop.url("/a"), "")));
    }
    let (mut seen, mut position) = (Vec::new(), String::new());
    for _ in 0..8 {
        let page = world.ask("scanKV", &[("cat", "topics"), ("position", &position), ("limit", "3")]);
        let body = page.is(200).body.clone();
        assert_eq!(keys(&body), ["kv", "next_position"]);
        let rows = body["kv"].as_array().unwrap();
        assert!(rows.len() <= 3);
        seen.extend(rows.iter().map(|row| row["k"].as_str().unwrap().to_owned()));
        position = body["next_position"].as_str().unwrap().to_owned();
        if position.is_empty() {
            break;
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]);
    let all = world.ask("scanKV", &[("cat", "topics")]).is(200).body.clone();
    assert_eq!((all["kv"].as_array().unwrap().len(), &all["next_position"]), (7, &json!("")));
}

#[test]
fn topics_outlive_a_kill() {
    let mut world = World::start();
    is_success(&world.subscribe("t", (&world.shop.url("/a"), "kept")));
    is_success(&world.subscribe("gone", (&world.shop.url("/a"), "")));
    is_success(&world.delete_topic("gone"));
    world.restart();
    assert_eq!(world.subscribers("t"), json!([{ "url": world.shop.url("/a"), "remark": "kept" }]));
    is_fault(&world.delete_topic("gone"), "storage: NotFound");
    world.does("submit", &published(&world, "m", &["t"]));
    world.wait("m", "succeed");
}

#[test]
fn a_message_is_submitted_again_though_its_topic_has_others_now() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a", [ok().behind(&gate)]);
    is_success(&world.subscribe("t", (&world.shop.url("/a"), "")));
    world.does("submit", &published(&world, "m", &["t"]));
    is_success(&world.subscribe("t", (&world.shop.url("/b"), "")));
    world.does("submit", &published(&world, "m", &["t"]));
    gate.open();
    world.wait("m", "succeed");
    assert_eq!(world.shop.order(), ["01.action"]);
}
