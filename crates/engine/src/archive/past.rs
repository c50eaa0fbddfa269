//! The history of the ledger beside the archive's tables: opened as far as the tables say, made durable before they do.
//!
//! What is in the history and not yet said so is passed over after a kill, and taken from the journal again. A history
//! that is missing or damaged is told anew, from the journal's beginning. Read next: `history/mod.rs`.

use std::path::Path;
use std::sync::Arc;

use journal::{Disk, RealDisk};

use super::rows::{META_HISTORY, Told};
use super::store::{Store, Table};
use crate::Fault;
use crate::history::History;

/// The history in the archive's folder.
pub(super) const HISTORY: &str = "history";
/// The index of ids in the archive's folder.
pub(super) const IDS: &str = "ids";

/// A history that was opened.
pub(super) struct Past {
    pub(super) history: History,
    pub(super) told: Told,
    /// Why it must be told anew, if it must.
    pub(super) damage: Option<String>,
}

/// A folder of the archive at `path`.
pub(super) fn disk(path: &Path, name: &str) -> Result<Arc<dyn Disk>, Fault> {
    let folder = path.join(name);
    match RealDisk::create(&folder) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(error) => Err(Fault::Archive(format!("cannot make {}: {error}", folder.display()))),
    }
}

/// Opens the history as far as the store says.
pub(super) fn open(store: &dyn Store, disk: Arc<dyn Disk>) -> Result<Past, Fault> {
    let told = told(store)?;
    match History::open(Arc::clone(&disk), told.reach)? {
        Ok(history) => Ok(Past { history, told, damage: None }),
        Err(why) => {
            tracing::warn!(%why, "the history of the ledger is damaged: it is told anew from the journal");
            Ok(Past { history: History::anew(disk), told: Told::nothing_after(0), damage: Some(why) })
        }
    }
}

/// How far the store says that the history goes.
pub(super) fn told(store: &dyn Store) -> Result<Told, Fault> {
    let row = store.get(Table::Meta, META_HISTORY)?;
    row.map_or(Ok(Told::nothing_after(0)), |row| Told::decode(&row))
}
