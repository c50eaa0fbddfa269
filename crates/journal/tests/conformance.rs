//! Every backend against the one suite.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use journal::conformance::{self, MAX_FRAME_BYTES, Subject, Wishes};
use journal::disk::{FakeDisk, RealDisk};
use journal::{Disk, FileJournal, FileOptions, Journal, Memory, MemoryOptions, MemoryStore};
use proptest::prelude::*;

struct InMemory(MemoryStore);

impl Subject for InMemory {
    fn open(&self, wishes: Wishes) -> Box<dyn Journal> {
        let options = MemoryOptions {
            retain_bytes: wishes.retain_bytes,
            max_frame_bytes: MAX_FRAME_BYTES as u64,
            ..MemoryOptions::default()
        };
        Box::new(Memory::open(&self.0, options))
    }
}

struct InFiles {
    disk: Arc<dyn Disk>,
    _folder: Option<tempfile::TempDir>,
}

impl InFiles {
    fn real() -> InFiles {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::create(folder.path().join("data/journal")).unwrap());
        InFiles { disk, _folder: Some(folder) }
    }

    fn fake() -> InFiles {
        InFiles { disk: Arc::new(FakeDisk::new()), _folder: None }
    }
}

impl Subject for InFiles {
    fn open(&self, wishes: Wishes) -> Box<dyn Journal> {
        let options = FileOptions {
            segment_bytes: 128 << 10,
            small_segment_bytes: 8 << 10,
            max_frame_bytes: MAX_FRAME_BYTES as u64,
            retain_bytes: wishes.retain_bytes,
            ..FileOptions::default()
        };
        Box::new(FileJournal::start(Arc::clone(&self.disk), options).unwrap())
    }
}

#[test]
fn memory() {
    conformance::all(&|| Box::new(InMemory(MemoryStore::default())));
}

#[test]
fn files_on_a_real_disk() {
    conformance::all(&|| Box::new(InFiles::real()));
}

#[test]
fn files_on_a_fake_disk() {
    conformance::all(&|| Box::new(InFiles::fake()));
}

#[test]
fn both_backends_have_the_same_chain() {
    let mut heads = Vec::new();
    for subject in [Box::new(InMemory(MemoryStore::default())) as Box<dyn Subject>, Box::new(InFiles::fake())]
    {
        let mut journal = subject.open(Wishes::default());
        for sequence in 1..20 {
            let payload = vec![sequence as u8; 3 * sequence as usize];
            journal.append(&journal::Frame { sequence, count: 1, time: 5, payload: &payload }).unwrap();
        }
        heads.push(journal.head());
    }
    assert_eq!(heads[0], heads[1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn frames_of_any_size(sizes in prop::collection::vec(prop_oneof![0..200_usize, 0..9000_usize, 0..=MAX_FRAME_BYTES], 0..40)) {
        conformance::sizes(&InMemory(MemoryStore::default()), &sizes);
        conformance::sizes(&InFiles::fake(), &sizes);
    }
}
