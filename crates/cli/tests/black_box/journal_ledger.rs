//! `tercet journal verify` of a ledger: what stands is told in numbers; a flipped byte anywhere is found.

use std::fs;
use std::path::{Path, PathBuf};

use engine::archive::Archive;
use engine::{archive_end, archive_ledger};
use ledger::PageId;
use serde_json::{Value, json};

use crate::journal::{first_segment, found, verify};
use crate::support::{Participant, Tercet, tcc, with};

/// Sends a batch, of which nothing may be refused.
fn post(server: &Tercet, path: &str, body: &Value) {
    let reply = server.post(path, body);
    reply.is(200);
    let results = reply.body["results"].as_array().cloned().unwrap_or_default();
    assert!(results.iter().all(|result| result["outcome"] != "refused"), "{}", reply.text);
}

fn entries(server: &Tercet, name: &str, count: usize) {
    let entry = |n| json!({ "id": format!("{name}-{n}"), "from": "bank", "to": "ann", "amount": "1.00" });
    post(server, "/v1/entries", &json!({ "entries": (0..count).map(entry).collect::<Vec<_>>() }));
}

/// A ledger with a bit of everything: 150 entries, two holds of which one is open, an item that was moved.
fn filled() -> Tercet {
    let server = Tercet::start();
    for (code, scale) in [("eur", 2), ("points", 0)] {
        post(&server, "/v1/assets", &json!({ "code": code, "scale": scale }));
    }
    let account = |id: &str, asset: &str, floor: &str| json!({ "id": id, "asset": asset, "floor": floor });
    let accounts =
        [account("bank", "eur", "none"), account("ann", "eur", "zero"), account("issuer", "points", "none")];
    post(&server, "/v1/accounts", &json!({ "accounts": accounts }));
    for batch in 0..3 {
        entries(&server, &format!("e{batch}"), 50);
    }
    let hold = |id: &str| json!({ "id": id, "from": "ann", "to": "bank", "amount": "2.50" });
    post(&server, "/v1/holds", &json!({ "holds": [hold("h-1"), hold("h-2")] }));
    post(&server, "/v1/holds/h-1/capture", &json!({ "id": "c-1", "amount": "1.00" }));
    post(&server, "/v1/holds/h-2/release", &json!({}));
    let machine = json!({
        "name": "coupon", "initial": "active", "states": { "active": {}, "used": { "final": true }, "locked": {} },
        "moves": { "lock": { "from": ["active"], "to": "locked" }, "use": { "from": ["locked"], "to": "used" } },
    });
    post(&server, "/v1/machines", &machine);
    let item =
        |id: &str| json!({ "id": id, "machine": "coupon", "owner": "ann", "attributes": { "worth": "5" } });
    post(&server, "/v1/items", &json!({ "items": [item("i-1"), item("i-2")] }));
    for (id, name) in [("m-1", "lock"), ("m-2", "use")] {
        post(&server, "/v1/items/i-1/moves", &json!({ "id": id, "move": name }));
    }
    server
}

fn stopped(mut server: Tercet) -> Tercet {
    server.signal("TERM");
    assert_eq!(server.wait_end().code, Some(0));
    server
}

fn expected() -> Value {
    json!({
        "from": "journal", "events": 164, "entries": 150, "accounts": 3, "holds": 2, "open_holds": 1,
        "items": 2, "live_items": 1,
        "assets": [
            { "code": "eur", "sum": "0.00", "issued": "149.00" }, { "code": "points", "sum": "0", "issued": "0" },
        ],
    })
}

#[test]
fn a_sound_ledger_is_verified_and_told_in_numbers() {
    let server = stopped(filled());
    let seen = found(&server.data());
    assert_eq!(seen["ledger"], expected());
    assert_eq!(seen["archive"]["state"], "alike");
    let text = String::from_utf8(verify(&server.data(), &[]).stdout).unwrap();
    assert!(text.contains("150 entries, 3 accounts, 2 holds (1 open), 2 items (1 live)"), "{text}");
    assert!(text.contains("eur: sum 0.00, issued 149.00") && text.ends_with("verified\n"), "{text}");
}

#[test]
fn the_ledger_of_a_running_a_killed_and_a_bare_folder_is_judged_from_the_journal() {
    let mut server = filled();
    let seen = found(&server.data());
    assert_eq!((&seen["ledger"], &seen["archive"]["state"]), (&expected(), &json!("in_use")));
    server.kill();
    let seen = found(&server.data());
    assert_eq!((&seen["ledger"], &seen["archive"]["state"]), (&expected(), &json!("alike")));
    fs::remove_dir_all(server.data().join("archive")).unwrap();
    let seen = found(&server.data());
    assert_eq!((&seen["ledger"], &seen["archive"]["state"]), (&expected(), &json!("missing")));
}

