//! LMDB (through heed) under the archive's workload: a sync at each batch, or, to see what that costs, none.
//!
//! Without the sync LMDB may not reopen after a power cut; that mode must never be chosen. Next: `workload.rs`.

use std::path::Path;

use anyhow::Result;
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions};

use crate::store::{Store, Table};
use crate::workload::Batch;

/// When a commit is synced.
#[derive(Clone, Copy)]
pub(crate) enum Sync {
    EachBatch,
    AtPersist,
}

pub(crate) struct Lmdb {
    env: Env,
    tables: Vec<Database<'static, Bytes, Bytes>>,
}

/// The address space kept for the map; the file grows only as it is written.
const MAP_BYTES: usize = 64 << 30;

#[allow(unsafe_code)]
fn open_env(folder: &Path, flags: EnvFlags) -> Result<Env> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES).max_dbs(Table::ALL.len() as u32);
    // SAFETY: the folder is fresh and ours, on a local disk, opened once per process and by no other writer;
    // NO_SYNC risks the content at a power cut, which is the point of measuring it.
    unsafe {
        options.flags(flags);
        Ok(options.open(folder)?)
    }
}

impl Lmdb {
    pub(crate) fn open(folder: &Path, sync: Sync) -> Result<Lmdb> {
        let flags = match sync {
            Sync::EachBatch => EnvFlags::empty(),
            Sync::AtPersist => EnvFlags::NO_SYNC,
        };
        let env = open_env(folder, flags)?;
        let opened = env.create_databases_and_commit(env.write_txn()?, |opener, write| {
            let tables = Table::ALL.map(|table| opener.create_database(write, Some(table.name())));
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(tables))
        })?;
        let tables = opened.commit().into_iter().flatten().collect::<Result<_, _>>()?;
        Ok(Lmdb { env, tables })
    }
}

impl Store for Lmdb {
    fn ingest(&self, batch: &Batch) -> Result<()> {
        let mut write = self.env.write_txn()?;
        for (table, rows) in self.tables.iter().zip(&batch.puts) {
            for (key, value) in rows.iter() {
                table.put(&mut write, key, value)?;
            }
        }
        for key in &batch.live_removed {
            self.tables[Table::Live as usize].delete(&mut write, key.as_slice())?;
        }
        Ok(write.commit()?)
    }

    fn persist(&self) -> Result<()> {
        Ok(self.env.force_sync()?)
    }

    fn get(&self, table: Table, key: &[u8], into: &mut Vec<u8>) -> Result<bool> {
        into.clear();
        let read = self.env.read_txn()?;
        let value = self.tables[table as usize].get(&read, key)?;
        into.extend_from_slice(value.unwrap_or_default());
        Ok(value.is_some())
    }

    fn prefix_bytes(&self, table: Table, prefix: &[u8]) -> Result<usize> {
        let read = self.env.read_txn()?;
        let mut bytes = 0;
        for row in self.tables[table as usize].prefix_iter(&read, prefix)? {
            bytes += row?.1.len();
        }
        Ok(bytes)
    }

    fn newest(&self, table: Table, limit: usize) -> Result<usize> {
        let read = self.env.read_txn()?;
        let mut rows = 0;
        for row in self.tables[table as usize].rev_iter(&read)?.take(limit) {
            row?;
            rows += 1;
        }
        Ok(rows)
    }
}
