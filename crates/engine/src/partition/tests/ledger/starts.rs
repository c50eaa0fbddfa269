//! What a start makes of an archive whose parts have come differently far: ids on disk, pages, history.

use ::ledger::Space;

use super::*;
use crate::history::Walker;
use crate::ids::{Ids, Row, Runs, Size};
use crate::opening;

/// Writes all ids that the history has led to so far as one run.
fn write_ids(archive: &Archive) {
    let mut runs = Runs::open(archive.ids_disk()).unwrap();
    let mut ids = Ids::new(Size { rows: 1, surplus: 1_000 }, runs.set());
    let mut walker = Walker::new(archive.history(), 0);
    while let Some((position, encoded)) = walker.next().unwrap() {
        let mut learn = |hash, known: ::ledger::Known| {
            ids.insert(Row { hash, check: known.content, position: known.position });
        };
        ::ledger::learnt(archive.keys(), encoded, position, &mut learn).unwrap();
    }
    ids.seal_if_full();
    runs.write(&ids.take_sealed(u64::MAX).unwrap()).unwrap();
}

/// Keeps every changed page, as a complete sweep.
fn sweep(rig: &mut Rig) {
    let vault = &mut rig.partition.vault;
    vault.ledger.begin_sweep();
    let (mut pages, mut page) = (Vec::new(), Vec::new());
    while let Some(id) = vault.ledger.next_page(&mut page) {
        pages.push((id, vault.position, page.clone()));
    }
    rig.archive.put_pages(&pages, Some(vault.position)).unwrap();
}

#[test]
fn a_start_reads_the_ids_that_no_run_has_although_a_sweep_is_further() {
    let mut rig = world();
    rig.changed(Books::default().entry("e-1", ("ann", "shop"), 1));
    write_ids(&rig.archive);
    rig.changed(Books::default().entry("e-2", ("ann", "shop"), 2).hold("h-1", 5, Expiry::Never));
    sweep(&mut rig);
    rig.changed(Books::default().entry("e-3", ("ann", "shop"), 3));
    let (vault, _) = opening::vault(&rig.archive, 1 << 20).unwrap();
    assert_eq!(vault.ledger.differences(&rig.partition.vault.ledger, 5), Vec::<String>::new());
    for id in ["grant", "e-1", "e-2", "e-3"] {
        let known = vault.find(Space::Entry, ("", id)).unwrap();
        assert_eq!(known, rig.partition.vault.find(Space::Entry, ("", id)).unwrap(), "{id}");
        assert!(known.is_some(), "{id}");
    }
}

#[test]
fn pages_that_know_more_than_the_history_are_refused() {
    let mut rig = world();
    rig.changed(Books::default().entry("e-1", ("ann", "shop"), 1));
    rig.partition.vault.position += 1;
    sweep(&mut rig);
    let fault = opening::vault(&rig.archive, 1 << 20).map(drop).unwrap_err().to_string();
    assert!(fault.contains("pages of live state reach"), "{fault}");
}
