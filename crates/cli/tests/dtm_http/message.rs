//! Two-phase messages: prepared, submitted, checked back, delivered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, broken, done, failure, of, ongoing, slow};

/// A message that is checked back at `/check`, a second after its prepare.
fn checked(shop: &Shop, gid: &str) -> Value {
    and(shop.message(gid, 1), json!({"query_prepared": shop.url("/check"), "timeout_to_fail": 1}))
}

#[test]
fn a_message_is_delivered_in_order_with_and_without_a_prepare() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("submit", &shop.message("plain", 2));
    tercet.wait_status("plain", "succeed");
    assert_eq!(shop.told(), ["/d1 action 01", "/d2 action 02"]);
    assert_eq!(tercet.rows("plain"), ["01 action succeed", "02 action succeed"]);
    let message = and(shop.message("prepared", 2), json!({"query_prepared": shop.url("/check")}));
    tercet.ok("prepare", &message);
    assert_eq!((tercet.status("prepared").as_str(), shop.heard().len()), ("prepared", 2));
    tercet.ok("prepare", &message);
    tercet.ok("submit", &message);
    tercet.wait_status("prepared", "succeed");
    assert_eq!(shop.heard().len(), 4);
    tercet.no("submit", &message, 409);
    let never = and(shop.message("never", 1), json!({"query_prepared": shop.url("/check")}));
    tercet.ok("submit", &never);
    tercet.wait_status("never", "succeed");
}

#[test]
fn an_aborted_message_is_not_delivered_and_a_submitted_one_not_aborted() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    tercet.ok("prepare", &checked(&shop, "m"));
    tercet.ok("abort", &of("m", "msg"));
    assert_eq!(tercet.status("m"), "failed");
    tercet.no("submit", &checked(&shop, "m"), 409);
    shop.answers("/d1", [slow(500)]);
    tercet.ok("submit", &shop.message("s", 1));
    tercet.no("abort", &of("s", "msg"), 409);
    tercet.wait_status("s", "succeed");
    assert_eq!(shop.told(), ["/d1 action 01"]);
}

#[test]
fn a_check_back_that_says_yes_submits() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/check", [ongoing(), done()]);
    tercet.ok("prepare", &checked(&shop, "m"));
    tercet.wait_status("m", "succeed");
    assert_eq!(shop.told(), ["/check msg 00", "/check msg 00", "/d1 action 01"]);
    let check = &shop.heard()[0];
    assert_eq!(
        (check.method.as_str(), check.parameter("gid"), check.parameter("trans_type")),
        ("GET", "m".into(), "msg".into())
    );
}

#[test]
fn a_check_back_that_says_no_fails_the_message() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/check", [broken(), failure()]);
    tercet.ok("prepare", &checked(&shop, "m"));
    tercet.wait_status("m", "failed");
    assert_eq!(shop.told(), ["/check msg 00", "/check msg 00"]);
}

#[test]
fn a_delay_holds_the_delivery_back() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let begun = Instant::now();
    tercet.ok("submit", &and(shop.message("m", 1), json!({"custom_data": "{\"delay\":2}"})));
    let calls = shop.wait("/d1", 1);
    assert!(calls[0].began.duration_since(begun) >= Duration::from_millis(1_900));
    tercet.wait_status("m", "succeed");
}

#[test]
fn concurrent_deliveries_go_side_by_side_and_others_wait_for_those_before() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/d1", [slow(500)]);
    tercet.ok("submit", &and(shop.message("side", 2), json!({"concurrent": true})));
    tercet.wait_status("side", "succeed");
    assert!(shop.to("/d2")[0].began < shop.to("/d1")[0].ended.unwrap());
    tercet.ok("submit", &shop.message("row", 2));
    tercet.wait_status("row", "succeed");
    assert!(shop.to("/d2")[1].began >= shop.to("/d1")[1].ended.unwrap());
}

#[test]
fn a_delivery_that_fails_is_repeated_and_a_refused_one_raises_attention() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/d1", [broken(), failure(), done()]);
    tercet.ok("submit", &shop.message("m", 1));
    shop.wait("/d1", 2);
    tercet.wait_status("m", "succeed");
    let timeline = tercet.get("/v1/transactions/m/timeline").text;
    assert!(timeline.contains("attention_raised") && timeline.contains("sold out"), "{timeline}");
}

#[test]
fn a_prepare_without_a_place_to_ask_back_is_refused() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let words = tercet.no("prepare", &shop.message("m", 1), 500);
    assert!(words.contains("query_prepared"), "{words}");
}

#[test]
fn a_server_that_dies_between_prepare_and_submit_checks_back_when_it_lives_again() {
    let (shop, mut tercet) = (Shop::start(), Tercet::start());
    tercet.ok("prepare", &checked(&shop, "kept"));
    tercet.ok("prepare", &and(checked(&shop, "dropped"), json!({"query_prepared": shop.url("/no")})));
    shop.answers("/no", [failure()]);
    tercet.restart();
    tercet.wait_status("kept", "succeed");
    tercet.wait_status("dropped", "failed");
    assert_eq!(shop.to("/d1").len(), 1);
}

#[test]
fn a_server_that_dies_after_the_submit_delivers_all_the_same() {
    let (shop, mut tercet) = (Shop::start(), Tercet::start());
    shop.answers("/d1", [broken(), done()]);
    shop.answers("/a1", [broken(), done()]);
    tercet.ok("submit", &shop.message("m", 1));
    tercet.ok("submit", &shop.saga("s", 2));
    tercet.restart();
    tercet.wait_status("m", "succeed");
    tercet.wait_status("s", "succeed");
}
