//! A store on disk: fjall, a log-structured merge tree in Rust. One database, a keyspace per table, atomic batches.
//!
//! fjall stops writing for good after a failed write (the disk was full, say), so the database is opened afresh before
//! the next one; what was committed before is still there. Memory is bounded here and nowhere else.
//! Read next: `store.rs` for what is promised.

use std::io::ErrorKind;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use fjall::config::PinningPolicy;
use fjall::{
    Database, Iter, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, OwnedWriteBatch, PersistMode,
    Readable, Snapshot,
};

use super::rows::{FORMAT_BEFORE_LEDGER, META_FORMAT, number_key};
use super::store::{Changes, Flow, Order, Span, Store, Table, View, VisitRow};
use super::{tail, versions};
use crate::Fault;

/// Blocks kept in memory.
const CACHE_BYTES: u64 = 64 << 20;
/// fjall's own journal: what a reopening has to read at most.
const JOURNAL_BYTES: u64 = 128 << 20;
/// Rows of one table kept in memory before they are written out; up to five times that while the disk is slow.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// Chunks of so many bytes and more lie in blob files.
const BLOB_FROM: u32 = 256;
/// How long a reopening waits for readers to let go of the old database.
const LET_GO: Duration = Duration::from_secs(2);

/// The store on disk.
pub(crate) struct FjallStore {
    path: PathBuf,
    /// `None` while a reopening failed.
    open: RwLock<Option<Arc<Open>>>,
}

struct Open {
    tables: Vec<Keyspace>,
    database: Database,
}

struct FjallView {
    snapshot: Snapshot,
    // Holds the database while the view lives; a reopening waits for it.
    open: Arc<Open>,
}

impl FjallStore {
    /// Opens the store in `path`, or creates it.
    pub(crate) fn open(path: &Path) -> Result<FjallStore, Fault> {
        let open = Open::whole(path)?;
        Ok(FjallStore { path: path.to_owned(), open: RwLock::new(Some(Arc::new(open))) })
    }

    fn opened(&self) -> RwLockReadGuard<'_, Option<Arc<Open>>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Result<Arc<Open>, Fault> {
        self.opened().as_ref().map(Arc::clone).ok_or_else(closed)
    }
}

impl Open {
    /// Opens what is whole, after cutting what a power cut left torn.
    fn whole(path: &Path) -> Result<Open, Fault> {
        match tail::cut(path) {
            Ok(0) => {}
            Ok(bytes) => {
                tracing::warn!(bytes, "the archive's store had a torn tail, never synced: it was cut");
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(fault(fjall::Error::Locked)),
            Err(error) => return Err(fault(fjall::Error::Io(error))),
        }
        let damaged = versions::damaged(path).map_err(|error| fault(fjall::Error::Io(error)))?;
        if let Some(file) = damaged {
            return Err(Fault::Archive(format!("its store's file {} is damaged or missing", file.display())));
        }
        let database = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()
            .map_err(fault)?;
        match lost(&database).map_err(fault)? {
            None => Open::tables_of(database).map_err(fault),
            Some(table) => Err(Fault::Archive(format!(
                "its store has lost the table `{}`: a part of {} is missing",
                table.name(),
                path.join("keyspaces").display()
            ))),
        }
    }

    fn tables_of(database: Database) -> fjall::Result<Open> {
        let tables = Table::ALL
            .iter()
            .map(|table| database.keyspace(table.name(), || options(*table)))
            .collect::<Result<_, _>>()?;
        Ok(Open { tables, database })
    }
}

/// A table that is not there, though it was: fjall makes one that it does not find, or finds without its beginning, anew
/// and empty. A store is made table by table before its first row is written, so one that has rows has all tables;
/// an archive from before the ledger has no pages.
fn lost(database: &Database) -> fjall::Result<Option<Table>> {
    let (here, missing): (Vec<Table>, Vec<Table>) =
        Table::ALL.iter().partition(|table| database.keyspace_exists(table.name()));
    for table in here {
        let keyspace = database.keyspace(table.name(), || options(table))?;
        if table == Table::Meta && missing == [Table::Pages] {
            let format = keyspace.get(META_FORMAT)?;
            if format.is_some_and(|format| *format == number_key(FORMAT_BEFORE_LEDGER)) {
                return Ok(None);
            }
        }
        if !missing.is_empty() && !keyspace.is_empty()? {
            return Ok(missing.first().copied());
        }
    }
    Ok(None)
}

fn options(table: Table) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
    match table {
        // Each begun transaction asks for an id, and most keys, that are not there: the filters stay in memory.
        Table::Ids | Table::Keys => options
            .filter_block_pinning_policy(PinningPolicy::all(true))
            .index_block_pinning_policy(PinningPolicy::all(true)),
        // Bytes that compaction need not carry along: half the work, as measured in docs/internals/archive-store.md.
        Table::Chunks => options
            .max_memtable_size(2 * MEMTABLE_BYTES)
            .expect_point_read_hits(true)
            .with_kv_separation(Some(KvSeparationOptions::default().separation_threshold(BLOB_FROM))),
        // Found whenever they are asked for, which is at start-up only.
        Table::Summary | Table::Pages => options.expect_point_read_hits(true),
        Table::Live | Table::Labels | Table::KeyAges | Table::Meta => options,
    }
}

