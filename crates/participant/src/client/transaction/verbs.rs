//! What can be asked about transactions, each verb safe to repeat; and waiting, by long polls that are repeated.
//!
//! A verb is the same on either way: `grpc.rs` and `json.rs` only spell it out.

use std::time::Duration;

use tokio::time::Instant;

use super::begin::{Checked, Led, Managed, Transaction, millis};
use super::branch::{Asked, Branch, json};
use super::held::{Interactive, Prepared};
use super::progress::{Progress, Step};
use crate::client::{Client, Fault, Way};
use crate::proto;

/// The longest single poll: below the time in which an answer must come.
const POLL: Duration = Duration::from_secs(20);
/// Between polls that came back at once, because the server holds no more of them.
const PAUSE: Duration = Duration::from_millis(200);

/// The outside fact of an `await` branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It happened; with JSON to keep as the branch's result, or an empty text.
    Done(String),
    /// It will not.
    Refused(String),
}

/// One request about a transaction.
#[derive(Clone, Debug)]
pub(super) enum Verb<'a> {
    Begin { request: &'a proto::BeginRequest, branches: &'a [Asked], wait_ms: u64 },
    Get { id: &'a str, wait_ms: u64 },
    Register { id: &'a str, branch: &'a Asked },
    Confirm { id: &'a str },
    Cancel { id: &'a str, detail: &'a str },
    Signal { id: &'a str, branch: &'a str, signal: &'a Signal },
    Retry { id: &'a str },
}

impl Signal {
    /// It happened, and this is kept as the branch's result.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn done(result: &impl serde::Serialize) -> Result<Signal, Fault> {
        Ok(Signal::Done(json(result)?))
    }

    /// It will not happen, and why.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn refused(result: &impl serde::Serialize) -> Result<Signal, Fault> {
        Ok(Signal::Refused(json(result)?))
    }

    pub(super) fn parts(&self) -> (proto::SignalOutcome, &str) {
        match self {
            Signal::Done(result) => (proto::SignalOutcome::Done, result),
            Signal::Refused(result) => (proto::SignalOutcome::Refused, result),
        }
    }
}

impl Client {
    /// Begins a managed transaction: kept when this returns, and going on. Asking again with the same id and content
    /// answers how it stands.
    ///
    /// # Errors
    /// A refusal, such as `idempotency_mismatch` (the id with other content). [`Fault::is_unknown`]: nobody knows
    /// whether it was begun; begin it again with the same id, or ask for it.
    pub async fn begin<P: Managed>(&self, transaction: &Transaction<P>) -> Result<Progress, Fault> {
        self.begin_as(transaction, 0).await
    }

    /// As [`Client::begin`], and waits until it is final or the time is over, whichever is first: see
    /// [`Progress::is_final`].
    ///
    /// # Errors
    /// As [`Client::begin`].
    pub async fn begin_and_wait<P: Managed>(
        &self,
        transaction: &Transaction<P>,
        within: Duration,
    ) -> Result<Progress, Fault> {
        let until = Instant::now() + within;
        let begun = self.begin_as(transaction, millis(within.min(POLL))).await?;
        if begun.is_final() {
            return Ok(begun);
        }
        self.wait(transaction.id(), until.saturating_duration_since(Instant::now())).await
    }

    /// Begins an interactive transaction: the initiator registers branches, tries them itself, and decides.
    ///
    /// # Errors
    /// As [`Client::begin`].
    pub async fn begin_interactive<P: Led>(
        &self,
        transaction: &Transaction<P>,
    ) -> Result<Interactive<P>, Fault> {
        self.begin_as(&transaction.as_interactive(), 0).await?;
        Ok(self.interactive(transaction.id()))
    }

    /// An interactive transaction that was begun before, by its id.
    #[must_use]
    pub fn interactive<P: Led>(&self, id: impl Into<String>) -> Interactive<P> {
        Interactive::of(self.clone(), id.into())
    }

    /// Prepares a message: it is delivered once it is submitted, by the initiator or by what its check-back answers.
    ///
    /// # Errors
    /// As [`Client::begin`].
    pub async fn prepare(&self, message: &Transaction<Checked>) -> Result<Prepared, Fault> {
        self.begin_as(&message.as_interactive(), 0).await?;
        Ok(self.prepared(message.id()))
    }

    /// A message that was prepared before, by its id.
    #[must_use]
    pub fn prepared(&self, id: impl Into<String>) -> Prepared {
        Prepared::of(self.clone(), id.into())
    }

    /// A transaction as it stands.
    ///
    /// # Errors
    /// `transaction_unknown`; or nobody answers.
    pub async fn transaction(&self, id: &str) -> Result<Progress, Fault> {
        self.told(Verb::Get { id, wait_ms: 0 }).await
    }

    /// Waits until a transaction is final or the time is over, whichever is first: see [`Progress::is_final`].
    ///
    /// # Errors
    /// As [`Client::transaction`].
    pub async fn wait(&self, id: &str, within: Duration) -> Result<Progress, Fault> {
        let until = Instant::now() + within;
        loop {
            let asked_at = Instant::now();
            let wait = until.saturating_duration_since(asked_at).min(POLL);
            let progress = self.told(Verb::Get { id, wait_ms: millis(wait) }).await?;
            let now = Instant::now();
            if progress.is_final() || now >= until {
                return Ok(progress);
            }
            if now - asked_at < wait.min(PAUSE) {
                tokio::time::sleep_until(until.min(now + PAUSE)).await;
            }
        }
    }

    /// Confirms an interactive transaction, or submits a prepared message.
    ///
    /// # Errors
    /// `already_decided` the other way, `not_all_tried` and the like; or nobody answers.
    pub async fn confirm(&self, id: &str) -> Result<Progress, Fault> {
        self.told(Verb::Confirm { id }).await
    }

    /// Cancels an interactive transaction, aborts a prepared message, or withdraws a managed one while it may be; with
    /// the reason in words.
    ///
    /// # Errors
    /// `already_decided` the other way; or nobody answers.
    pub async fn cancel(&self, id: &str, detail: &str) -> Result<Progress, Fault> {
        self.told(Verb::Cancel { id, detail }).await
    }

    /// Tells an `await` branch that its fact arrived.
    ///
    /// # Errors
    /// `already_signalled` otherwise; or nobody answers.
    pub async fn signal(&self, id: &str, branch: &str, signal: &Signal) -> Result<Progress, Fault> {
        self.told(Verb::Signal { id, branch, signal }).await
    }

    /// An operator's retry now; clears "needs attention".
    ///
    /// # Errors
    /// `already_final`; or nobody answers.
    pub async fn retry(&self, id: &str) -> Result<Progress, Fault> {
        self.told(Verb::Retry { id }).await
    }

    /// Everything that happened to a transaction, oldest first.
    ///
    /// # Errors
    /// `transaction_unknown`; or nobody answers.
    pub async fn timeline(&self, id: &str) -> Result<Vec<Step>, Fault> {
        let mut steps = Vec::new();
        let mut cursor = None;
        loop {
            let (page, next) = match &self.way {
                #[cfg(feature = "grpc")]
                Way::Grpc(grpc) => grpc.timeline(id, cursor.as_deref()).await?,
                #[cfg(feature = "http")]
                Way::Http(http) => http.timeline(id, cursor.as_deref()).await?,
            };
            steps.extend(page);
            cursor = next;
            if cursor.is_none() {
                return Ok(steps);
            }
        }
    }

    pub(super) async fn register<P>(&self, id: &str, branch: Branch<P>) -> Result<Progress, Fault> {
        self.told(Verb::Register { id, branch: &branch.into_asked() }).await
    }

    async fn begin_as<P>(&self, transaction: &Transaction<P>, wait_ms: u64) -> Result<Progress, Fault> {
        let Transaction { request, branches, .. } = transaction;
        self.told(Verb::Begin { request, branches, wait_ms }).await
    }

    async fn told(&self, verb: Verb<'_>) -> Result<Progress, Fault> {
        match &self.way {
            #[cfg(feature = "grpc")]
            Way::Grpc(grpc) => grpc.told(&verb).await,
            #[cfg(feature = "http")]
            Way::Http(http) => http.told(&verb).await,
        }
    }
}
