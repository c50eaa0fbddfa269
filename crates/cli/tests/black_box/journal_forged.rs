//! `tercet journal verify` of journals whose chain and checksums are right, and whose events are not: a forger who has
//! the tools is found by the arithmetic.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use engine::archive::Archive;
use engine::entry::push_ledger;
use journal::{FileJournal, FileOptions, Frame, Journal, RealDisk};
use ledger::{Cause, Event, Floor, HEAD, Kept, Leg, NONE};
use transaction::Time;

use crate::journal::{first_segment, found, verify};

/// A journal in the making, and an archive of the same: every event a frame of its own.
struct Forger {
    journal: FileJournal,
    archive: Archive,
    position: u64,
}

impl Forger {
    fn on(data: &Path) -> Forger {
        let disk = Arc::new(RealDisk::create(data.join("journal")).unwrap());
        let (segment_bytes, small_segment_bytes, max_frame_bytes) = (16_384, 16_384, 4_096);
        let options =
            FileOptions { segment_bytes, small_segment_bytes, max_frame_bytes, ..FileOptions::default() };
        let archive = Archive::open(&data.join("archive")).unwrap();
        Forger { journal: FileJournal::start(disk, options).unwrap(), archive, position: 0 }
    }

    /// Keeps an event; answers its position.
    fn keep(&mut self, event: Event<'_>) -> u64 {
        let sequence = self.journal.last_sequence() + 1;
        let at = Time(1_000_000 + i64::try_from(sequence).unwrap());
        let (mut encoded, mut payload) = (Vec::new(), Vec::new());
        Kept { sequence, at, content: sequence, event }.encode(&mut encoded);
        push_ledger(&mut payload, &encoded);
        self.journal.append(&Frame { sequence, count: 1, time: at.0, payload: &payload }).unwrap();
        self.archive.ingest_payloads(&[(sequence, &payload)]).unwrap();
        self.archive.persist().unwrap();
        let position = self.position;
        self.position += HEAD + encoded.len() as u64;
        position
    }

    fn account(&mut self, account: u32, id: &str, floor: Floor<i128>) {
        let cause = Cause::default();
        self.keep(Event::AccountOpened { account, id, asset: 0, floor, ceiling: None, sink: None, cause });
    }
}

fn leg(account: u32, (version, prev): (u64, u64), posted: i128) -> Leg {
    Leg { account, version, posted, held: 0, prev, skip: NONE }
}

fn posted<'a>(id: &'a str, amount: i128, from: Leg, to: Leg) -> Event<'a> {
    let (lots, cause) = ((Vec::new(), Vec::new()), Cause::default());
    Event::Posted { id, amount, from, to, lots, refunds: None, refunded: 0, cause }
}

/// A bank without a floor, an account with one, and 100 units in it; then what `forge` adds.
fn verified(forge: impl FnOnce(&mut Forger, u64)) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut forger = Forger::on(folder.path());
    forger.keep(Event::AssetDeclared { asset: 0, code: "eur", scale: 2 });
    forger.account(0, "bank", Floor::None);
    forger.account(1, "ann", Floor::At(0));
    let first = forger.keep(posted("e-1", 100, leg(0, (1, NONE), -100), leg(1, (1, NONE), 100)));
    forge(&mut forger, first);
    drop(forger);
    let output = verify(folder.path(), &[]);
    if output.status.code() == Some(0) {
        assert_eq!(found(folder.path())["ledger"]["accounts"], 2);
    }
    assert!(fs::read_dir(folder.path()).unwrap().count() > 0);
    output
}

fn says(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
}

