//! Hot stock in Redis: exact under a rush, shut after a loss, filled again from the journal, and compared with it.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lab::services::Private;
use serde_json::{Value, json};

use crate::support::{
    Participant, Tercet, at_once, done, message, never, refused, saga, tcc, tercet, until, with,
};

/// A Redis of the test's own and a server that is told of it.
struct World {
    server: Tercet,
    redis: Private,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let redis = Private::redis();
        let folder = tempfile::tempdir().unwrap();
        let server = World::start(&redis, folder.path());
        let world = World { server, redis, folder };
        world.wait_open();
        world
    }

    fn start(redis: &Private, folder: &Path) -> Tercet {
        let path = folder.join("resources.json");
        let hot = json!({"kind": "redis", "url": redis.url(), "prefix": "shop", "every_ms": 300});
        std::fs::write(&path, json!({"resources": {"hot": hot}}).to_string()).unwrap();
        Tercet::on(folder, &["--resources-file", path.to_str().unwrap()]).unwrap()
    }

    fn stands(&self) -> Value {
        self.server.get("/v1/resources/hot").is(200).body["stands"].clone()
    }

    fn wait_open(&self) {
        until("the gate", || (self.stands()["state"] == "open").then_some(()));
    }

    fn cli(&self, words: &[&str]) -> String {
        redis_cli(&self.redis, words)
    }

    /// `available reserved sold` of A.
    fn stock(&self) -> String {
        self.cli(&["HMGET", "shop:{hot}:counter:A", "available", "reserved", "sold"]).replace('\n', " ")
    }

    fn load(&self, id: &str, n: i64) {
        self.server.begin(&message(id, [hot("A", n)]));
        assert_eq!(self.server.wait_final(id)["state"], "delivered");
    }

    fn rebuild(&self) -> (Option<i32>, String) {
        let url = format!("http://{}", self.server.address);
        let output = tercet(&["redis", "rebuild", "--url", &url, "hot"]).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }
}

fn redis_cli(redis: &Private, words: &[&str]) -> String {
    let address = redis.address();
    let port = address.port().to_string();
    let output =
        Command::new("redis-cli").args(["-h", "127.0.0.1", "-p", &port]).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn hot(counter: &str, n: i64) -> Value {
    json!({"id": "hot", "kind": "redis", "resource": "hot", "parameters": {"counter": counter, "n": n}})
}

fn patient(spec: Value) -> Value {
    with(spec, json!({"retry": {"initial_ms": 20, "max_ms": 100}, "deadline_ms": 60_000}))
}

#[test]
fn a_counter_is_loaded_bought_from_and_given_back_to() {
    let world = World::new();
    world.load("load-1", 10);
    world.server.begin(&tcc("bought", [hot("A", 3)]));
    let bought = world.server.wait_final("bought");
    assert_eq!((&bought["state"], &bought["branches"][0]["kind"]), (&json!("confirmed"), &json!("redis")));
    world.server.begin(&tcc("short", [hot("A", 8)]));
    let short = world.server.wait_final("short");
    assert_eq!(short["reason"]["code"], "branch_refused");
    let shop = Participant::start();
    shop.answers("pay", "try", [refused("no money")]);
    world.server.begin(&with(tcc("unpaid", [hot("A", 2), shop.tcc("pay")]), json!({"order": "sequential"})));
    assert_eq!(world.server.wait_final("unpaid")["state"], "cancelled");
    world.server.begin(&saga("saga", [hot("A", 1)]));
    assert_eq!(world.server.wait_final("saga")["state"], "completed");
    world.load("load-2", 5);
    assert_eq!(world.stock(), "11 0 4");
    let refused = |branch: Value, code: &str, at: &str| {
        let reply = world.server.post("/v1/transactions", &tcc("t", [branch]));
        assert_eq!(
            (reply.body["code"].as_str(), reply.body["at"].as_str()),
            (Some(code), Some(at)),
            "{}",
            reply.text
        );
    };
    refused(hot("A", 0), "field_invalid", "/branches/0/parameters/n");
    refused(hot("a b", 1), "id_invalid", "/branches/0/parameters/counter");
    assert_eq!(world.server.get("/v1/resources/cold").status, 404);
}

#[test]
fn a_thousand_buyers_get_a_hundred_units() {
    let world = World::new();
    world.load("load", 100);
    let http = world.server.clone();
    at_once(32, |caller| {
        for number in (caller..1_000).step_by(32) {
            let spec = with(tcc(&format!("t-{number}"), [hot("A", 1)]), json!({"wait_ms": 20_000}));
            http.try_post("/v1/transactions", &spec).unwrap();
        }
    });
    let states = (0..1_000).map(|number| world.server.wait_final(&format!("t-{number}"))["state"].clone());
    assert_eq!(states.filter(|state| *state == "confirmed").count(), 100);
    assert_eq!(world.stock(), "0 0 100");
    until("a comparison", || (world.stands()["counters"][0]["journal"]["sold"] == 100).then_some(()));
    assert_eq!(world.stands()["drift"], 0);
}

/// Buys under way while Redis loses everything in this way; then a rebuild, and everything ends well.
fn lost(lose: impl FnOnce(&mut World)) {
    let mut world = World::new();
    world.load("load", 60);
    let shop = Participant::start();
    shop.answers("slow", "try", [never()]);
    // Held in Redis when it is lost; its other branch is tried only afterwards.
    world
        .server
        .begin(&patient(tcc("held", [hot("A", 7), with(shop.tcc("slow"), json!({"timeout_ms": 60_000}))])));
    world.server.wait_until("held", |it| it["branches"][0]["state"] == "tried");
    let http = world.server.clone();
    let buyers = std::thread::spawn(move || {
        at_once(8, |caller| {
            for number in (caller..200).step_by(8) {
                http.try_post("/v1/transactions", &patient(tcc(&format!("t-{number}"), [hot("A", 1)])))
                    .unwrap();
            }
        });
    });
    std::thread::sleep(Duration::from_millis(150));
    lose(&mut world);
    buyers.join().unwrap();
    // At first it may only be away.
    until("the loss", || world.stands()["why"].as_str()?.starts_with("redis_lost").then_some(()));
    let (code, said) = world.rebuild();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("hot open\nA available "), "{said}");
    let state = |id: &str| world.server.wait_final(id)["state"].clone();
    let confirmed =
        (0..200).map(|number| state(&format!("t-{number}"))).filter(|state| *state == "confirmed");
    assert_eq!(confirmed.count(), 53, "60 less the 7 that are held");
    assert_eq!(world.stock(), "0 7 53");
    shop.answers("slow", "try", [done()]);
    world.server.post("/v1/transactions/held/cancel", &json!({}));
    assert_eq!(world.server.wait_final("held")["state"], "cancelled");
    assert_eq!(world.stock(), "7 0 53");
    until("a comparison", || (world.stands()["counters"][0]["journal"]["available"] == 7).then_some(()));
    assert_eq!(world.stands()["drift"], 0);
}

