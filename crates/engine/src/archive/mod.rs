//! The archive: a fold of durable journal frames on disk. Serves what is finished, and is the checkpoint for start-up.
//!
//! Written behind by one thread, read by any. It decides nothing and is never a second truth: lost, it is rebuilt by
//! replay. It must only be given entries that are durable in the journal.
//!
//! Read `rows.rs` (what is in the tables), `ingest.rs` (how it gets there), `store.rs` (what is asked of a store).

mod check;
mod check_past;
mod fjall_store;
mod fold;
mod head;
mod ingest;
mod list;
mod memory;
mod pages;
mod past;
mod purge;
mod rows;
mod shelf;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod timeline;
mod versions;

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::Disk;
use ledger::Keys;
use transaction::{Refusal, Time, Topic, Transaction};

pub use self::check::{Check, Checked, Difference};
use self::fjall_store::FjallStore;
use self::head::Head;
use self::ingest::{Batch, Fact};
pub use self::pages::VisitPage;
use self::past::Past;
pub use self::rows::Used;
use self::rows::{FORMAT, FORMAT_BEFORE_LEDGER, META_APPLIED, META_FORMAT, META_HISTORY, Told};
pub use self::shelf::Shelf;
use self::store::{Changes, Flow, Order, Span, Store, Table, View};
use crate::entry::{self, Entry, EntryRef, KeyRow, Room};
use crate::history::History;
use crate::{Fault, Filter, Page, Timeline, TimelineQuery};

/// One durable journal entry, to be archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingest {
    /// Its sequence in the journal.
    pub sequence: u64,
    /// What it says.
    pub entry: Entry,
}

/// The archive: cheap to clone, read from any thread.
#[derive(Clone)]
pub struct Archive {
    shared: Arc<Shared>,
}

struct Shared {
    store: Box<dyn Store>,
    applied: AtomicU64,
    persisted: AtomicU64,
    history: History,
    /// The folder of the index of ids.
    ids: Arc<dyn Disk>,
    /// Up to which sequence the history has the ledger's entries.
    told: AtomicU64,
    /// Why the history is told anew, if it is.
    damage: Option<String>,
    keys: Mutex<Keys>,
    writer: Mutex<Writer>,
}

/// What only the writing thread needs.
#[derive(Default)]
struct Writer {
    /// A commit failed: the store must be opened afresh before the next one.
    broken: bool,
    /// Where purging goes on.
    purge: purge::Place,
    /// What the tables say of the history; `None`: not known.
    told: Option<Told>,
}

/// Keys of an archive in memory: fixed, so that a run can be repeated.
const MEMORY_KEYS: Keys = Keys(0x7465_7263_6574, 0x6c65_6467_6572);

impl Archive {
    /// Opens the archive in the folder `path`, or creates it.
    ///
    /// # Errors
    /// When the store cannot be opened, is damaged, or is of another format.
    pub fn open(path: &Path) -> Result<Archive, Fault> {
        let store = Box::new(FjallStore::open(path)?);
        let fresh = || RandomState::new().hash_one(path);
        let disks = (past::disk(path, past::HISTORY)?, past::disk(path, past::IDS)?);
        Archive::over(store, disks, Keys(fresh(), fresh()))
    }

    /// An archive in memory, for tests and the simulator.
    #[must_use]
    pub fn in_memory() -> Archive {
        Shelf::default().open().expect("memory does not fail")
    }

    fn over(
        store: Box<dyn Store>,
        (disk, ids): (Arc<dyn Disk>, Arc<dyn Disk>),
        fresh: Keys,
    ) -> Result<Archive, Fault> {
        let keys = prepare(&*store, fresh)?;
        // What was found after a kill may not have reached the disk yet.
        store.persist()?;
        let Past { history, told, damage } = past::open(&*store, disk)?;
        let applied = read_meta(&*store, META_APPLIED)?.unwrap_or(0);
        let shared = Shared {
            store,
            applied: AtomicU64::new(applied),
            persisted: AtomicU64::new(applied),
            history,
            ids,
            told: AtomicU64::new(told.applied),
            damage,
            keys: Mutex::new(keys),
            writer: Mutex::default(),
        };
        Ok(Archive { shared: Arc::new(shared) })
    }

