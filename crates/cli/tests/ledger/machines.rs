//! Machines and items: what is not declared does not happen; files are checked, declared at a start, and versioned.

use serde_json::json;

use crate::support::{Tercet, at_once, tercet};

fn example(name: &str) -> String {
    format!("{}/../../examples/machines/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_used_coupon_stays_used_whatever_is_asked() {
    let mut server = Tercet::start();
    server.coupons(&["C-1"]);
    server.move_item("C-1", ("m-1", "lock")).is(200);
    server.move_item("C-1", ("m-2", "use")).is(200);
    for round in 0..2 {
        for name in ["activate", "lock", "unlock", "use", "expire", "void", "no_such_move"] {
            let refused = server.move_item("C-1", (&format!("n-{round}-{name}"), name));
            refused.is_refusal(409, "move_undeclared");
        }
        assert_eq!(server.item_state("C-1"), "used");
        server.restart();
    }
    let history = server.get("/v1/items/C-1/history");
    assert_eq!(history.is(200).body["items"].as_array().unwrap().len(), 4, "{}", history.text);
    server.move_item("C-1", ("m-3", "give_back")).is(200);
    assert_eq!(server.item_state("C-1"), "active");
}

#[test]
fn what_lapsed_comes_back_as_expired() {
    let server = Tercet::start();
    server.coupons(&[]);
    let soon = server.get("/v1/items/none");
    soon.is_refusal(404, "item_unknown");
    let past = json!([{ "id": "C-1", "machine": "coupon", "owner": "ann", "attributes": { "valid_until": "2001-01-01T00:00:00Z" } }]);
    assert_eq!(server.batch("items", past), ["created"]);
    server.move_item("C-1", ("m-1", "activate")).is(200);
    let refused = server.move_item("C-1", ("m-2", "lock"));
    assert!(refused.is_refusal(409, "guard_refused").body["detail"].as_str().unwrap().contains("valid"));
    let malformed =
        json!([{ "id": "C-2", "machine": "coupon", "attributes": { "valid_until": "tomorrow" } }]);
    assert_eq!(server.batch("items", malformed), ["item_invalid"]);
}

#[test]
fn the_examples_are_sound_and_faults_are_told_all_at_once() {
    for name in ["coupon.toml", "ticket.toml", "stock-serial.toml"] {
        let checked = tercet(&["machine", "check", &example(name)]).output().unwrap();
        let drawn = String::from_utf8(checked.stdout).unwrap();
        assert!(checked.status.success() && drawn.starts_with("stateDiagram-v2\n"), "{name}: {drawn}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let checked = tercet(&["machine", "check", file.to_str().unwrap()]).output().unwrap();
        (checked.status.code(), String::from_utf8(checked.stderr).unwrap())
    };
    let (code, told) = check(
        "name = \"m\"\ninitial = \"a\"\n[states]\na = {}\nb = { final = true }\nc = {}\n[moves]\ngo = { from = [\"b\"], to = \"x\" }\n",
    );
    assert_eq!(code, Some(1), "{told}");
    for wanted in ["/moves/go/to", "/moves/go/from", "/states/c"] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    let (code, told) = check("name = \"m\"\ninitial = \"a\"\nstate = 5\n");
    assert!(code == Some(1) && told.contains("state"), "{told}");
    let (code, told) = check("name = ");
    assert!(code == Some(2) && told.contains("line 1"), "{told}");
    let absent = tercet(&["machine", "check", "/nowhere.toml"]).output().unwrap();
    assert_eq!(absent.status.code(), Some(2));
}

#[test]
fn a_start_declares_files_and_a_changed_file_is_the_next_version() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.toml");
    let machine = |more: &str| {
        let text = format!(
            "name = \"m\"\ninitial = \"a\"\n[states]\na = {{}}\nb = {{ final = true }}\n[moves]\ngo = {{ from = [\"a\"], to = \"b\" }}\n{more}"
        );
        std::fs::write(&file, text).unwrap();
    };
    machine("");
    let flags = ["--machine", &example("coupon.toml"), "--machine", file.to_str().unwrap()];
    let mut server = Tercet::on(folder.path(), &flags).unwrap_or_else(|ended| panic!("{ended:?}"));
    let version = |server: &Tercet| server.get("/v1/machines/m").is(200).body["version"].clone();
    assert_eq!((version(&server), server.get("/v1/machines/coupon").status), (json!(1), 200));
    assert_eq!(server.batch("items", json!([{ "id": "i-1", "machine": "m" }])), ["created"]);
    server.restart();
    assert_eq!(version(&server), 1, "the same file declares nothing new");

    machine("back = { from = [\"a\"], to = \"a\" }\n");
    server.restart();
    assert_eq!(version(&server), 2);
    assert_eq!(server.batch("items", json!([{ "id": "i-2", "machine": "m" }])), ["created"]);
    let step =
        |item: &str| server.post(&format!("/v1/items/{item}/moves"), &json!({ "id": "s", "move": "back" }));
    step("i-1").is_refusal(409, "move_undeclared");
    step("i-2").is(200);

    machine("bad = { from = [\"b\"], to = \"a\" }\n");
    server.kill();
    let refused = Tercet::on(folder.path(), &flags).map(drop).unwrap_err();
    assert_eq!(refused.code, Some(2));
    assert!(refused.errors.contains("m.toml") && refused.errors.contains("/moves/bad"), "{}", refused.errors);
}

#[test]
fn an_owner_takes_four_seats_and_no_fifth_at_the_same_instant() {
    let server = Tercet::start();
    assert!(server.ledger(&["machine", "declare", &example("ticket.toml")]).status.success());
    let tickets: Vec<_> = (0..20)
        .map(|number| json!({ "id": format!("t-{number}"), "machine": "ticket", "owner": if number < 16 { "ann" } else { "bob" } }))
        .collect();
    assert_eq!(server.batch("items", json!(tickets)), ["created"; 20]);
    let reserve = |number: usize| {
        let body = json!({ "id": "r", "move": "reserve" });
        let reply = server.post(&format!("/v1/items/t-{number}/moves"), &body);
        (reply.status, reply.code().to_owned())
    };
    let told = at_once(16, reserve);
    assert_eq!(told.iter().filter(|(status, _)| *status == 200).count(), 4, "{told:?}");
    let refused = (409, "guard_refused".to_owned());
    assert_eq!(told.iter().filter(|told| **told == refused).count(), 12, "{told:?}");
    assert_eq!(reserve(16).0, 200, "another owner's seats are counted apart");
    let taken = told.iter().position(|(status, _)| *status == 200).unwrap();
    let left = told.iter().position(|(status, _)| *status == 409).unwrap();
    server.post(&format!("/v1/items/t-{taken}/moves"), &json!({ "id": "l", "move": "let_go" })).is(200);
    let again =
        server.post(&format!("/v1/items/t-{left}/moves"), &json!({ "id": "again", "move": "reserve" }));
    again.is(200);
}
