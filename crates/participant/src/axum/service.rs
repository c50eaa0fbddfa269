//! What a service writes: its business, one function per operation, each inside the open local transaction.

use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::barrier::{Barrier, Fault};
use crate::call::{Call, Outcome};
use crate::database::{Dialect, Local};

/// What a business function is asked.
#[derive(Debug)]
pub struct Asked<'a, B> {
    /// Who it is about.
    pub call: &'a Call,
    /// The branch's body.
    pub body: &'a B,
    /// What the try answered, where the branch passes it on (see [`PassResult`]).
    pub result: Option<&'a Value>,
}

/// Whether confirm and cancel get what the try answered: the branch's `pass_result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassResult {
    /// Their body is the branch's body, as the try's is.
    No,
    /// Their body is `{"body": …, "result": …}`.
    Yes,
}

/// Try, confirm, cancel.
pub trait Tcc<D: Dialect>: Send + Sync + 'static {
    /// The branch's body.
    type Body: DeserializeOwned + Send + Sync + 'static;

    /// Whether the branches pass the try's result on.
    const PASS_RESULT: PassResult = PassResult::No;

    /// Reserves. All checks belong here: once it is done, the confirm must be possible. May be refused.
    fn on_try(
        &self,
        local: Local<'_, D>,
        asked: Asked<'_, Self::Body>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;

    /// Takes what the try reserved.
    fn on_confirm(
        &self,
        local: Local<'_, D>,
        asked: Asked<'_, Self::Body>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;

    /// Gives back what the try reserved. Never called when there was no try, or it was refused.
    fn on_cancel(
        &self,
        local: Local<'_, D>,
        asked: Asked<'_, Self::Body>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;
}

/// Action and compensation of a saga.
pub trait Saga<D: Dialect>: Send + Sync + 'static {
    /// The branch's body.
    type Body: DeserializeOwned + Send + Sync + 'static;

    /// Whether the branches pass the action's result on.
    const PASS_RESULT: PassResult = PassResult::No;

    /// Does it. May be refused.
    fn on_action(
        &self,
        local: Local<'_, D>,
        asked: Asked<'_, Self::Body>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;

    /// Undoes it. Never called when there was no action, or it was refused.
    fn on_compensate(
        &self,
        local: Local<'_, D>,
        asked: Asked<'_, Self::Body>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;
}

/// The receiver of messages.
pub trait Deliver<D: Dialect>: Send + Sync + 'static {
    /// The message.
    type Body: DeserializeOwned + Send + Sync + 'static;

    /// Applies the message; never called twice for one, however often it comes.
    fn on_deliver(
        &self,
        local: Local<'_, D>,
        asked: Asked<'_, Self::Body>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;
}

/// Where the books of a call are: the barrier in front of the database that holds its business rows.
pub trait Books<D: Dialect>: Clone + Send + Sync + 'static {
    /// The barrier for this call; `body` may hold a shard's key.
    ///
    /// # Errors
    /// When there is no such place, or none that works: the call is unknown, and asked again.
    fn of(&self, call: &Call, body: &[u8]) -> impl Future<Output = Result<Barrier<D>, Fault>> + Send;
}

/// All books are in one database.
impl<D: Dialect> Books<D> for Barrier<D> {
    async fn of(&self, _: &Call, _: &[u8]) -> Result<Barrier<D>, Fault> {
        Ok(self.clone())
    }
}
