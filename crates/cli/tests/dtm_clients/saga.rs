//! Sagas by DTM's client for Python. (Its concurrent ones cannot be sent: it fails over a field that it never sets.)

use serde_json::Value;

use crate::python::{Told, at, run};
use crate::support::Tercet;
use crate::support::dtm::shop::{Shop, failure, ok, says};

fn saga(tercet: &Tercet, shop: &Shop, scenario: &str) -> Told {
    let ran = run("saga.py", scenario, &[&at(tercet), &shop.url("")]);
    assert_eq!(ran.code, Some(0));
    ran
}

#[test]
fn payloads_arrive_intact_in_the_order_of_the_steps() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let ran = saga(&tercet, &shop, "plain");
    assert_eq!(ran.told["outcome"], "done");
    tercet.wait(ran.id(), "succeed");
    assert_eq!(shop.told(), ["/a1 action 01", "/a2 action 02", "/a3 action 03"]);
    let sent: Vec<_> = ran.told["bodies"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let came: Vec<_> =
        shop.all_calls().into_iter().map(|heard| String::from_utf8(heard.body).unwrap()).collect();
    assert_eq!(came, sent);
    assert!(
        shop.all_calls()
            .iter()
            .all(|heard| heard.method == "POST" && heard.headers["content-type"] == "application/json")
    );
    let kept = &tercet.query(ran.id())["transaction"]["payloads"];
    assert_eq!(*kept, ran.told["bodies"], "and are shown as they came");
}

#[test]
fn a_refused_step_is_undone_with_those_before_it() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a2", [failure("sold out")]);
    let ran = saga(&tercet, &shop, "plain");
    assert_eq!(ran.told["outcome"], "done", "it was accepted; what becomes of it shows later");
    tercet.wait(ran.id(), "failed");
    assert_eq!(shop.told(), ["/a1 action 01", "/a2 action 02", "/c2 compensate 02", "/c1 compensate 01"]);
    assert_eq!(shop.calls("/c1")[0].body, shop.calls("/a1")[0].body);
}

#[test]
fn who_waits_for_the_result_is_told_which_it_is() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    let ran = saga(&tercet, &shop, "waited");
    assert_eq!((ran.told["outcome"].as_str(), tercet.status(ran.id())), (Some("done"), "succeed".into()));
    shop.answers("/a3", [failure("sold out")]);
    let ran = saga(&tercet, &shop, "waited");
    assert_eq!(
        ran.told["outcome"], "DTMFailureError",
        "409 is a failure for this client, and nothing else is"
    );
    assert_eq!(tercet.status(ran.id()), "failed");
}

#[test]
fn headers_go_along_and_a_broken_answer_is_asked_for_again() {
    let (shop, tercet) = (Shop::start(), Tercet::start());
    shop.answers("/a1", [says(500, "broken"), ok()]);
    let ran = saga(&tercet, &shop, "with_headers");
    tercet.wait(ran.id(), "succeed");
    assert_eq!(shop.calls("/a1").len(), 2);
    assert!(shop.all_calls().iter().all(|heard| heard.headers["x-shop"] == "seven"));
}
