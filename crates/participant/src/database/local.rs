//! The open local transaction, as a business function gets it: it can be written in, and nothing else.

use std::future::Future;
use std::ops::{Deref, DerefMut};

use super::Dialect;

/// An open local transaction that the barrier began and ends. It stands for its connection (`&mut *local` is an executor
/// of sqlx), has no commit and no rollback, and can't be had from, or moved to, another data source.
#[derive(Debug)]
pub struct Local<'t, D: Dialect> {
    connection: &'t mut D::Connection,
}

impl<'t, D: Dialect> Local<'t, D> {
    /// Of an open local transaction.
    pub fn new(connection: &'t mut D::Connection) -> Local<'t, D> {
        Local { connection }
    }
}

impl<D: Dialect> Deref for Local<'_, D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        self.connection
    }
}

impl<D: Dialect> DerefMut for Local<'_, D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        self.connection
    }
}

tokio::task_local! {
    static OPEN: ();
}

/// Does what is to be done while a local transaction is open; [`is_inside`] tells there.
pub(crate) fn inside<F: Future>(work: F) -> impl Future<Output = F::Output> {
    OPEN.scope((), work)
}

/// Whether this is done while a local transaction is open. A task that was spawned meanwhile is not inside.
#[cfg(feature = "sources")]
pub(crate) fn is_inside() -> bool {
    OPEN.try_with(|()| ()).is_ok()
}
