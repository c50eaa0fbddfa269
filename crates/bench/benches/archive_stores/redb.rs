//! redb (copy-on-write B-tree) under the archive's workload: batches without durability, a durable commit at persist.
//!
//! The durable commit uses quick repair, so that a reopening after a kill need not walk the file. Next: `lmdb.rs`.

use std::path::Path;

use anyhow::Result;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::store::{CACHE_BYTES, Store, Table};
use crate::workload::Batch;

pub(crate) struct Redb(Database);

fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.name())
}

impl Redb {
    pub(crate) fn open(folder: &Path) -> Result<Redb> {
        let store =
            Redb(Database::builder().set_cache_size(CACHE_BYTES).create(folder.join("archive.redb"))?);
        let write = store.0.begin_write()?;
        for table in Table::ALL {
            write.open_table(definition(table))?;
        }
        write.commit()?;
        Ok(store)
    }
}

impl Store for Redb {
    fn ingest(&self, batch: &Batch) -> Result<()> {
        let mut write = self.0.begin_write()?;
        write.set_durability(Durability::None)?;
        for (table, rows) in Table::ALL.into_iter().zip(&batch.puts) {
            let mut open = write.open_table(definition(table))?;
            for (key, value) in rows.iter() {
                open.insert(key, value)?;
            }
        }
        let mut live = write.open_table(definition(Table::Live))?;
        for key in &batch.live_removed {
            live.remove(key.as_slice())?;
        }
        drop(live);
        Ok(write.commit()?)
    }

    fn persist(&self) -> Result<()> {
        let mut write = self.0.begin_write()?;
        write.set_quick_repair(true);
        Ok(write.commit()?)
    }

    fn get(&self, table: Table, key: &[u8], into: &mut Vec<u8>) -> Result<bool> {
        into.clear();
        let open = self.0.begin_read()?.open_table(definition(table))?;
        let value = open.get(key)?;
        if let Some(value) = &value {
            into.extend_from_slice(value.value());
        }
        Ok(value.is_some())
    }

    fn prefix_bytes(&self, table: Table, prefix: &[u8]) -> Result<usize> {
        let open = self.0.begin_read()?.open_table(definition(table))?;
        let mut bytes = 0;
        for row in open.range(prefix..)? {
            let (key, value) = row?;
            if !key.value().starts_with(prefix) {
                break;
            }
            bytes += value.value().len();
        }
        Ok(bytes)
    }

    fn newest(&self, table: Table, limit: usize) -> Result<usize> {
        let open = self.0.begin_read()?.open_table(definition(table))?;
        let mut rows = 0;
        for row in open.iter()?.rev().take(limit) {
            row?;
            rows += 1;
        }
        Ok(rows)
    }
}
