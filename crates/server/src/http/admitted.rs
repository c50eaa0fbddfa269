//! A gRPC call that was let in: the same door, the same limits and the same bridge to the engine as HTTP has.
//!
//! Decides nothing of its own; `../grpc` sees only what is offered here.

use std::net::IpAddr;
use std::sync::Arc;

use engine::{Act, Answer, Begin, Engine, Respond};
use http::HeaderMap;
use tokio::sync::watch;
use transaction::{Limits, Refusal, RefusalKind};

use super::auth::Caller;
use super::wire::Judge;
use super::{HttpLimits, Serving, bridge};
use crate::listen::Running;

/// A call whose caller is known.
#[derive(Clone)]
pub(crate) struct Admitted {
    serving: Arc<Serving>,
    caller: Caller,
}

impl Serving {
    /// Lets a call in, or says why not.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        let caller =
            self.door.let_in(from, headers).inspect_err(|refusal| self.meters.refused(refusal.kind))?;
        Ok(Admitted { serving: Arc::clone(self), caller })
    }

    /// The engine that is served.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Limits of connections.
    pub(crate) fn limits(&self) -> &HttpLimits {
        &self.limits
    }
}

impl Admitted {
    /// Whether the caller keeps its pace.
    pub(crate) fn pace(&self) -> Result<(), Refusal> {
        self.serving.load.pace(&self.caller).map_err(|problem| problem.refusal)
    }

    /// Does the work of one request while it has a place among those under way.
    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        self.pace()?;
        let _place = self.serving.load.place(&self.serving.meters)?;
        work.await
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, kind: &'static RefusalKind) {
        self.serving.meters.refused(kind);
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.serving.engine
    }

    /// The limits of one transaction.
    pub(crate) fn limits(&self) -> &Limits {
        &self.serving.transaction
    }

    /// Whether the server goes on.
    pub(crate) fn stopping(&self) -> watch::Receiver<Running> {
        self.serving.stopping.clone()
    }

    /// A URL that the coordinator may call; `at` points to its field.
    pub(crate) fn url(&self, at: &'static str, given: &str) -> Result<Arc<str>, Refusal> {
        Judge { targets: self.serving.targets.as_ref() }.url(at, given)
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self, begin: Begin) -> Result<Answer, Refusal> {
        bridge::begin(&self.serving, begin).await
    }

    /// Asks something of a transaction, or reads it.
    pub(crate) async fn act(&self, act: Act) -> Result<Answer, Refusal> {
        bridge::act(&self.serving, act).await
    }

    /// Asks the engine for anything else.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        hand_over: impl FnOnce(&Engine, Respond<T>),
    ) -> Result<T, Refusal> {
        bridge::ask(|respond| hand_over(self.engine(), respond)).await
    }
}
