//! fjall (LSM tree) under the archive's workload: one keyspace per table, one write batch per batch.
//!
//! Filters of `ids` stay in memory, as each begun transaction asks for an id that is not there. Next: `redb.rs`.

use std::path::Path;

use anyhow::Result;
use fjall::config::PinningPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};

use crate::store::{CACHE_BYTES, Store, Table};
use crate::workload::Batch;

/// Where the chunks' bytes live. In blobs, compaction moves their keys only; the journal is then kept short too,
/// so that a reopening replays less.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunks {
    InTables,
    InBlobs,
}

/// The journal's limit beside blobs; fjall's own default is 512 MiB.
const SHORT_JOURNAL: u64 = 128 << 20;
/// Values of this many bytes and more go to blob files.
const BLOB_FROM: u32 = 256;

pub(crate) struct Fjall {
    database: Database,
    tables: Vec<Keyspace>,
}

fn options(table: Table, chunks: Chunks) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default();
    match (table, chunks) {
        (Table::Ids, _) => options.filter_block_pinning_policy(PinningPolicy::all(true)),
        (Table::Chunks, Chunks::InBlobs) => {
            let separation = KvSeparationOptions::default().separation_threshold(BLOB_FROM);
            options.with_kv_separation(Some(separation))
        }
        _ => options,
    }
}

impl Fjall {
    pub(crate) fn open(folder: &Path, chunks: Chunks) -> Result<Fjall> {
        let mut builder = Database::builder(folder.join("fjall")).cache_size(CACHE_BYTES as u64);
        if chunks == Chunks::InBlobs {
            builder = builder.max_journaling_size(SHORT_JOURNAL);
        }
        let database = builder.open()?;
        let tables = Table::ALL
            .iter()
            .map(|&table| database.keyspace(table.name(), || options(table, chunks)))
            .collect::<Result<_, _>>()?;
        Ok(Fjall { database, tables })
    }
}

impl Store for Fjall {
    fn ingest(&self, batch: &Batch) -> Result<()> {
        let mut write = self.database.batch();
        for (keyspace, rows) in self.tables.iter().zip(&batch.puts) {
            for (key, value) in rows.iter() {
                write.insert(keyspace, key, value);
            }
        }
        for key in &batch.live_removed {
            write.remove(&self.tables[Table::Live as usize], key.as_slice());
        }
        Ok(write.commit()?)
    }

    fn persist(&self) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncData)?)
    }

    fn get(&self, table: Table, key: &[u8], into: &mut Vec<u8>) -> Result<bool> {
        into.clear();
        let value = self.tables[table as usize].get(key)?;
        if let Some(value) = &value {
            into.extend_from_slice(value);
        }
        Ok(value.is_some())
    }

    fn prefix_bytes(&self, table: Table, prefix: &[u8]) -> Result<usize> {
        let mut bytes = 0;
        for row in self.tables[table as usize].prefix(prefix) {
            bytes += row.value()?.len();
        }
        Ok(bytes)
    }

    fn newest(&self, table: Table, limit: usize) -> Result<usize> {
        let mut rows = 0;
        for row in self.tables[table as usize].iter().rev().take(limit) {
            row.value()?;
            rows += 1;
        }
        Ok(rows)
    }
}
