//! Sagas whose steps run at the same time, with and without orders between them.

use serde_json::{Value, json};

use crate::support::dtm::shop::{Gate, failure, ok, ongoing, says};
use crate::support::until;
use crate::world::{World, is_fault, saga, with};

fn concurrent<const N: usize>(world: &World, names: [&str; N], orders: &Value) -> Value {
    let custom = json!({ "orders": orders, "concurrent": true }).to_string();
    with(saga("s", names.map(|name| world.shop.step(name))), json!({ "custom_data": custom }))
}

#[test]
fn steps_without_orders_run_at_the_same_time() {
    let world = World::start();
    let gate = Gate::default();
    for name in ["a", "b", "c"] {
        world.shop.answers(&format!("/{name}/action"), [ok().behind(&gate)]);
    }
    world.does("submit", &concurrent(&world, ["a", "b", "c"], &json!({})));
    for name in ["a", "b", "c"] {
        world.shop.wait_calls(&format!("/{name}/action"), 1);
    }
    gate.open();
    world.wait("s", "succeed");
    assert_eq!(world.shop.all_calls().len(), 3);
}

#[test]
fn null_orders_are_none() {
    let world = World::start();
    world.does("submit", &concurrent(&world, ["a", "b"], &Value::Null));
    world.wait("s", "succeed");
    assert_eq!(world.shop.all_calls().len(), 2);
}

#[test]
fn a_step_waits_for_those_that_its_order_names() {
    let world = World::start();
    world.shop.answers("/a/action", [ongoing(), ok().after_ms(50)]);
    world.shop.answers("/b/action", [says(500, "down"), ok()]);
    world.does("submit", &concurrent(&world, ["a", "b", "c", "d"], &json!({ "2": [0, 1], "3": [2] })));
    world.wait("s", "succeed");
    let ended = |name: &str| world.shop.calls(&format!("/{name}/action")).last().unwrap().end();
    let began = |name: &str| world.shop.call(&format!("/{name}/action")).began;
    assert!(ended("a") <= began("c") && ended("b") <= began("c") && ended("c") <= began("d"));
    assert_eq!((world.shop.calls("/a/action").len(), world.shop.calls("/b/action").len()), (2, 2));
}

#[test]
fn compensations_run_against_the_orders() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/d/action", [failure("no").behind(&gate)]);
    world.shop.answers("/c/compensate", [ongoing(), ok()]);
    world.does("submit", &concurrent(&world, ["a", "b", "c", "d"], &json!({ "2": [0, 1], "3": [0, 1] })));
    world.shop.wait_calls("/d/action", 1);
    until("c is done", || world.rows("s").contains(&"03 action succeed".to_owned()).then_some(()));
    gate.open();
    world.wait("s", "failed");
    let undone = |name: &str| world.shop.calls(&format!("/{name}/compensate"));
    let last_of_later = undone("c").last().unwrap().end().max(undone("d").last().unwrap().end());
    let first_of_earlier = undone("a")[0].began.min(undone("b")[0].began);
    assert!(last_of_later <= first_of_earlier, "{:?}", world.shop.order());
    assert_eq!(["a", "b", "c", "d"].map(|name| undone(name).len()), [1, 1, 2, 1]);
}

#[test]
fn a_step_whose_turn_never_came_is_neither_called_nor_compensated() {
    let world = World::start();
    world.shop.answers("/a/action", [failure("no")]);
    world.does("submit", &concurrent(&world, ["a", "b", "c"], &json!({ "1": [0], "2": [1] })));
    world.wait("s", "failed");
    assert_eq!(world.shop.order(), ["01.action", "01.compensate"]);
    assert_eq!(world.rows("s")[2..4], ["02 compensate prepared", "02 action prepared"]);
}

#[test]
fn what_runs_beside_a_refused_step_is_compensated_too() {
    let world = World::start();
    let gate = Gate::default();
    world.shop.answers("/a/action", [ok().behind(&gate)]);
    world.shop.answers("/b/action", [failure("no").behind(&gate)]);
    world.does("submit", &concurrent(&world, ["a", "b"], &json!({})));
    world.shop.wait_calls("/a/action", 1);
    world.shop.wait_calls("/b/action", 1);
    gate.open();
    world.wait("s", "failed");
    assert_eq!((world.shop.calls("/a/compensate").len(), world.shop.calls("/b/compensate").len()), (1, 1));
}

#[test]
fn a_concurrent_step_that_fails_is_asked_again_alone() {
    let world = World::start();
    world.shop.answers("/b/action", [says(500, "down"), ongoing(), ok()]);
    world.does("submit", &concurrent(&world, ["a", "b", "c"], &json!({})));
    world.wait("s", "succeed");
    let counts = ["a", "b", "c"].map(|name| world.shop.calls(&format!("/{name}/action")).len());
    assert_eq!(counts, [1, 3, 1]);
}

#[test]
fn without_concurrent_steps_run_one_after_another() {
    let world = World::start();
    world.shop.answers("/a/action", [ok().after_ms(50)]);
    let custom = json!({ "custom_data": json!({ "orders": {}, "concurrent": false }).to_string() });
    world.does("submit", &with(saga("s", ["a", "b"].map(|name| world.shop.step(name))), custom));
    world.wait("s", "succeed");
    assert!(world.shop.call("/a/action").end() <= world.shop.call("/b/action").began);
}

#[test]
fn orders_that_cannot_be_followed_are_refused_and_nothing_is_begun() {
    let world = World::start();
    for orders in [json!({ "0": [1], "1": [0] }), json!({ "1": [7] }), json!({ "1": "0" })] {
        is_fault(&world.verb("submit", &concurrent(&world, ["a", "b"], &orders)), "");
        assert!(world.query("s")["transaction"].is_null(), "{orders}");
    }
    assert!(world.shop.all_calls().is_empty());
}
