//! A store in memory, for tests and the simulator: tells what is seen from what would survive a power cut.
//!
//! A view shares the tables; a commit copies them only while one is held. Clones are the same store. What survives a
//! cut is a whole number of the latest commits, as it is with a store that writes a log of its own. It must never be
//! kinder than the store on disk.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::disk::fake::Power;

use super::store::{Changes, Flow, Order, Span, Store, Table, View, VisitRow};
use crate::Fault;

type Tables = [BTreeMap<Vec<u8>, Vec<u8>>; Table::ALL.len()];

#[derive(Clone, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    seen: Arc<Tables>,
    durable: Tables,
    /// Commits that are seen and not durable yet, oldest first.
    unsynced: Vec<Changes>,
    /// Why commits and syncs fail, while they do.
    trouble: Option<&'static str>,
    supply: Power,
}

struct MemoryView(Arc<Tables>);

impl MemoryStore {
    /// An empty store that hangs on this power: when it is gone nothing is written any more.
    pub(crate) fn on(supply: &Power) -> MemoryStore {
        MemoryStore(Arc::new(Mutex::new(State { supply: supply.clone(), ..State::default() })))
    }

    /// A power cut: of the commits since the last sync the `keep` oldest survive.
    pub(crate) fn cut(&self, keep: usize) {
        let mut state = self.state();
        let unsynced = std::mem::take(&mut state.unsynced);
        unsynced.iter().take(keep).for_each(|changes| apply(&mut state.durable, changes));
        state.seen = Arc::new(state.durable.clone());
    }

    /// Commits that a power cut may take back.
    pub(crate) fn unsynced(&self) -> usize {
        self.state().unsynced.len()
    }

    /// From now on commits and syncs fail for this reason, or no longer do.
    pub(crate) fn trouble(&self, why: Option<&'static str>) {
        self.state().trouble = why;
    }

    /// An independent store that has the same seen and durable rows, on this power.
    pub(crate) fn copy_on(&self, supply: &Power) -> MemoryStore {
        let state = self.state();
        let copy = State {
            seen: Arc::clone(&state.seen),
            durable: state.durable.clone(),
            unsynced: state.unsynced.clone(),
            trouble: None,
            supply: supply.clone(),
        };
        MemoryStore(Arc::new(Mutex::new(copy)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn checked(&self) -> Result<(), Fault> {
        let gone = self.supply.is_gone().then_some("the power is gone");
        self.trouble.or(gone).map_or(Ok(()), |why| Err(Fault::Archive(why.to_owned())))
    }
}

fn apply(tables: &mut Tables, changes: &Changes) {
    for change in changes.iter() {
        let table = &mut tables[change.table as usize];
        match change.value {
            Some(value) => table.insert(change.key.to_vec(), value.to_vec()),
            None => table.remove(change.key),
        };
    }
}

impl Store for MemoryStore {
    fn view(&self) -> Result<Box<dyn View>, Fault> {
        Ok(Box::new(MemoryView(Arc::clone(&self.state().seen))))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.state().seen[table as usize].get(key).cloned())
    }

    fn commit(&self, changes: &Changes) -> Result<(), Fault> {
        let mut state = self.state();
        state.checked()?;
        apply(Arc::make_mut(&mut state.seen), changes);
        state.unsynced.push(changes.clone());
        Ok(())
    }

    fn persist(&self) -> Result<(), Fault> {
        let mut state = self.state();
        state.checked()?;
        for changes in std::mem::take(&mut state.unsynced) {
            apply(&mut state.durable, &changes);
        }
        Ok(())
    }

    fn reopen(&self) -> Result<(), Fault> {
        self.state().checked()
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
