//! The process: its one line, its lock, its signals, its exit codes, and what a restart finds.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Gate, Participant, Tercet, awaited, done, tcc, tercet, until, with};

#[test]
fn it_says_where_it_serves_and_then_serves() {
    let server = Tercet::start(); // `Tercet` reads the ready line to the letter
    assert!(server.address.port() > 0 && server.grpc.port() > 0 && server.address != server.grpc);
    server.get("/healthz").is(200);
    server.get("/readyz").is(200);
    let document = server.get("/v1/openapi.json").is(200).body.clone();
    assert!(document["paths"]["/v1/transactions"]["post"].is_object(), "{document}");
    let metrics = server.get("/metrics").is(200).text.clone();
    assert!(metrics.contains("tercet_transactions_attention 0"), "{metrics}");
}

#[test]
fn the_data_folder_is_its_owners_only() {
    let server = Tercet::start();
    let mode = std::fs::metadata(server.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_data_folder_may_be_one_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tercet(&["serve", "--data", "kept", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
    let mut child = command.current_dir(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("ready "), "{line}");
    assert!(folder.path().join("kept/journal").is_dir());
}

#[test]
fn a_second_process_on_the_folder_is_refused_and_told_who_has_it() {
    let server = Tercet::start();
    let output = tercet(&["serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data"])
        .arg(server.data())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("is in use by pid {}", server.pid())), "{said}");
    assert!(output.stdout.is_empty());
    server.get("/readyz").is(200);
}

#[test]
fn a_killed_process_leaves_no_lock() {
    let mut server = Tercet::start();
    server.restart();
    server.get("/readyz").is(200);
}

#[test]
fn an_address_in_use_is_refused() {
    let server = Tercet::start();
    let folder = tempfile::tempdir().unwrap();
    let output = tercet(&["serve", "--grpc", "127.0.0.1:0", "--http", &server.address.to_string(), "--data"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("cannot listen on {} for http", server.address)), "{said}");
    assert_eq!(said.matches("in use").count(), 1, "{said}");
}

#[test]
fn sigterm_and_sigint_end_it_with_0_and_keep_everything() {
    for signal in ["TERM", "INT"] {
        let mut server = Tercet::start();
        server.begin(&tcc("t", [awaited("pay")]));
        server.signal(signal);
        let ended = server.wait_end();
        assert_eq!(ended.code, Some(0), "{}", ended.errors);
        server.restart();
        assert_eq!(server.show("t")["state"], "trying");
    }
}

#[test]
fn sigterm_answers_who_waits_and_goes() {
    let mut server = Tercet::start();
    let http = (*server).clone();
    let waiting = std::thread::spawn(move || {
        http.try_post("/v1/transactions", &with(tcc("t", [awaited("pay")]), json!({ "wait_ms": 60_000 })))
    });
    server.wait_known("t");
    server.signal("TERM");
    let ended = server.wait_end();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert!(
        ended.took < Duration::from_secs(9),
        "nobody waits for what only an initiator can bring: {:?}",
        ended.took
    );
    let told = waiting.join().unwrap().expect("a request that was kept is answered");
    assert_eq!((told.status, &told.body["state"]), (202, &json!("trying")), "{}", told.text);
}

#[test]
fn a_call_under_way_when_it_ends_is_made_again() {
    let mut server = Tercet::start();
    let shop = Participant::start();
    let gate = Gate::default();
    shop.answers("stock", "try", [done().behind(&gate), done()]);
    server.begin(&tcc("t", [shop.tcc("stock")]));
    shop.wait_calls("stock", "try", 1);
    server.kill();
    gate.open();
    server.restart();
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    assert_eq!(shop.calls("stock", "try").len(), 2, "the reply was lost, so it was asked again");
    assert_eq!(shop.calls("stock", "confirm").len(), 1);
}

#[test]
fn what_was_told_is_there_after_a_kill_in_every_state() {
    let mut server = Tercet::start();
    let shop = Participant::start();
    server.begin(&tcc("open", [awaited("pay")]));
    server.begin(&with(tcc("done", [shop.tcc("stock")]), json!({ "wait_ms": 10_000 })));
    server.begin(&with(tcc("cooling", [awaited("pay")]), json!({ "cooling_off_ms": 600_000 })));
    server
        .post("/v1/transactions/cooling/branches/pay/signal", &json!({ "outcome": "done", "result": [1] }))
        .is(200);
    let before: Vec<Value> = ["open", "done", "cooling"].iter().map(|id| server.show(id)).collect();
    assert_eq!(before[1]["state"], "confirmed");
    let timeline = server.timeline("done");
    for _ in 0..3 {
        server.restart();
        let after: Vec<Value> = ["open", "done", "cooling"].iter().map(|id| server.show(id)).collect();
        assert_eq!(after, before);
        assert_eq!(server.timeline("done"), timeline);
    }
    let order = server.get("/v1/transactions").is(200).body["items"].clone();
    let ids: Vec<_> = order.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["cooling", "done", "open"], "newest first");
}

#[test]
fn log_lines_are_json_when_asked_for() {
    let mut server = Tercet::with(&["--log-format", "json", "--log-level", "debug"]);
    server.begin(&tcc("t-json", [awaited("pay")]));
    until("the log line of the request", || server.errors().contains("t-json").then_some(()));
    server.signal("TERM");
    let errors = server.wait_end().errors;
    for line in errors.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    let about = errors.lines().find(|line| line.contains("t-json")).unwrap();
    let about: Value = serde_json::from_str(about).unwrap();
    assert_eq!(about["transaction"], "t-json");
    assert_eq!(about["trace_id"].as_str().map(str::len), Some(32), "{about}");
}

#[test]
fn help_is_for_newcomers_and_names_every_command() {
    let output = tercet(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for command in ["serve", "tx", "journal", "demo", "bench"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}: {help}");
    }
    assert!(!help.contains("demo-participant"), "{help}");
    let version = tercet(&["--version"]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(version).unwrap(), format!("tercet {}\n", env!("CARGO_PKG_VERSION")));
}
