//! What the answer of a service means: 409 failed, 425 goes on, 200 what its `dtm_result` says, anything else nothing.

use serde_json::json;

use crate::support::dtm::shop::{cut, ok, says};
use crate::world::{QUICK_MS, World, saga, with};

fn result_of(world: &World, name: &str) -> u16 {
    let body = with(saga(name, [world.shop.step(name)]), json!({ "wait_result": true }));
    world.verb("submit", &body).status
}

#[test]
fn a_200_whose_dtm_result_is_failure_is_a_failure() {
    let world = World::start();
    world.shop.answers("/a/action", [says(200, r#"{"dtm_result":"FAILURE","message":"sold out"}"#)]);
    assert_eq!(result_of(&world, "a"), 409);
    assert_eq!(world.shop.order(), ["01.action", "01.compensate"]);
    let seen = world.query("a");
    assert!(seen["transaction"]["rollback_reason"].as_str().unwrap().contains("sold out"), "{seen}");
}

#[test]
fn a_200_whose_dtm_result_is_ongoing_goes_on() {
    let world = World::start();
    world.shop.answers("/a/action", [says(200, r#"{"dtm_result":"ONGOING"}"#), ok()]);
    assert_eq!(result_of(&world, "a"), 425);
    world.wait("a", "succeed");
    assert_eq!(world.shop.calls("/a/action").len(), 2);
}

#[test]
fn the_status_decides_whatever_the_body_is() {
    let world = World::start();
    world.shop.answers("/a/action", [says(409, "")]);
    world.shop.answers("/b/action", [says(409, r#"{"dtm_result":"SUCCESS"}"#)]);
    world.shop.answers("/c/action", [says(425, "no json"), ok()]);
    assert_eq!(["a", "b", "c"].map(|name| result_of(&world, name)), [409, 409, 425]);
    world.wait("c", "succeed");
}

#[test]
fn a_200_with_any_other_body_is_a_success() {
    let world = World::start();
    let bodies = [
        "",
        "done",
        "[1,2",
        r#"{"dtm_result":"SUCCESS","note":"FAILURE and ONGOING are words"}"#,
        r#"{"data":{"dtm_result":"FAILURE"}}"#,
        r#"{"dtm_result":null}"#,
        r#"["dtm_result","FAILURE"]"#,
        "the last one said FAILURE",
    ];
    for (number, body) in bodies.iter().enumerate() {
        let name = format!("s{number}");
        world.shop.answers(&format!("/{name}/action"), [says(200, body)]);
        assert_eq!(result_of(&world, &name), 200, "{body}");
    }
}

#[test]
fn any_other_status_or_none_is_no_answer_and_asked_again() {
    let world = World::start();
    let answers = [
        ("a", says(201, "{}")),
        ("b", says(204, "")),
        ("c", says(404, r#"{"dtm_result":"SUCCESS"}"#)),
        ("d", says(500, r#"{"message":"down"}"#)),
        ("e", cut()),
        ("f", says(302, "")),
        ("g", says(400, "{}")),
        ("h", says(202, "{}")),
        ("i", says(422, "{}")),
    ];
    for (name, answer) in answers {
        world.shop.answers(&format!("/{name}/action"), [answer, ok()]);
        assert_eq!(result_of(&world, name), 425, "{name} is answered {:?}", world.query(name));
        world.wait(name, "succeed");
        assert_eq!(world.shop.calls(&format!("/{name}/action")).len(), 2, "{name}");
        assert!(world.shop.calls(&format!("/{name}/compensate")).is_empty(), "{name}");
    }
}

#[test]
fn an_answer_however_large_means_what_its_status_says() {
    let world = World::start();
    let large = "x".repeat(200_000);
    world.shop.answers("/a/action", [says(200, &large)]);
    world.shop.answers("/b/action", [says(409, &large)]);
    world.shop.answers("/c/action", [says(425, &large), ok()]);
    assert_eq!(["a", "b", "c"].map(|name| result_of(&world, name)), [200, 409, 425]);
}

#[test]
fn with_body_words_the_words_count_wherever_they_stand() {
    let quick = QUICK_MS.to_string();
    let world = World::with(&["--dtm-body-words", "--dtm-retry-interval-ms", &quick]);
    world.shop.answers("/a/action", [says(200, "the stock says: FAILURE")]);
    world.shop.answers("/b/action", [says(200, r#"{"data":"ONGOING"}"#), ok()]);
    world.shop.answers("/c/action", [says(500, "FAILURE")]);
    assert_eq!(["a", "b", "c"].map(|name| result_of(&world, name)), [409, 425, 409]);
    world.wait("b", "succeed");
}
