//! The doors: small verbs, who is let in, and what is said when nothing more can be taken.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use serde_json::json;

use crate::support::Reply;
use crate::support::dtm::shop::ongoing;
use crate::world::{World, is_fault, keys, saga, tcc, with};

/// Basic credentials of `any:0123456789abcdef`, and of `any:wrong`.
const BASIC: [&str; 2] = ["Basic YW55OjAxMjM0NTY3ODlhYmNkZWY=", "Basic YW55Ondyb25n"];

#[test]
fn a_new_id_has_22_characters_and_is_new() {
    let world = World::start();
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let body = world.ask("newGid", &[]).is(200).body.clone();
        assert_eq!((keys(&body), &body["dtm_result"]), (vec!["dtm_result", "gid"], &json!("SUCCESS")));
        let gid = body["gid"].as_str().unwrap().to_owned();
        assert!(gid.len() == 22 && gid.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{gid}");
        assert!(seen.insert(gid), "a gid came twice");
    }
}

#[test]
fn the_version_begins_as_dtms_does() {
    let world = World::start();
    let body = world.ask("version", &[]).is(200).body.clone();
    assert_eq!(keys(&body), ["version"]);
    assert!(body["version"].as_str().unwrap().starts_with('v'), "{body}");
}

#[test]
fn a_ping_is_answered_by_any_method() {
    let world = World::start();
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = world.send((method, "/api/ping"), &[], b"").unwrap();
        assert_eq!((reply.status, &reply.body), (200, &json!({ "msg": "pong" })), "{method}");
    }
}

#[test]
fn metrics_are_prometheus_text() {
    let world = World::start();
    world.does("prepare", &tcc("t"));
    let reply = world.get("/api/metrics");
    let kind = reply.is(200).header("content-type").unwrap();
    assert!(kind.starts_with("text/plain") || kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(reply.text.contains("# TYPE tercet_"), "{}", reply.text);
    let shown = reply.text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    assert!(shown.into_iter().all(|line| line.rsplit(' ').next().unwrap().parse::<f64>().is_ok()));
}

#[test]
fn replies_are_json_and_what_is_not_there_is_said_to_be_so() {
    let world = World::start();
    for (method, path, status) in [
        ("GET", "/api/dtmsvr/newGid", 200),
        ("POST", "/api/dtmsvr/submit", 500),
        ("GET", "/api/dtmsvr/nothing", 404),
        ("GET", "/api/dtmsvr/submit", 404),
        ("GET", "/api/other", 404),
    ] {
        let reply = world.send((method, path), &[], b"").unwrap();
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some("application/json")),
            "{path}"
        );
        assert!(status == 200 || reply.body["message"].is_string(), "{}", reply.text);
    }
}

fn guarded(flags: &[&str]) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "shop=0123456789abcdef\n").unwrap();
    let world = World::with(&[&["--tokens-file", path.to_str().unwrap()], flags].concat());
    (world, folder)
}

fn shown(world: &World, (method, path): (&str, &str), credentials: &str) -> Reply {
    let headers = [("authorization", credentials)];
    let headers = if credentials.is_empty() { &headers[..0] } else { &headers[..] };
    world.send((method, path), headers, b"").unwrap()
}

#[test]
fn with_tokens_only_who_shows_one_is_let_in() {
    let (world, _folder) = guarded(&[]);
    let paths = [
        ("GET", "/api/dtmsvr/newGid"),
        ("GET", "/api/dtmsvr/all"),
        ("POST", "/api/dtmsvr/submit"),
        ("DELETE", "/api/dtmsvr/topic/t"),
        ("POST", "/api/json-rpc"),
        ("GET", "/api/metrics"),
    ];
    for target in paths {
        for credentials in ["", BASIC[1], "Bearer wrong", "Basic !!!", "Basic"] {
            let reply = shown(&world, target, credentials);
            assert_eq!(reply.status, 401, "{target:?} with {credentials:?}: {}", reply.text);
            assert!(reply.body["message"].is_string(), "{}", reply.text);
            assert!(
                !reply.text.contains("SUCCESS") && !reply.text.contains("0123456789abcdef"),
                "{}",
                reply.text
            );
        }
        for credentials in [BASIC[0], "Bearer 0123456789abcdef"] {
            assert_ne!(shown(&world, target, credentials).status, 401, "{target:?} with {credentials:?}");
        }
    }
    assert_eq!(shown(&world, ("GET", "/api/ping"), "").status, 200, "a ping needs no token");
}

