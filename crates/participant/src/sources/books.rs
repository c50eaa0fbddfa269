//! The routers' way to the right barrier: a call's books are where its key is placed.

use std::sync::Arc;

use super::plan::Key;
use super::{Probe, Sources};
use crate::axum::Books;
use crate::barrier::{Barrier, Fault};
use crate::call::Call;

/// Finds the key in a call.
type Find = dyn Fn(&Call, &[u8]) -> Result<Key, Fault> + Send + Sync;

/// Books in several databases, for the routers of [`crate::axum`].
pub struct RoutedBooks<D: Probe> {
    sources: Sources<D>,
    key: Arc<Find>,
}

impl<D: Probe> Clone for RoutedBooks<D> {
    fn clone(&self) -> RoutedBooks<D> {
        RoutedBooks { sources: self.sources.clone(), key: Arc::clone(&self.key) }
    }
}

impl<D: Probe> Sources<D> {
    /// Books for the routers; `key` finds a call's key. It must find the same one for all operations of a branch, so that
    /// a cancel comes to the books of its try: take it from what they share, the body or the transaction's id.
    pub fn books(
        &self,
        key: impl Fn(&Call, &[u8]) -> Result<Key, Fault> + Send + Sync + 'static,
    ) -> RoutedBooks<D> {
        RoutedBooks { sources: self.clone(), key: Arc::new(key) }
    }
}

impl<D: Probe> Books<D> for RoutedBooks<D> {
    async fn of(&self, call: &Call, body: &[u8]) -> Result<Barrier<D>, Fault> {
        let key = (self.key)(call, body)?;
        Ok(self.sources.barrier(&key)?)
    }
}
