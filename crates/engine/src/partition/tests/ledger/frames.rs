//! The largest frame: whatever is asked at once, no frame gets more than the journal takes.

use ::ledger::{Cause, Command, Linked, Origin, Release};

use super::*;

const FRAME: usize = 4096;

fn small() -> Rig {
    let mut rig = Rig::new(Config { frame_bytes: FRAME, ..Config::default() });
    let books = Books::default().asset("points").account("issuer", Floor::None).account("shop", Floor::None);
    let results = rig.changed(books.account("ann", Floor::None)).results;
    assert!(results.iter().all(Result::is_ok));
    rig
}

fn frame_of(rig: &mut Rig, books: Books, key: Option<Key>) -> usize {
    drop(rig.change(books, Run::Real, key));
    let bytes = rig.partition.batch.payload.len();
    rig.settle();
    bytes
}

#[test]
fn members_beyond_a_full_frame_are_refused_and_can_be_asked_again() {
    let mut rig = small();
    let key = || Some(Key { scope: Arc::from("entries k"), fingerprint: [1; 32] });
    let ids: Vec<String> = (0..400).map(|number| format!("e-{number}")).collect();
    let books = || ids.iter().fold(Books::default(), |books, id| books.entry(id, ("issuer", "ann"), 1));
    let bytes = frame_of(&mut rig, books(), key());
    assert!((FRAME * 3..FRAME * 4).contains(&bytes), "{bytes}");
    let first = rig.balances("ann").0;
    assert!((50..400).contains(&first), "{first}");
    // The same request again, key and all, brings the rest: what was only put off is not what a repeat is told.
    for _ in 0..400 {
        drop(rig.change(books(), Run::Real, key()));
        rig.settle();
    }
    assert_eq!(rig.balances("ann"), (400, 0));
}

#[test]
fn long_words_do_not_fill_a_frame_with_the_results_of_a_key() {
    let mut rig = small();
    let long = "x".repeat(128);
    let mut books = Books::default();
    for _ in 0..20 {
        books.0.push(&Command::Release(Release {
            hold: &long,
            linked: Linked::No,
            origin: Origin::Direct,
            cause: Cause { reason: Some("r"), ..Cause::default() },
        }));
    }
    let key = Key { scope: Arc::from("releases k"), fingerprint: [1; 32] };
    let bytes = frame_of(&mut rig, books, Some(key));
    assert!(bytes < 20 * (128 + 256 + 16), "{bytes}");
}