/// Flips one bit of each of so many bytes of a file, spread over its first `length` bytes, one at a time: each is found.
fn flips(data: &Path, file: &Path, (from, length): (usize, usize), times: usize) {
    let sound = fs::read(file).unwrap();
    for time in 0..times {
        let at = from + (length - from) * time / times;
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (time % 8);
        fs::write(file, &bytes).unwrap();
        let output = verify(data, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "byte {at} of {}: {output:?}", file.display());
        assert!(said.starts_with("NOT VERIFIED: "), "{said}");
    }
    fs::write(file, sound).unwrap();
}

fn history(data: &Path) -> PathBuf {
    let files = fs::read_dir(data.join("archive/history")).unwrap().map(|file| file.unwrap().path());
    files.min().expect("there is a history")
}

#[test]
fn a_flipped_byte_of_the_journal_is_found_wherever_it_is() {
    let server = stopped(filled());
    let segment = first_segment(&server.data());
    let end = fs::read(&segment).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    // Behind the segment's own head, which fills a block.
    flips(&server.data(), &segment, (4_096, end), 120);
    assert_eq!(found(&server.data())["ledger"], expected(), "all was put back");
}

#[test]
fn a_flipped_byte_of_the_history_is_found_wherever_it_is() {
    let server = stopped(filled());
    let file = history(&server.data());
    let end = fs::metadata(&file).unwrap().len();
    flips(&server.data(), &file, (0, usize::try_from(end).unwrap()), 120);
    assert_eq!(found(&server.data())["ledger"], expected(), "all was put back");
}

/// The pages of the ledger as it stands, kept as a checkpoint like those of a long run.
fn checkpoint(data: &Path) -> (u64, Vec<(PageId, Vec<u8>)>) {
    let archive = Archive::open(&data.join("archive")).unwrap();
    let mut ledger = archive_ledger(&archive).unwrap();
    ledger.loaded();
    ledger.begin_sweep();
    let (mut pages, mut page) = (Vec::new(), Vec::new());
    while let Some(id) = ledger.next_page(&mut page) {
        pages.push((id, page.clone()));
    }
    let end = archive_end(&archive);
    let rows: Vec<_> = pages.iter().map(|(id, page)| (*id, end, page.clone())).collect();
    archive.put_pages(&rows, Some(end)).unwrap();
    archive.persist().unwrap();
    (end, pages)
}

fn put(data: &Path, page: (PageId, u64, Vec<u8>)) {
    let archive = Archive::open(&data.join("archive")).unwrap();
    archive.put_pages(&[page], None).unwrap();
    archive.persist().unwrap();
}

#[test]
fn a_flipped_byte_of_a_page_of_live_state_is_found_wherever_it_is() {
    let server = stopped(filled());
    let data = server.data();
    let (end, pages) = checkpoint(&data);
    assert_eq!(found(&data)["ledger"], expected(), "what the pages say is what the events say");
    assert!(pages.len() >= 5, "assets, accounts, holds, items, machines");
    for (id, page) in &pages {
        let step = page.len().div_ceil(24);
        for at in (0..page.len()).step_by(step) {
            let mut bytes = page.clone();
            bytes[at] ^= 1 << (at % 7);
            put(&data, (*id, end, bytes));
            let output = verify(&data, &[]);
            assert_eq!(output.status.code(), Some(1), "byte {at} of {id:?}: {output:?}");
        }
        put(&data, (*id, end, page.clone()));
    }
    assert_eq!(found(&data)["ledger"], expected(), "all was put back");
}

#[test]
fn where_the_journal_gave_up_its_beginning_the_ledger_is_judged_from_the_history() {
    let server = filled();
    let shop = Participant::start();
    let body = "b".repeat(900_000);
    for n in 0..8 {
        let stock = with(shop.tcc("stock"), json!({ "body": body }));
        server.begin(&with(tcc(&format!("large-{n}"), [stock]), json!({ "wait_ms": 10_000 })));
    }
    entries(&server, "late", 5);
    let server = stopped(server);
    fs::remove_file(first_segment(&server.data())).unwrap();
    let why = String::from_utf8(verify(&server.data(), &[]).stderr).unwrap();
    let begins = why.split("begins at event ").nth(1).and_then(|rest| rest.split(':').next());
    let begins = begins.unwrap_or_else(|| panic!("it names the first event: {why}"));
    let output = verify(&server.data(), &["--begins-at", begins, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&seen["ledger"]["from"], &seen["ledger"]["entries"]), (&json!("history"), &json!(155)));
    // What only the history has is not beyond damage: `journal_forged.rs` has one whose sums are right.
    let file = history(&server.data());
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(5).position(|window| window == b"e1-17").expect("an entry's id");
    bytes[at..at + 5].copy_from_slice(b"e1-16");
    fs::write(&file, bytes).unwrap();
    let output = verify(&server.data(), &["--begins-at", begins]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("history of the ledger"), "{said}");
}