#[test]
fn a_redis_that_is_wiped_takes_no_part_until_it_is_rebuilt() {
    lost(|world| {
        assert_eq!(world.cli(&["FLUSHALL"]), "OK");
    });
}

#[test]
fn a_redis_that_is_killed_comes_back_with_what_its_disk_had_and_is_rebuilt() {
    lost(|world| {
        assert_eq!(world.cli(&["SAVE"]), "OK");
        std::thread::sleep(Duration::from_millis(50));
        world.redis.kill9();
        world.redis.restart();
    });
}

#[test]
fn a_redis_that_is_away_is_waited_for_and_a_killed_server_goes_on() {
    let mut world = World::new();
    world.load("load", 10);
    for number in 0..5 {
        world.server.begin(&patient(tcc(&format!("t-{number}"), [hot("A", 1)])));
    }
    world.server.restart();
    for number in 0..5 {
        assert_eq!(world.server.wait_final(&format!("t-{number}"))["state"], "confirmed");
    }
    assert_eq!(world.stock(), "5 0 5");
    world.wait_open();
    world.redis.kill9();
    world.server.begin(&patient(tcc("later", [hot("A", 1)])));
    let waits = world.server.wait_until("later", |it| it["branches"][0]["last_error"].is_string());
    assert_eq!(waits["state"], "trying");
    until("the loss", || (world.stands()["state"] == "shut").then_some(()));
    let (code, said) = world.rebuild();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("resource_unready"), "{said}");
    world.redis.restart();
    until("the server", || TcpStream::connect(world.redis.address()).ok());
    assert_eq!(world.rebuild().0, Some(0));
    assert_eq!(world.server.wait_final("later")["state"], "confirmed");
    assert_eq!(world.stock(), "4 0 6");
}

#[test]
fn a_difference_is_told_and_never_mended() {
    let world = World::new();
    world.load("load", 10);
    until("a comparison", || (world.stands()["counters"][0]["journal"]["available"] == 10).then_some(()));
    assert_eq!(world.cli(&["HINCRBY", "shop:{hot}:counter:A", "available", "-3"]), "7");
    let began = Instant::now();
    until("the drift", || (world.stands()["drift"] == 3).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(5));
    let metrics = world.server.get("/metrics").text.clone();
    assert!(metrics.contains("tercet_redis_drift{source=\"hot\"} 3"), "{metrics}");
    assert!(world.server.errors().contains("Redis and the journal differ"));
    assert_eq!(world.stock(), "7 0 0");
    assert_eq!(world.rebuild().0, Some(0));
    assert_eq!((world.stock().as_str(), world.stands()["drift"].as_i64()), ("10 0 0", Some(0)));
}

#[test]
fn what_the_journal_has_removed_is_remembered() {
    let mut world = World::new();
    world.load("load", 10);
    world.server.begin(&tcc("t", [hot("A", 4)]));
    world.server.wait_final("t");
    world.load("newer", 1);
    let file = world.folder.path().join("data/resources/hot.json");
    let sums = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    until("the sums", || (sums()["counters"]["A"]["sold"] == 4).then_some(()));
    let kept = sums();
    assert_eq!(kept["counters"]["A"]["loaded"], 10, "the newest transaction is still counted by itself");
    world.cli(&["FLUSHALL"]);
    world.server.restart();
    until("the loss", || (world.stands()["state"] == "shut").then_some(()));
    assert_eq!(world.rebuild().0, Some(0));
    assert_eq!(world.stock(), "7 0 4");
}
