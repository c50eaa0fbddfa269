//! Who may ask: tokens, credentials in the URL, networks; and what is too large, too deep, or to a target that is denied.

use serde_json::json;

use crate::support::Tercet;
use crate::world::{Dtm, Shop, of};

fn with_token(flags: &[&str]) -> (tempfile::TempDir, Tercet) {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "shop=0123456789abcdef\n").unwrap();
    let flags = [&["--tokens-file", tokens.to_str().unwrap()], flags].concat();
    let server = Tercet::on(folder.path(), &flags).unwrap_or_else(|ended| panic!("{ended:?}"));
    (folder, server)
}

#[test]
fn with_tokens_a_stranger_is_kept_out_and_credentials_in_the_url_let_in() {
    let (_folder, tercet) = with_token(&[]);
    assert_eq!(tercet.look("newGid").status, 401);
    assert_eq!(tercet.ask("prepare", &of("t", "tcc")).status, 401);
    assert_eq!(tercet.get("/api/ping").status, 200);
    let ask = |value: &str| {
        tercet.send(("GET", "/api/dtmsvr/newGid"), &[("authorization", value)], b"").unwrap().status
    };
    assert_eq!(ask("Bearer 0123456789abcdef"), 200);
    // any:0123456789abcdef, as a client makes it of http://any:0123456789abcdef@host/api/dtmsvr
    assert_eq!(ask("Basic YW55OjAxMjM0NTY3ODlhYmNkZWY="), 200);
    assert_eq!(ask("Basic YW55Ondyb25n"), 401);
}

#[test]
fn a_network_can_be_let_in_without_a_token_for_this_protocol_alone() {
    let (_folder, tercet) = with_token(&["--dtm-allow-cidrs", "127.0.0.0/8"]);
    assert_eq!(tercet.look("newGid").status, 200);
    assert_eq!(tercet.get("/v1/transactions").status, 401);
    let page = [("origin", "https://evil.example")];
    assert_eq!(tercet.send(("GET", "/api/dtmsvr/newGid"), &page, b"").unwrap().status, 403);
}

#[test]
fn targets_that_the_operator_denies_are_refused_when_they_are_named() {
    let (shop, tercet) = (Shop::start(), Tercet::with(&["--deny-cidrs", "127.0.0.0/8"]));
    let words = tercet.no("submit", &shop.saga("s", 1), 500);
    assert!(words.contains("target_denied"), "{words}");
    let metadata = json!({"gid": "m", "trans_type": "msg", "steps": [{"action": "http://169.254.169.254/x"}], "payloads": [""]});
    assert!(tercet.no("submit", &metadata, 500).contains("target_denied"));
    let reply = tercet.look(&format!("subscribe?topic=t&url={}", shop.url("/one")));
    assert_eq!(reply.status, 500);
    assert!(shop.heard().is_empty());
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_in_this_protocols_words() {
    let (shop, tercet) = (Shop::start(), Tercet::with(&["--limits-body-bytes", "2048"]));
    let large = shop.saga(&"g".repeat(4_000), 1);
    assert!(tercet.no("submit", &large, 500).contains("body_too_large"));
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    let reply = tercet.send(("POST", "/api/dtmsvr/submit"), &[], deep.as_bytes()).unwrap();
    assert_eq!(reply.status, 500, "{}", reply.text);
    let reply = tercet.send(("POST", "/api/dtmsvr/submit"), &[], b"{\"gid\":\"\xff\"}").unwrap();
    assert_eq!(reply.status, 500, "{}", reply.text);
}