impl Store for FjallStore {
    fn view(&self) -> Result<Box<dyn View>, Fault> {
        let open = self.current()?;
        Ok(Box::new(FjallView { snapshot: open.database.snapshot(), open }))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let opened = self.opened();
        let open = opened.as_ref().ok_or_else(closed)?;
        let keyspace = &open.tables[table as usize];
        // The short way sees rows of a batch that is still being applied, so a hit is asked for once more in a
        // snapshot. What is not there now was not there before the batch either.
        match keyspace.get(key).map_err(fault)? {
            None => Ok(None),
            Some(_) => row(&open.database.snapshot(), keyspace, key),
        }
    }

    fn commit(&self, changes: &Changes) -> Result<(), Fault> {
        let open = self.current()?;
        let mut batch = OwnedWriteBatch::with_capacity(open.database.clone(), changes.len())
            .durability(Some(PersistMode::Buffer));
        for change in changes.iter() {
            let keyspace = &open.tables[change.table as usize];
            match change.value {
                Some(value) => batch.insert(keyspace, change.key, value),
                None => batch.remove(keyspace, change.key),
            }
        }
        batch.commit().map_err(fault)
    }

    fn persist(&self) -> Result<(), Fault> {
        self.current()?.database.persist(PersistMode::SyncData).map_err(fault)
    }

    fn reopen(&self) -> Result<(), Fault> {
        let mut opened = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = opened.take() {
            match let_go(former) {
                Ok(former) => drop(former),
                Err(former) => {
                    *opened = Some(former);
                    return Err(Fault::Archive(
                        "it is still being read, and cannot be opened afresh".to_owned(),
                    ));
                }
            }
        }
        *opened = Some(Arc::new(Open::whole(&self.path)?));
        Ok(())
    }
}

/// Waits until nobody else holds the database.
fn let_go(mut former: Arc<Open>) -> Result<Open, Arc<Open>> {
    let start = Instant::now();
    loop {
        former = match Arc::try_unwrap(former) {
            Ok(open) => return Ok(open),
            Err(held) if start.elapsed() > LET_GO => return Err(held),
            Err(held) => held,
        };
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl View for FjallView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        row(&self.snapshot, &self.open.tables[table as usize], key)
    }

    fn scan_wanted(
        &self,
        span: Span<'_>,
        wanted: &dyn Fn(&[u8]) -> bool,
        visit: VisitRow<'_>,
    ) -> Result<(), Fault> {
        if span.end.is_some_and(|end| end <= span.start) {
            return Ok(());
        }
        let end = span.end.map_or(Bound::Unbounded, Bound::Excluded);
        let keyspace = &self.open.tables[span.table as usize];
        let rows: Iter = self.snapshot.range::<&[u8], _>(keyspace, (Bound::Included(span.start), end));
        match span.order {
            Order::Ascending => walk(rows, wanted, visit),
            Order::Descending => walk(rows.rev(), wanted, visit),
        }
    }
}

fn walk(
    rows: impl Iterator<Item = fjall::Guard>,
    wanted: &dyn Fn(&[u8]) -> bool,
    visit: VisitRow<'_>,
) -> Result<(), Fault> {
    for row in rows {
        let (key, value) = row.into_inner_if(|key| wanted(key)).map_err(fault)?;
        let Some(value) = value else { continue };
        if visit(&key, &value)? == Flow::Stop {
            break;
        }
    }
    Ok(())
}

fn row(snapshot: &Snapshot, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    Ok(snapshot.get(keyspace, key).map_err(fault)?.map(|value| value.to_vec()))
}

fn fault(error: fjall::Error) -> Fault {
    match error {
        fjall::Error::Io(error) => Fault::Archive(format!("its store: {error}")),
        fjall::Error::Poisoned => Fault::Archive("its store stopped after a failed write".to_owned()),
        fjall::Error::Locked => Fault::Archive("another process has it open".to_owned()),
        error => Fault::Archive(format!("its store: {error}")),
    }
}

fn closed() -> Fault {
    Fault::Archive("its store could not be opened afresh after a failed write".to_owned())
}
