//! A store that fails: nothing half is seen, reads go on, and a later try goes on from what is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use journal::disk::fake::FakeDisk;

use super::answers::assert_answers;
use super::history::World;
use crate::Fault;
use crate::archive::memory::MemoryStore;
use crate::archive::store::{Changes, Store, Table, View};
use crate::archive::{Archive, MEMORY_KEYS, rows};

fn over(store: Box<dyn Store>) -> Result<Archive, Fault> {
    let disk = || Arc::new(FakeDisk::new());
    Archive::over(store, (disk(), disk()), MEMORY_KEYS)
}

/// A store whose commits fail so many times; then it must be opened afresh, as the one on disk.
struct Failing {
    inner: MemoryStore,
    failures: Arc<AtomicU32>,
    broken: AtomicU32,
}

impl Failing {
    fn fails(&self) -> Result<(), Fault> {
        let left =
            self.failures.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if left.is_ok() {
            self.broken.store(1, Ordering::Release);
        }
        match self.broken.load(Ordering::Acquire) {
            0 => Ok(()),
            _ => Err(Fault::Archive("no space left".to_owned())),
        }
    }
}

impl Store for Failing {
    fn view(&self) -> Result<Box<dyn View>, Fault> {
        self.inner.view()
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.inner.get(table, key)
    }

    fn commit(&self, changes: &Changes) -> Result<(), Fault> {
        self.fails()?;
        self.inner.commit(changes)
    }

    fn persist(&self) -> Result<(), Fault> {
        self.fails()
    }

    fn reopen(&self) -> Result<(), Fault> {
        self.broken.store(0, Ordering::Release);
        Ok(())
    }
}

#[test]
fn a_failed_batch_is_seen_by_nobody_and_taken_in_later() {
    let failures = Arc::new(AtomicU32::new(0));
    let store =
        Failing { inner: MemoryStore::default(), failures: Arc::clone(&failures), broken: AtomicU32::new(0) };
    let archive = over(Box::new(store)).unwrap();
    let world = World::after(51, 600);
    let (first, second) = world.entries.split_at(200);
    archive.ingest(first).unwrap();
    for times in [1, 3] {
        failures.store(times, Ordering::Release);
        for _ in 0..times {
            assert!(archive.ingest(second).is_err());
            assert_answers(&archive, first);
        }
    }
    archive.ingest(second).unwrap();
    assert_answers(&archive, &world.entries);
    let before = archive.persisted();
    failures.store(1, Ordering::Release);
    assert!(archive.persist().is_err());
    assert_eq!(archive.persisted(), before);
    assert_eq!(archive.persist().unwrap(), archive.applied());
}

#[test]
fn another_format_is_refused_with_what_to_do() {
    let store = MemoryStore::default();
    let mut changes = Changes::default();
    changes.put(Table::Meta, rows::META_FORMAT, &rows::number_key(rows::FORMAT + 1));
    store.commit(&changes).unwrap();
    let fault = over(Box::new(store)).unwrap_err();
    assert!(fault.to_string().contains("rebuilt from the journal"), "{fault}");
}
