//! `tercet journal verify`: agreement is told in numbers, and any damage or difference by place and exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Participant, Tercet, awaited, refused, tcc, tercet, with};

pub fn verify(data: &Path, words: &[&str]) -> Output {
    tercet(&["journal", "verify", "--data"]).arg(data).args(words).output().unwrap()
}

pub fn found(data: &Path) -> Value {
    let output = verify(data, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A stopped server with a confirmed, a cancelled and an open transaction.
fn kept() -> Tercet {
    let mut server = Tercet::start();
    let shop = Participant::start();
    shop.answers("points", "try", [refused("not enough")]);
    let wait = json!({ "wait_ms": 10_000 });
    server.begin(&with(tcc("confirmed", [shop.tcc("stock")]), wait.clone()));
    server.begin(&with(tcc("cancelled", [shop.tcc("points")]), wait));
    server.begin(&tcc("open", [awaited("pay")]));
    server.signal("TERM");
    assert_eq!(server.wait_end().code, Some(0));
    server
}

pub fn first_segment(data: &Path) -> PathBuf {
    let names = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|end| end == "seg")).min().unwrap()
}

#[test]
fn a_sound_folder_is_verified() {
    let server = kept();
    let seen = found(&server.data());
    assert_eq!(seen["replay"]["finished"], json!({ "tcc cancelled": 1, "tcc confirmed": 1 }));
    assert_eq!((&seen["replay"]["begun"], &seen["replay"]["open"]), (&json!(3), &json!(1)));
    assert_eq!((&seen["archive"]["state"], &seen["archive"]["transactions"]), (&json!("alike"), &json!(3)));
    assert_eq!(seen["archive"]["entries"], seen["journal"]["events"]);
    assert_eq!(seen["journal"]["head"].as_str().map(str::len), Some(64));
    let text = String::from_utf8(verify(&server.data(), &[]).stdout).unwrap();
    assert!(text.contains("torn tail none") && text.ends_with("verified\n"), "{text}");
}

#[test]
fn a_running_servers_journal_is_checked_without_its_archive() {
    let server = Tercet::start();
    server.begin(&tcc("open", [awaited("pay")]));
    let seen = found(&server.data());
    assert_eq!(seen["archive"]["state"], "in_use");
    assert_eq!(seen["archive"]["holder"], format!("pid {}", server.pid()));
    assert_eq!(seen["replay"]["open"], 1);
}

#[test]
fn without_an_archive_the_journal_is_checked_and_the_archive_made_anew() {
    let mut server = kept();
    fs::remove_dir_all(server.data().join("archive")).unwrap();
    assert_eq!(found(&server.data())["archive"]["state"], "missing");
    server.restart();
    assert_eq!(server.show("confirmed")["state"], "confirmed");
    assert_eq!(server.show("cancelled")["reason"]["code"], "branch_refused");
    server.signal("TERM");
    server.wait_end();
    assert_eq!(found(&server.data())["archive"]["state"], "alike");
}

#[test]
fn an_altered_event_is_found_and_refuses_the_start() {
    let mut server = kept();
    let path = first_segment(&server.data());
    let mut bytes = fs::read(&path).unwrap();
    let at =
        bytes.windows(9).position(|window| window == b"confirmed").expect("the id of the first transaction");
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let output = verify(&server.data(), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(said.starts_with("NOT VERIFIED") && said.contains(name) && said.contains("at byte"), "{said}");
    let json: Value = serde_json::from_slice(&verify(&server.data(), &["--json"]).stdout).unwrap();
    assert_eq!(json["verified"], false);

    server.kill();
    let ended =
        Tercet::on(server.data().parent().unwrap(), &[]).err().expect("a damaged journal is not served");
    assert_eq!(ended.code, Some(2));
    assert!(ended.errors.contains(name) && ended.errors.contains("at byte"), "{}", ended.errors);
}

#[test]
fn a_cut_journal_is_found_by_what_the_archive_holds() {
    let server = kept();
    let folder = server.data().join("journal");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "seg") {
            fs::remove_file(path).unwrap();
        }
    }
    let output = verify(&server.data(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let ended = Tercet::on(server.data().parent().unwrap(), &[]).err().expect("a cut journal is not served");
    assert_eq!(ended.code, Some(2));
    assert!(ended.errors.contains("is known to have been durable"), "{}", ended.errors);
}

/// A stopped server whose journal has more than one segment: the first is small, and the bodies are large.
fn with_segments() -> Tercet {
    let mut server = Tercet::start();
    let shop = Participant::start();
    let body = "b".repeat(900_000);
    for n in 0..8 {
        let stock = with(shop.tcc("stock"), json!({ "body": body }));
        server.begin(&with(tcc(&format!("large-{n}"), [stock]), json!({ "wait_ms": 10_000 })));
    }
    server.signal("TERM");
    assert_eq!(server.wait_end().code, Some(0));
    server
}

#[test]
fn a_missing_beginning_is_told_unless_it_is_expected() {
    let server = with_segments();
    fs::remove_file(first_segment(&server.data())).unwrap();
    let output = verify(&server.data(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let why = String::from_utf8(output.stderr).unwrap();
    let first = why.split("begins at event ").nth(1).and_then(|rest| rest.split(':').next());
    let first = first.unwrap_or_else(|| panic!("it names the first event: {why}"));
    assert_eq!(verify(&server.data(), &["--begins-at", first]).status.code(), Some(0));
}

#[test]
fn damage_behind_what_the_archive_holds_refuses_the_start_too() {
    let server = with_segments();
    let path = first_segment(&server.data());
    let mut bytes = fs::read(&path).unwrap();
    bytes[200_000] ^= 1; // within the first of the large bodies
    fs::write(&path, bytes).unwrap();
    let ended =
        Tercet::on(server.data().parent().unwrap(), &[]).err().expect("a damaged journal is not served");
    assert_eq!(ended.code, Some(2));
    assert!(ended.errors.contains("damaged") && ended.errors.contains("at byte"), "{}", ended.errors);
}

#[test]
fn no_folder_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let output = verify(&folder.path().join("none"), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("none").exists(), "looking makes nothing");
}
