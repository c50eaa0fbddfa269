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
    Pages,
}

impl Table {
    pub(crate) const ALL: [Table; 9] = [
        Table::Chunks,
        Table::Ids,
        Table::Live,
        Table::Labels,
        Table::Summary,
        Table::Keys,
        Table::KeyAges,
        Table::Meta,
        Table::Pages,
    ];

    pub(crate) fn name(self) -> &'static str {
        ["chunks", "ids", "live", "labels", "summary", "keys", "key_ages", "meta", "pages"][self as usize]
    }
}

/// The changes of one batch: rows put or removed. A key is changed at most once per batch.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    /// Keys and values one after another, so that a row costs no allocation.
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy)]
struct Row {
    table: Table,
    key: usize,
    value: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Put,
    Remove,
}

/// One row put, or removed when there is no value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) table: Table,
    pub(crate) key: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
}

impl Changes {
    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.push(Kind::Put, table, (key, value));
    }

    pub(crate) fn remove(&mut self, table: Table, key: &[u8]) {
        self.push(Kind::Remove, table, (key, &[]));
    }

    fn push(&mut self, kind: Kind, table: Table, (key, value): (&[u8], &[u8])) {
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.rows.push(Row { table, key: key.len(), value: value.len(), kind });
    }

    /// How many rows are changed.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The changes in the order in which they were made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        let mut rest = &self.bytes[..];
        self.rows.iter().map(move |row| {
            let (key, after) = rest.split_at(row.key);
            let (value, after) = after.split_at(row.value);
            rest = after;
            Change { table: row.table, key, value: (row.kind == Kind::Put).then_some(value) }
        })
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

    /// Visits the rows whose keys are `wanted`, in order, until told to stop. What is not wanted is not read, which is
    /// much cheaper where values are long.
    fn scan_wanted(
        &self,
        span: Span<'_>,
        wanted: &dyn Fn(&[u8]) -> bool,
        visit: VisitRow<'_>,
    ) -> Result<(), Fault>;

    /// Visits all rows in order until told to stop.
    fn scan(&self, span: Span<'_>, visit: VisitRow<'_>) -> Result<(), Fault> {
        self.scan_wanted(span, &|_| true, visit)
    }
}

/// An embedded store. One thread changes it, any thread reads it.
pub(crate) trait Store: Send + Sync {
    /// A view of what is committed.
    fn view(&self) -> Result<Box<dyn View>, Fault>;

    /// One committed value, by the shortest way: this is asked on the partition's thread.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Applies all changes or none. They are visible when this returns, and durable only after [`Store::persist`].
    /// After a fault nothing can be committed until [`Store::reopen`]; reads go on.
    fn commit(&self, changes: &Changes) -> Result<(), Fault>;

    /// Makes every batch so far durable.
    fn persist(&self) -> Result<(), Fault>;

    /// Starts afresh from what the disk holds, after a fault of a commit or a persist.
    fn reopen(&self) -> Result<(), Fault>;
}
