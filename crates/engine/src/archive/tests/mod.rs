//! Tests of the archive: every store by the same words, and random histories against a plain fold.

mod answers;
mod checks;
mod cuts;
mod faults;
pub(super) mod history;
mod lag;
mod ledgers;
mod lists;
mod pages;
mod purges;
mod stores;
mod sums;

use std::path::Path;

use super::{Archive, Ingest};
use crate::entry::{self, Entry};

/// An archive on disk that lives as long as its folder.
fn on_disk(folder: &Path) -> Archive {
    Archive::open(&folder.join("archive")).unwrap()
}

/// Runs a test over each store.
fn over_each_store(test: impl Fn(&Archive)) {
    test(&Archive::in_memory());
    let folder = tempfile::tempdir().unwrap();
    test(&on_disk(folder.path()));
}

/// Entries as a frame's payload holds them.
fn payload(entries: &[Ingest]) -> Vec<u8> {
    let mut payload = Vec::new();
    for Ingest { entry, .. } in entries {
        match entry {
            Entry::Event { kept, .. } => entry::push_event(&mut payload, kept.number, kept.at, &kept.event),
            Entry::Key(row) => entry::push_key(&mut payload, row),
            Entry::Ledger(encoded) => entry::push_ledger(&mut payload, encoded),
            Entry::Reply(row) => entry::push_reply(&mut payload, row),
            Entry::Topic(row) => entry::push_topic(&mut payload, row),
        }
    }
    payload
}