#[test]
fn basic_credentials_are_good_for_a_whole_transaction() {
    let (world, _folder) = guarded(&[]);
    let body = saga("s", [world.shop.step("a")]).to_string();
    let headers = [("authorization", BASIC[0]), ("content-type", "application/json")];
    let reply = world.send(("POST", "/api/dtmsvr/submit"), &headers, body.as_bytes()).unwrap();
    crate::world::is_success(&reply);
    let call = world.shop.wait_calls("/a/action", 1).remove(0);
    assert_eq!(call.header("authorization"), "", "our own credentials go to nobody");
    assert!(!world.errors().contains("0123456789abcdef"), "a token was logged");
}

#[test]
fn networks_that_are_allowed_need_no_token_for_dtms_protocol_only() {
    let (world, _folder) = guarded(&["--dtm-allow-cidrs", "127.0.0.0/8"]);
    assert_eq!(shown(&world, ("GET", "/api/dtmsvr/newGid"), "").status, 200);
    assert_eq!(shown(&world, ("GET", "/v1/transactions"), "").status, 401);
    let (world, _folder) = guarded(&["--dtm-allow-cidrs", "10.0.0.0/8"]);
    assert_eq!(shown(&world, ("GET", "/api/dtmsvr/newGid"), "").status, 401);
}

#[test]
fn a_server_that_can_take_no_more_says_503_and_keeps_nothing() {
    let world = World::with(&["--limits-open-max", "1"]);
    world.shop.answers("/a/action", [ongoing()]);
    world.does("submit", &saga("first", [world.shop.step("a")]));
    let reply = world.verb("submit", &saga("second", [world.shop.step("b")]));
    assert_eq!((reply.status, keys(&reply.body)), (503, vec!["message"]), "{}", reply.text);
    assert!(world.query("second")["transaction"].is_null());
    assert!(world.shop.calls("/b/action").is_empty());
}

#[test]
fn a_caller_beyond_its_rate_is_told_429_in_this_protocols_words() {
    let world = World::with(&["--limits-caller-rate", "1", "--limits-caller-burst", "3"]);
    let replies: Vec<_> = (0..8).map(|number| world.verb("prepare", &tcc(&format!("t-{number}")))).collect();
    let refused = replies.iter().find(|reply| reply.status == 429).expect("eight at once are too many");
    assert_eq!(keys(&refused.body), ["message"], "{}", refused.text);
}

#[test]
fn targets_that_may_not_be_called_are_refused_when_they_are_named() {
    let world = World::start();
    let metadata = json!([{ "action": "http://169.254.169.254/latest", "compensate": "" }]);
    is_fault(
        &world.verb("submit", &with(saga("s", [world.shop.step("a")]), json!({ "steps": metadata }))),
        "target_denied",
    );
    let world = World::with(&["--deny-cidrs", "127.0.0.0/8"]);
    is_fault(&world.verb("submit", &saga("s", [world.shop.step("a")])), "target_denied");
    is_fault(&world.ask("subscribe", &[("topic", "t"), ("url", &world.shop.url("/a"))]), "target_denied");
    is_fault(&world.verb("prepare", &world.checked("m", ["a"])), "target_denied");
    world.does("prepare", &tcc("t"));
    is_fault(&world.verb("registerBranch", &world.branch("t", "01", "a")), "target_denied");
    assert!(world.query("s")["transaction"].is_null() && world.shop.all_calls().is_empty());
}

#[test]
fn several_requests_share_a_connection() {
    let world = World::start();
    let mut stream = std::net::TcpStream::connect(world.address).unwrap();
    let body = tcc("t").to_string();
    let get = "GET /api/dtmsvr/query?gid=t HTTP/1.1\r\nhost: x\r\n";
    let requests = format!(
        "POST /api/dtmsvr/prepare HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}{get}\r\n{get}connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(requests.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(
        (answers.matches("HTTP/1.1 200").count(), answers.matches("\"prepared\"").count()),
        (3, 2),
        "{answers}"
    );
}

#[test]
fn a_page_of_another_site_is_not_let_in() {
    let world = World::start();
    let headers = [("origin", "https://elsewhere.example"), ("sec-fetch-site", "cross-site")];
    let body = saga("s", [world.shop.step("a")]).to_string();
    let reply = world.send(("POST", "/api/dtmsvr/submit"), &headers, body.as_bytes()).unwrap();
    assert_eq!(reply.status, 403, "{}", reply.text);
    assert!(world.query("s")["transaction"].is_null());
    is_fault(&world.verb_raw("submit", "{}"), "");
}
