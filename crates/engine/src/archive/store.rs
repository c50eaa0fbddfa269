//! What the archive asks of an embedded store: tables of bytes, changed in atomic batches, read in consistent views.
//!
//! Narrow on purpose, so that the choice of store can change. A store never looks into a key or a value, and never
//! shows a part of a batch. Read next: `memory.rs` (the shortest one), `fjall_store.rs` (the one on disk).

use crate::Fault;

/// The archive's tables; `rows.rs` says what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Chunks,
    Ids,
    Live,
    Labels,
    Summary,
    Keys,
    KeyAges,
    Meta,
}

impl Table {
    pub(crate) const ALL: [Table; 8] = [
        Table::Chunks,
        Table::Ids,
        Table::Live,
        Table::Labels,
        Table::Summary,
        Table::Keys,
        Table::KeyAges,
        Table::Meta,
    ];

    pub(crate) fn name(self) -> &'static str {
        ["chunks", "ids", "live", "labels", "summary", "keys", "key_ages", "meta"][self as usize]
    }
}

/// One row put, or removed when there is no value.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) table: Table,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// The changes of one batch. A key is changed at most once per batch.
#[derive(Debug, Default)]
pub(crate) struct Changes(pub(crate) Vec<Change>);

impl Changes {
    pub(crate) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.0.push(Change { table, key, value: Some(value) });
    }

    pub(crate) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.0.push(Change { table, key, value: None });
    }
}

/// In which direction rows are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// Whether a visit goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Go,
    Stop,
}

/// Rows of one table with `start <= key < end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    pub(crate) table: Table,
    pub(crate) start: &'a [u8],
    /// `None`: to the end of the table.
    pub(crate) end: Option<&'a [u8]>,
    pub(crate) order: Order,
}

/// Called with each key and value.
pub(crate) type VisitRow<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<Flow, Fault>;

/// Everything as it stood after one batch; later batches do not change it.
pub(crate) trait View {
    /// The value of exactly this key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Visits rows in order until told to stop.
    fn scan(&self, span: Span<'_>, visit: VisitRow<'_>) -> Result<(), Fault>;
}

/// An embedded store. One thread changes it, any thread reads it.
pub(crate) trait Store: Send + Sync {
    /// A view of what is committed.
    fn view(&self) -> Result<Box<dyn View>, Fault>;

    /// One committed value, by the shortest way: this is asked on the partition's thread.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Applies all changes or none. They are visible when this returns, and durable only after [`Store::persist`].
    /// After a fault nothing can be committed until [`Store::reopen`]; reads go on.
    fn commit(&self, changes: Changes) -> Result<(), Fault>;

    /// Makes every batch so far durable.
    fn persist(&self) -> Result<(), Fault>;

    /// Starts afresh from what the disk holds, after a fault of a commit or a persist.
    fn reopen(&self) -> Result<(), Fault>;
}
