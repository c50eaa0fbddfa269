//! Sagas whose steps run side by side, with and without orders.

use serde_json::{Value, json};

use crate::support::Tercet;
use crate::world::{Dtm, Shop, and, failure, slow};

fn concurrent(saga: Value, orders: Value) -> Value {
    let custom = json!({"concurrent": true, "orders": orders}).to_string();
    and(saga, json!({"custom_data": custom}))
}

#[test]
fn steps_run_side_by_side() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    for path in ["/a1", "/a2", "/a3"] {
        shop.answers(path, [slow(600)]);
    }
    tercet.ok("submit", &concurrent(shop.saga("s", 3), json!({})));
    tercet.wait_status("s", "succeed");
    let heard = shop.heard();
    let first_end = heard.iter().filter_map(|heard| heard.ended).min().unwrap();
    assert!(heard.iter().all(|heard| heard.began < first_end), "all were begun before the first ended");
}

#[test]
fn orders_hold_steps_back_until_those_before_are_done() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [slow(400)]);
    // Step 3 after steps 1 and 2; step 4 after step 3.
    tercet.ok("submit", &concurrent(shop.saga("s", 4), json!({"2": [0, 1], "3": [2]})));
    tercet.wait_status("s", "succeed");
    let began = |path: &str| shop.to(path)[0].began;
    let ended = |path: &str| shop.to(path)[0].ended.unwrap();
    assert!(began("/a3") >= ended("/a1") && began("/a3") >= ended("/a2"));
    assert!(began("/a4") >= ended("/a3"));
    assert!(began("/a2") < ended("/a1"), "what has no order does not wait");
}

#[test]
fn a_roll_back_undoes_in_the_reverse_of_the_orders() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a3", [failure()]);
    shop.answers("/c3", [slow(300)]);
    tercet.ok("submit", &concurrent(shop.saga("s", 4), json!({"2": [0, 1], "3": [2]})));
    tercet.wait_status("s", "failed");
    let told = shop.told();
    assert!(!told.iter().any(|told| told.starts_with("/a4") || told.starts_with("/c4")), "{told:?}");
    let undone = shop.to("/c3")[0].ended.unwrap();
    assert!(shop.to("/c1")[0].began >= undone && shop.to("/c2")[0].began >= undone);
}

#[test]
fn without_concurrent_the_orders_do_not_matter() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let custom = json!({"orders": {"0": [1]}}).to_string();
    tercet.ok("submit", &and(shop.saga("s", 2), json!({"custom_data": custom})));
    tercet.wait_status("s", "succeed");
    assert_eq!(shop.told(), ["/a1 action 01", "/a2 action 02"]);
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    for orders in [json!({"0": [5]}), json!({"0": 1}), json!({"0": [1], "1": [0]}), json!({"0": [0]})] {
        tercet.no("submit", &concurrent(shop.saga("s", 2), orders), 500);
    }
    assert!(shop.heard().is_empty());
}
