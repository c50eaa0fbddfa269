//! What an initiator holds in its hand between begin and decision: an interactive transaction, or a prepared message.
//!
//! Only ids: dropping one decides nothing (the deadline or the check-back does), and another process can take it up again.

use std::marker::PhantomData;
use std::time::Duration;

use super::branch::Branch;
use super::progress::{Progress, Step};
use super::verbs::Signal;
use crate::client::{Client, Fault};

/// An interactive transaction of pattern `P`.
#[derive(Clone, Debug)]
pub struct Interactive<P> {
    client: Client,
    id: String,
    pattern: PhantomData<P>,
}

/// A prepared message: to be submitted or aborted.
#[derive(Clone, Debug)]
pub struct Prepared {
    client: Client,
    id: String,
}

impl<P> Interactive<P> {
    pub(super) fn of(client: Client, id: String) -> Interactive<P> {
        Interactive { client, id, pattern: PhantomData }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Registers a branch. Do so before its try is called: what is not registered is not cancelled.
    ///
    /// # Errors
    /// `branch_mismatch` (the id with other content), `already_decided`; or nobody answers.
    pub async fn register(&self, branch: impl Into<Branch<P>>) -> Result<Progress, Fault> {
        self.client.register(&self.id, branch.into()).await
    }

    /// Decides to confirm: everything was tried.
    ///
    /// # Errors
    /// See [`Client::confirm`].
    pub async fn confirm(&self) -> Result<Progress, Fault> {
        self.client.confirm(&self.id).await
    }

    /// Decides to cancel, with the reason in words.
    ///
    /// # Errors
    /// See [`Client::cancel`].
    pub async fn cancel(&self, detail: &str) -> Result<Progress, Fault> {
        self.client.cancel(&self.id, detail).await
    }

    /// Tells an `await` branch that its fact arrived.
    ///
    /// # Errors
    /// See [`Client::signal`].
    pub async fn signal(&self, branch: &str, signal: &Signal) -> Result<Progress, Fault> {
        self.client.signal(&self.id, branch, signal).await
    }

    /// An operator's retry now.
    ///
    /// # Errors
    /// See [`Client::retry`].
    pub async fn retry(&self) -> Result<Progress, Fault> {
        self.client.retry(&self.id).await
    }

    /// How it stands.
    ///
    /// # Errors
    /// See [`Client::transaction`].
    pub async fn progress(&self) -> Result<Progress, Fault> {
        self.client.transaction(&self.id).await
    }

    /// Waits until it is final or the time is over.
    ///
    /// # Errors
    /// See [`Client::wait`].
    pub async fn wait(&self, within: Duration) -> Result<Progress, Fault> {
        self.client.wait(&self.id, within).await
    }

    /// Everything that happened to it, oldest first.
    ///
    /// # Errors
    /// See [`Client::timeline`].
    pub async fn timeline(&self) -> Result<Vec<Step>, Fault> {
        self.client.timeline(&self.id).await
    }
}

impl Prepared {
    pub(super) fn of(client: Client, id: String) -> Prepared {
        Prepared { client, id }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Has it delivered: the business change that it tells of is committed.
    ///
    /// # Errors
    /// `already_decided` (it was aborted); or nobody answers: the check-back then says what happened.
    pub async fn submit(&self) -> Result<Progress, Fault> {
        self.client.confirm(&self.id).await
    }

    /// Has it forgotten: the business change was rolled back.
    ///
    /// # Errors
    /// `already_decided` (it was submitted); or nobody answers.
    pub async fn abort(&self, detail: &str) -> Result<Progress, Fault> {
        self.client.cancel(&self.id, detail).await
    }

    /// Waits until it is delivered or aborted, or the time is over.
    ///
    /// # Errors
    /// See [`Client::wait`].
    pub async fn wait(&self, within: Duration) -> Result<Progress, Fault> {
        self.client.wait(&self.id, within).await
    }
}