#[test]
fn a_journal_made_by_hand_is_verified_when_its_arithmetic_is_right() {
    let output = verified(|forger, first| {
        forger.keep(posted("e-2", 100, leg(1, (2, first), 0), leg(0, (2, first), 0)));
    });
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn one_unit_too_much_is_found() {
    let output = verified(|forger, first| {
        forger.keep(posted("e-2", 50, leg(0, (2, first), -150), leg(1, (2, first), 151)));
    });
    says(&output, &["event 5 of the ledger", "posted of ann was 100 and changes by 50, but 151 is told"]);
}

#[test]
fn units_from_nowhere_are_found() {
    // Both accounts agree with the amount, but one of the legs goes the wrong way.
    let output = verified(|forger, first| {
        forger.keep(posted("e-2", 50, leg(0, (2, first), -50), leg(1, (2, first), 150)));
    });
    says(&output, &["event 5 of the ledger", "posted of bank was -100 and changes by -50, but -50 is told"]);
}

#[test]
fn an_entry_below_the_floor_is_found() {
    let output = verified(|forger, first| {
        forger.keep(posted("e-2", 101, leg(1, (2, first), -1), leg(0, (2, first), 1)));
    });
    says(&output, &["event 5 of the ledger", "ann falls below its floor of 0"]);
}

#[test]
fn an_event_cut_out_of_an_accounts_thread_is_found() {
    let output = verified(|forger, _| {
        forger.keep(posted("e-2", 1, leg(0, (1, NONE), -1), leg(1, (1, NONE), 1)));
    });
    says(&output, &["event 5 of the ledger", "bank was at version 1, but 1 is told"]);
}

#[test]
fn an_entry_that_comes_twice_is_found() {
    let output = verified(|forger, first| {
        forger.keep(posted("e-1", 100, leg(0, (2, first), -200), leg(1, (2, first), 200)));
    });
    says(&output, &["event 5 of the ledger", "the id e-1 was used before"]);
}

#[test]
fn a_release_of_what_was_never_held_is_found() {
    let output = verified(|forger, first| {
        let event = Event::Released {
            id: "h-1",
            hold: 0,
            expired: false,
            amount: 0,
            captured: 0,
            prev: first,
            from: leg(1, (2, first), 100),
            to: 0,
            incoming: 0,
            scale: 2,
            owned: false,
            lots: Vec::new(),
            cause: Cause::default(),
        };
        forger.keep(event);
    });
    says(&output, &["event 5 of the ledger", "hold h-1 is not open in slot 0"]);
}

/// A journal of two segments of which the first is gone, with these ids of its entries; its archive has all.
fn without_beginning(ids: &[String]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut forger = Forger::on(folder.path());
    forger.keep(Event::AssetDeclared { asset: 0, code: "eur", scale: 2 });
    forger.account(0, "bank", Floor::None);
    forger.account(1, "ann", Floor::At(0));
    let (reason, mut last) = ("r".repeat(256), NONE);
    for (version, id) in (1..).zip(ids) {
        let units = i128::from(version);
        let legs = (leg(0, (version, last), -units), leg(1, (version, last), units));
        let Event::Posted { amount, from, to, lots, refunds, refunded, .. } = posted(id, 1, legs.0, legs.1)
        else {
            unreachable!("an entry is posted")
        };
        let cause = Cause { reason: Some(reason.as_str()), ..Cause::default() };
        last = forger.keep(Event::Posted { id, amount, from, to, lots, refunds, refunded, cause });
    }
    drop(forger);
    fs::remove_file(first_segment(folder.path())).unwrap();
    let why = String::from_utf8(verify(folder.path(), &[]).stderr).unwrap();
    let first = why.split("begins at event ").nth(1).and_then(|rest| rest.split(':').next());
    match first {
        Some(first) => verify(folder.path(), &["--begins-at", first, "--json"]),
        // Already the history is wrong.
        None => verify(folder.path(), &["--begins-at", "1"]),
    }
}

#[test]
fn what_only_the_history_has_is_judged_as_well() {
    let mut ids: Vec<String> = (0..60).map(|n| format!("e-{n}")).collect();
    let output = without_beginning(&ids);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&seen["ledger"]["from"], &seen["ledger"]["entries"]), (&"history".into(), &60.into()));
    ids[9] = "e-8".to_owned();
    says(&without_beginning(&ids), &["the history of the ledger", "the id e-8 was used before"]);
}
