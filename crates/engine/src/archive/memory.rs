//! A store in memory, for tests and the simulator. A view shares the tables; a commit copies them only while one is held.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use super::store::{Changes, Flow, Order, Span, Store, Table, View, VisitRow};
use crate::Fault;

type Tables = [BTreeMap<Vec<u8>, Vec<u8>>; Table::ALL.len()];

#[derive(Default)]
pub(crate) struct MemoryStore(RwLock<Arc<Tables>>);

struct MemoryView(Arc<Tables>);

impl MemoryStore {
    fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    fn view(&self) -> Result<Box<dyn View>, Fault> {
        Ok(Box::new(MemoryView(self.tables())))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        MemoryView(self.tables()).get(table, key)
    }

    fn commit(&self, changes: &Changes) -> Result<(), Fault> {
        let mut shared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let tables = Arc::make_mut(&mut shared);
        for change in changes.iter() {
            let table = &mut tables[change.table as usize];
            match change.value {
                Some(value) => table.insert(change.key.to_vec(), value.to_vec()),
                None => table.remove(change.key),
            };
        }
        Ok(())
    }

    fn persist(&self) -> Result<(), Fault> {
        Ok(())
    }

    fn reopen(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl View for MemoryView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.0[table as usize].get(key).cloned())
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
        let rows = self.0[span.table as usize]
            .range::<[u8], _>((Bound::Included(span.start), end))
            .filter(|row| wanted(row.0));
        match span.order {
            Order::Ascending => walk(rows, visit),
            Order::Descending => walk(rows.rev(), visit),
        }
    }
}

fn walk<'a>(
    rows: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>,
    visit: VisitRow<'_>,
) -> Result<(), Fault> {
    for (key, value) in rows {
        if visit(key, value)? == Flow::Stop {
            break;
        }
    }
    Ok(())
}
