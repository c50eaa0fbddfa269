//! Tests of the archive: every store by the same words, and random histories against a plain fold.

mod answers;
mod checks;
mod cuts;
mod faults;
mod history;
mod lists;
mod purges;
mod stores;

use std::path::Path;

use super::Archive;

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
