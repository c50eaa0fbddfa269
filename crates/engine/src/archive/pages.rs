//! The ledger's live state as of some position, page by page: where start-up begins, instead of at the first event.
//!
//! Each page is the newest that came; together with the history from [`Archive::swept`] on they are the state. It never
//! looks into a page. Read next: `ledger`'s `Ledger::load_page`.

use std::sync::PoisonError;

use ledger::{Keys, PageId};

use super::rows::{self, META_KEYS, META_SWEPT, number_key};
use super::store::{Changes, Flow, Order, Span, Table};
use super::{Archive, read_meta};
use crate::Fault;

/// Called with each page: which, the position below which it has all events, its bytes.
pub type VisitPage<'a> = &'a mut dyn FnMut(PageId, u64, &[u8]) -> Result<(), Fault>;

impl Archive {
    /// Keeps pages, each with the position below which it has all events, as one batch; `swept`, when a sweep is complete,
    /// is the position at which it began. A page is given at most once. Not durable until [`Archive::persist`].
    ///
    /// # Errors
    /// When the store fails; see [`Archive::ingest`].
    pub fn put_pages(&self, pages: &[(PageId, u64, Vec<u8>)], swept: Option<u64>) -> Result<(), Fault> {
        let mut writer = self.writer()?;
        let mut changes = Changes::default();
        let mut value = Vec::new();
        for (page, position, bytes) in pages {
            value.clear();
            value.extend_from_slice(&position.to_le_bytes());
            value.extend_from_slice(bytes);
            changes.put(Table::Pages, &rows::page_key(*page), &value);
        }
        if let Some(swept) = swept {
            changes.put(Table::Meta, META_SWEPT, &number_key(swept));
        }
        if changes.len() == 0 { Ok(()) } else { self.commit(&mut writer, &changes) }
    }

    /// Visits all pages, by table and index.
    ///
    /// # Errors
    /// When the store fails, and whatever `visit` answers.
    pub fn pages(&self, visit: VisitPage<'_>) -> Result<(), Fault> {
        let span = Span { table: Table::Pages, start: &[], end: None, order: Order::Ascending };
        self.view()?.scan(span, &mut |key, value| {
            let (position, bytes) = rows::read_page(value)?;
            visit(rows::read_page_key(key)?, position, bytes)?;
            Ok(Flow::Go)
        })
    }

    /// The position at which the last complete sweep began: from there on the history is applied over the pages.
    ///
    /// # Errors
    /// When the store fails.
    pub fn swept(&self) -> Result<u64, Fault> {
        Ok(read_meta(&*self.shared.store, META_SWEPT)?.unwrap_or(0))
    }

    /// The keys of the ledger's hash of ids: the journal's, so that an archive that was lost is rebuilt alike.
    #[must_use]
    pub fn keys(&self) -> Keys {
        *self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ties the archive to a journal by its salt; one that is still empty takes the salt's keys.
    ///
    /// # Errors
    /// When the archive was made from another journal, or the store fails.
    pub fn belongs_to(&self, salt: [u8; 16]) -> Result<(), Fault> {
        let [one, two] =
            [0, 8].map(|at| salt[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)));
        let keys = Keys(one, two);
        if self.keys() == keys {
            return Ok(());
        }
        if self.take_from() > 1 {
            let why = "it was made from another journal: restore the journal that belongs to it, or move the archive folder away and it is rebuilt";
            return Err(Fault::Archive(why.to_owned()));
        }
        let mut writer = self.writer()?;
        let mut changes = Changes::default();
        for (name, key) in META_KEYS.into_iter().zip([one, two]) {
            changes.put(Table::Meta, name, &number_key(key));
        }
        self.commit(&mut writer, &changes)?;
        *self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

/// The store's keys; `fresh` ones, still to be committed, where it has none.
pub(super) fn keys(store: &dyn super::Store, fresh: Keys, changes: &mut Changes) -> Result<Keys, Fault> {
    let [first, second] = META_KEYS;
    match (read_meta(store, first)?, read_meta(store, second)?) {
        (Some(one), Some(two)) => Ok(Keys(one, two)),
        _ => {
            changes.put(Table::Meta, first, &number_key(fresh.0));
            changes.put(Table::Meta, second, &number_key(fresh.1));
            Ok(fresh)
        }
    }
}