    /// Up to which sequence entries are ingested, and visible to reads.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.shared.applied.load(Ordering::Acquire)
    }

    /// Up to which sequence the ledger's entries are in the history: after a crash this may be less than
    /// [`Archive::applied`].
    #[must_use]
    pub fn history_applied(&self) -> u64 {
        self.shared.told.load(Ordering::Acquire)
    }

    /// Why the history of the ledger is told anew from the journal's beginning, if it is: file and offset, in words.
    #[must_use]
    pub fn history_damage(&self) -> Option<&str> {
        self.shared.damage.as_deref()
    }

    /// The first sequence that it must be given next: all before is here. Entries that one part of it has already may be
    /// given again.
    #[must_use]
    pub fn take_from(&self) -> u64 {
        self.applied().min(self.history_applied()) + 1
    }

    /// The past of the ledger.
    #[must_use]
    pub(crate) fn history(&self) -> &History {
        &self.shared.history
    }

    /// The folder of the index of ids.
    #[must_use]
    pub(crate) fn ids_disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.shared.ids)
    }

    /// Up to which sequence entries are durable here: what start-up finds at least.
    #[must_use]
    pub fn persisted(&self) -> u64 {
        self.shared.persisted.load(Ordering::Acquire)
    }

    /// Takes in durable entries, in order and without gaps, as one batch: all of it is visible when this returns, or
    /// none of it is. What is applied already is passed over. Not durable until [`Archive::persist`].
    ///
    /// # Errors
    /// When the store fails (the disk may be full). The archive stays as it was and goes on answering; the caller asks
    /// for [`Archive::applied`] again and repeats from there, later.
    pub fn ingest(&self, entries: &[Ingest]) -> Result<(), Fault> {
        let mut writer = self.writer()?;
        let mut batch = Batch::after(self.applied(), self.history_applied());
        for Ingest { sequence, entry } in entries {
            let lacking = batch.next(*sequence)?;
            let fact = match entry {
                Entry::Ledger(encoded) if lacking.history => {
                    batch.push_ledger(encoded);
                    continue;
                }
                Entry::Ledger(_) => continue,
                _ if !lacking.tables => continue,
                Entry::Event { encoded, .. } => event(*sequence, encoded)?,
                Entry::Key(row) => Fact::Key(Cow::Borrowed(row)),
                Entry::Reply(row) => Fact::Reply(Cow::Borrowed(row)),
                Entry::Topic(row) => Fact::Topic(Cow::Borrowed(row)),
            };
            batch.push(*sequence, fact);
        }
        self.apply(&mut writer, batch)
    }

    /// As [`Archive::ingest`], from payloads as the journal holds them, each with the sequence of its first entry. Reads
    /// no more of an event than its rows need, so it is much the cheaper one.
    ///
    /// # Errors
    /// As [`Archive::ingest`], and when a payload is damaged.
    pub fn ingest_payloads(&self, payloads: &[(u64, &[u8])]) -> Result<(), Fault> {
        let mut writer = self.writer()?;
        let mut batch = Batch::after(self.applied(), self.history_applied());
        for (first, payload) in payloads {
            entry::read(payload, *first, |sequence, entry| take(&mut batch, sequence, entry))?;
        }
        self.apply(&mut writer, batch)
    }

    fn apply(&self, writer: &mut Writer, mut batch: Batch<'_>) -> Result<(), Fault> {
        let (run, told) = batch.take_run();
        let changes = batch.changes(&*self.view()?)?;
        self.shared.history.append(&run)?;
        self.shared.told.store(told, Ordering::Release);
        let Some((changes, reached)) = changes else { return Ok(()) };
        self.commit(writer, &changes)?;
        self.shared.applied.store(reached, Ordering::Release);
        Ok(())
    }

    /// Makes what is ingested durable; answers up to which sequence it is.
    ///
    /// # Errors
    /// When the store fails; see [`Archive::ingest`].
    pub fn persist(&self) -> Result<u64, Fault> {
        let mut writer = self.writer()?;
        // The tables must not say more of the history than the disk has.
        let told = Told { applied: self.history_applied(), reach: self.shared.history.persist()? };
        if writer.told != Some(told) {
            let mut changes = Changes::default();
            changes.put(Table::Meta, META_HISTORY, &told.encode());
            self.commit(&mut writer, &changes)?;
            writer.told = Some(told);
        }
        let applied = self.applied();
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::ReleasedTooEarly) {
            return Ok(applied.min(told.applied));
        }
        self.shared.store.persist().inspect_err(|_| writer.broken = true)?;
        self.shared.persisted.store(applied, Ordering::Release);
        Ok(applied.min(told.applied))
    }

    /// The number of the transaction with this id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn number_of(&self, id: &str) -> Result<Option<u64>, Fault> {
        let row = self.shared.store.get(Table::Ids, id.as_bytes())?;
        row.map(|row| rows::read_number(&row)).transpose()
    }

    /// What an idempotency key was used for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn used(&self, scope: &str) -> Result<Option<Used>, Fault> {
        let row = self.shared.store.get(Table::Keys, scope.as_bytes())?;
        Ok(row.map(|row| rows::read_used(&row)).transpose()?.map(|(_, used)| used))
    }

    /// The request about a transaction that an idempotency key was used for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn key(&self, scope: &str) -> Result<Option<KeyRow>, Fault> {
        Ok(match self.used(scope)? {
            Some(Used::Key(row)) => Some(row),
            Some(Used::Reply(_)) | None => None,
        })
    }

    /// The transaction of this number, as it stood at [`Archive::applied`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn load(&self, number: u64) -> Result<Option<Transaction>, Fault> {
        fold::load(&*self.view()?, number)
    }

    /// Visits every transaction that is not final, ascending by number, one at a time.
    ///
    /// # Errors
    /// When the store fails, and whatever `visit` answers.
    pub fn open_transactions(
        &self,
        visit: &mut dyn FnMut(Transaction) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        fold::open_transactions(&*self.view()?, visit)
    }

    /// Visits every topic, in the order of their names.
    ///
    /// # Errors
    /// When the store fails, and whatever `visit` answers.
    pub fn topics(&self, visit: &mut dyn FnMut(Topic) -> Result<(), Fault>) -> Result<(), Fault> {
        let (start, end) = rows::META_TOPICS;
        let span = Span { table: Table::Meta, start, end: Some(end), order: Order::Ascending };
        self.view()?.scan(span, &mut |_, value| {
            rows::read_topic(value)?.topic.map_or(Ok(()), &mut *visit)?;
            Ok(Flow::Go)
        })
    }

    /// One page of a list, newest first.
    ///
    /// # Errors
    /// When the store fails; the inner one refuses a cursor that was never given out.
    pub fn list(&self, filter: &Filter) -> Result<Result<Page, Refusal>, Fault> {
        list::list(&*self.view()?, filter, list::WALK_MAX)
    }

    /// One page of a transaction's history.
    ///
    /// # Errors
    /// When the store fails; the inner one refuses an unknown id, or a cursor that was never given out.
    pub fn timeline(&self, query: &TimelineQuery) -> Result<Result<Timeline, Refusal>, Fault> {
        timeline::timeline(&*self.view()?, query)
    }

    /// Forgets at most `at_most` transactions that finished before a time, and idempotency keys used before it, oldest
    /// first; answers how many. Each call walks a bounded number of rows and goes on where the last one stopped.
    ///
    /// # Errors
    /// When the store fails; see [`Archive::ingest`].
    pub fn purge(&self, finished_before: Time, at_most: usize) -> Result<usize, Fault> {
        let mut writer = self.writer()?;
        let step = purge::step(&*self.view()?, writer.purge, (finished_before, at_most))?;
        if step.count > 0 {
            self.commit(&mut writer, &step.changes)?;
        }
        writer.purge = step.place;
        Ok(step.count)
    }

    /// Begins a comparison with the journal.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check(&self) -> Result<Check, Fault> {
        Check::new(self.view()?, &self.shared)
    }

    fn view(&self) -> Result<Box<dyn View>, Fault> {
        self.shared.store.view()
    }

    /// The right to write, with a store that can be written to.
    fn writer(&self) -> Result<MutexGuard<'_, Writer>, Fault> {
        let mut writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.broken {
            self.shared.store.reopen()?;
            let applied = read_meta(&*self.shared.store, META_APPLIED)?.unwrap_or(0);
            self.shared.applied.store(applied, Ordering::Release);
            *writer = Writer::default();
        }
        Ok(writer)
    }

    fn commit(&self, writer: &mut Writer, changes: &Changes) -> Result<(), Fault> {
        self.shared.store.commit(changes).inspect_err(|_| writer.broken = true)
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive")
            .field("applied", &self.applied())
            .field("persisted", &self.persisted())
            .finish()
    }
}

