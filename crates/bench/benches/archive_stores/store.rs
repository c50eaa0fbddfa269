//! What the archive asks of a store, and the stores that are compared.
//!
//! A store takes whole batches, each atomically, and answers reads from any thread meanwhile. It must never show
//! half a batch. Read `fjall.rs`, `lmdb.rs` and `redb.rs` for how each is set up.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::workload::Batch;
use crate::{fjall_store, lmdb, redb_store};

/// The archive's tables. The order is the index into [`Batch::puts`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Table {
    Chunks,
    Ids,
    Summary,
    Labels,
    Live,
    Meta,
}

impl Table {
    pub(crate) const ALL: [Table; 6] =
        [Table::Chunks, Table::Ids, Table::Summary, Table::Labels, Table::Live, Table::Meta];

    pub(crate) fn name(self) -> &'static str {
        ["chunks", "ids", "summary", "labels", "live", "meta"][self as usize]
    }
}

/// An embedded store under the archive's workload.
pub(crate) trait Store: Send + Sync {
    /// Applies one batch atomically; it need not be durable yet.
    fn ingest(&self, batch: &Batch) -> Result<()>;
    /// Makes every batch so far durable.
    fn persist(&self) -> Result<()>;
    /// Puts the value into `into` (cleared first); false when the key is not there.
    fn get(&self, table: Table, key: &[u8], into: &mut Vec<u8>) -> Result<bool>;
    /// Bytes of all values whose key starts with `prefix`.
    fn prefix_bytes(&self, table: Table, prefix: &[u8]) -> Result<usize>;
    /// Reads the newest `limit` rows backwards; answers how many there were.
    fn newest(&self, table: Table, limit: usize) -> Result<usize>;
}

/// A store and how it is set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// LSM tree; its own journal, flushed to the system at each batch.
    Fjall,
    /// The same with chunks in blob files and a journal of at most 128 MiB.
    FjallBlobs,
    /// B-tree; batches without a sync, a durable commit with quick repair at each persist.
    Redb,
    /// LMDB with a sync at each batch: its only mode that survives a power cut.
    HeedSync,
    /// LMDB with MDB_NOSYNC: what the syncs cost. Not safe at a power cut.
    HeedNosync,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Fjall, Kind::FjallBlobs, Kind::Redb, Kind::HeedSync, Kind::HeedNosync];

    pub(crate) fn name(self) -> &'static str {
        ["fjall", "fjall-blobs", "redb", "heed-sync", "heed-nosync"][self as usize]
    }

    /// Opens or creates the store in `folder`.
    pub(crate) fn open(self, folder: &Path) -> Result<Box<dyn Store>> {
        Ok(match self {
            Kind::Fjall => Box::new(fjall_store::Fjall::open(folder, fjall_store::Chunks::InTables)?),
            Kind::FjallBlobs => Box::new(fjall_store::Fjall::open(folder, fjall_store::Chunks::InBlobs)?),
            Kind::Redb => Box::new(redb_store::Redb::open(folder)?),
            Kind::HeedSync => Box::new(lmdb::Lmdb::open(folder, lmdb::Sync::EachBatch)?),
            Kind::HeedNosync => Box::new(lmdb::Lmdb::open(folder, lmdb::Sync::AtPersist)?),
        })
    }
}

/// Memory each store may use to cache blocks; LMDB uses the page cache instead.
pub(crate) const CACHE_BYTES: usize = 256 << 20;
