//! A store that fails: nothing half is seen, reads go on, and a later try goes on from what is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use journal::disk::fake::FakeDisk;
use ledger::PageId;
use transaction::Time;

use super::answers::assert_answers;
use super::history::World;
use crate::archive::memory::MemoryStore;
use crate::archive::store::{Changes, Store, Table, View};
use crate::archive::{Archive, MEMORY_KEYS, rows};
use crate::archiver::{Archiver, Job, Pending};
use crate::ids::Runs;
use crate::partition::Pages;
use crate::{Clock, Fault, SystemClock};

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

#[test]
fn a_page_that_could_not_be_kept_at_first_is_kept_before_its_sweep_counts() {
    let failures = Arc::new(AtomicU32::new(0));
    let store =
        Failing { inner: MemoryStore::default(), failures: Arc::clone(&failures), broken: AtomicU32::new(0) };
    let archive = over(Box::new(store)).unwrap();
    let page = |index| PageId { table: 2, index };
    let sweeps = [(page(0), 10), (page(1), 20)]
        .map(|(id, position)| Pages { pages: vec![(id, position, vec![1, 2, 3])], swept: Some(position) });
    let waiting = Arc::new(AtomicU64::new(sweeps.iter().map(Pages::bytes).sum()));
    let clock = SystemClock::starting_after(Time::START);
    let archiver = Archiver {
        pending: Pending::since(clock.now()),
        archive: archive.clone(),
        runs: Runs::open(archive.ids_disk()).unwrap(),
        partition: Arc::default(),
        pages_waiting: Arc::clone(&waiting),
        released: Arc::default(),
        waiting: Arc::default(),
        progress: Arc::default(),
        clock: Arc::new(clock),
        meters: Arc::default(),
        retention_ms: None,
    };
    failures.store(1, Ordering::Release);
    let (jobs, queue) = channel();
    let thread = std::thread::spawn(move || archiver.run(&queue));
    for pages in sweeps {
        jobs.send(Job::Pages(pages)).unwrap();
    }
    let by = Instant::now() + Duration::from_secs(20);
    while archive.swept().unwrap() < 20 {
        assert!(Instant::now() < by, "the second sweep was never kept");
        std::thread::sleep(Duration::from_millis(5));
    }
    jobs.send(Job::Stop).unwrap();
    thread.join().unwrap();
    let mut found = Vec::new();
    archive
        .pages(&mut |id, position, _| {
            found.push((id, position));
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [(page(0), 10), (page(1), 20)], "start-up goes by the newest page of each");
    assert_eq!(waiting.load(Ordering::Acquire), 0);
}
