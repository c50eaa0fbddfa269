//! The open local transaction, as a business function gets it: it can be written in, and nothing else.

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
