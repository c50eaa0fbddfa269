//! A gRPC call that was let in: the same door, the same limits and the same bridge to the engine as HTTP has.
//!
//! Decides nothing of its own; `../grpc` sees only what is offered here.

use std::net::IpAddr;
use std::sync::Arc;

use engine::{Act, Answer, Begin, Engine, Respond};
use http::HeaderMap;
use tokio::sync::watch;
use transaction::{Command, Refusal, RefusalKind, Spec, Trace, validate};

use super::auth::{Caller, no_stranger_page};
use super::metrics;
use super::trace::Subject;
use super::transactions::has_room;
use super::wire::{BeginBody, BranchBody, CancelBody, Judge, SignalBody};
use super::{HttpLimits, Serving, body, bridge, parse};
use crate::dtm::DtmConfig;
use crate::listen::Running;

/// A call whose caller is known.
#[derive(Clone)]
pub(crate) struct Admitted {
    serving: Arc<Serving>,
    caller: Caller,
    trace: Trace,
}

impl Serving {
    /// Lets a call in, or says why not.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        let caller =
            self.door.let_in(from, headers).inspect_err(|refusal| self.meters.refused(refusal.kind))?;
        Ok(Admitted { serving: Arc::clone(self), caller, trace: Subject::of(headers).trace })
    }

    /// Lets a call in DTM's protocol in: from certain networks without a token, since its clients have none to show.
    pub(crate) fn admit_dtm(
        self: &Arc<Self>,
        from: IpAddr,
        headers: &HeaderMap,
    ) -> Result<Admitted, Refusal> {
        if !self.dtm_allow.iter().any(|network| network.contains(from)) {
            return self.admit(from, headers);
        }
        no_stranger_page(headers).inspect_err(|refusal| self.meters.refused(refusal.kind))?;
        let (serving, caller) = (Arc::clone(self), Caller::At(from));
        Ok(Admitted { serving, caller, trace: Subject::of(headers).trace })
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

    /// Whether the server goes on.
    pub(crate) fn stopping(&self) -> watch::Receiver<Running> {
        self.serving.stopping.clone()
    }

    /// The trace that the call belongs to.
    pub(crate) fn trace(&self) -> Trace {
        self.trace
    }

    /// A transaction to begin, from the body that HTTP would take, and how long to wait for its end.
    pub(crate) fn spec(&self, body: &str) -> Result<(Spec, u64), Refusal> {
        let body: BeginBody<'_> = parse::object(self.text(body)?)?;
        let wait_ms = body.wait_ms()?;
        let spec = body.into_spec(&self.judge())?;
        validate(&spec, &self.serving.transaction)?;
        Ok((spec, wait_ms))
    }

    /// The registration of a branch, from the body that HTTP would take.
    pub(crate) async fn branch(&self, transaction: &str, body: &str) -> Result<Command, Refusal> {
        let body: BranchBody<'_> = parse::object(self.text(body)?)?;
        // Which fields belong to a branch depends on the transaction's pattern, which never changes.
        let known = bridge::read(&self.serving, transaction.into()).await?.transaction;
        has_room(&known, &body, self.serving.transaction.branches)?;
        Ok(Command::Register(Arc::new(body.into_spec((known.spec.pattern, known.spec.mode), &self.judge())?)))
    }

    /// A signal, from the body that HTTP would take.
    pub(crate) fn signal(&self, body: &str, branch: &str) -> Result<Command, Refusal> {
        let body: SignalBody<'_> = parse::object(self.text(body)?)?;
        body.into_command(branch.into(), self.serving.transaction.result_bytes)
    }

    /// A cancel, from the body that HTTP would take.
    pub(crate) fn cancel(&self, body: &str) -> Result<Command, Refusal> {
        let body: CancelBody = parse::object(self.text(body)?)?;
        let (detail, _) = body.into_parts()?;
        Ok(Command::Cancel { detail })
    }

    fn text<'a>(&self, text: &'a str) -> Result<&'a str, Refusal> {
        body::text(text.as_bytes(), self.serving.limits.json_depth)
    }

    /// What a URL and a branch are judged by.
    pub(crate) fn judge(&self) -> Judge<'_> {
        self.serving.judge()
    }

    /// How DTM's protocol is spoken.
    pub(crate) fn dtm(&self) -> &DtmConfig {
        &self.serving.dtm
    }

    /// Whether a transaction may be begun as it is.
    pub(crate) fn validate(&self, spec: &Spec) -> Result<(), Refusal> {
        validate(spec, &self.serving.transaction)
    }

    /// Every meter, for Prometheus.
    pub(crate) fn metrics(&self) -> String {
        metrics::text(&self.serving)
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