fn read_meta(store: &dyn Store, name: &[u8]) -> Result<Option<u64>, Fault> {
    store.get(Table::Meta, name)?.map(|row| rows::read_number(&row)).transpose()
}

/// The applied sequence that a view shows.
fn applied_in(view: &dyn View) -> Result<u64, Fault> {
    Ok(view.get(Table::Meta, META_APPLIED)?.map(|row| rows::read_number(&row)).transpose()?.unwrap_or(0))
}

/// Makes a store ready: its format, the keys, and where a history begins that is younger than the archive.
fn prepare(store: &dyn Store, fresh: Keys) -> Result<Keys, Fault> {
    let mut changes = Changes::default();
    match read_meta(store, META_FORMAT)? {
        Some(FORMAT) => {}
        None => changes.put(Table::Meta, META_FORMAT, &rows::number_key(FORMAT)),
        Some(FORMAT_BEFORE_LEDGER) => {
            // No entry so far was the ledger's, however little of the journal is left.
            let applied = read_meta(store, META_APPLIED)?.unwrap_or(0);
            changes.put(Table::Meta, META_HISTORY, &Told::nothing_after(applied).encode());
            changes.put(Table::Meta, META_FORMAT, &rows::number_key(FORMAT));
        }
        Some(other) => {
            let why = format!(
                "its format is {other}, this version reads {FORMAT}: move the archive folder away and it is rebuilt from the journal"
            );
            return Err(Fault::Archive(why));
        }
    }
    let keys = pages::keys(store, fresh, &mut changes)?;
    if changes.len() > 0 {
        store.commit(&changes)?;
    }
    Ok(keys)
}

/// Takes one entry of a payload into the batch.
fn take<'a>(batch: &mut Batch<'a>, sequence: u64, entry: EntryRef<'a>) -> Result<(), Fault> {
    let lacking = batch.next(sequence)?;
    let fact = match (entry.room, entry.bytes) {
        (Room::Ledger, encoded) => {
            if lacking.history {
                batch.push_ledger(encoded);
            }
            return Ok(());
        }
        _ if !lacking.tables => return Ok(()),
        (Room::Transaction, encoded) => event(sequence, encoded)?,
        (Room::Key, bytes) => Fact::Key(Cow::Owned(decoded(sequence, entry::decode_key(bytes))?)),
        (Room::Reply, bytes) => Fact::Reply(Cow::Owned(decoded(sequence, entry::decode_reply(bytes))?)),
        (Room::Topic, bytes) => Fact::Topic(Cow::Owned(decoded(sequence, entry::decode_topic(bytes))?)),
    };
    batch.push(sequence, fact);
    Ok(())
}

fn event(sequence: u64, encoded: &[u8]) -> Result<Fact<'_>, Fault> {
    let head = Head::read(encoded).map_err(|why| Fault::Entry { sequence, why })?;
    Ok(Fact::Event { head, encoded })
}

fn decoded<T>(sequence: u64, row: Result<T, String>) -> Result<T, Fault> {
    row.map_err(|why| Fault::Entry { sequence, why })
}
