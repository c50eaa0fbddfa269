//! The verbs over gRPC. Every call has a time-out of its own, longer than any poll.

use std::time::Duration;

use tonic::{Request, Response};

use super::branch::Asked;
use super::progress::{Progress, Step};
use super::verbs::Verb;
use crate::client::{Fault, Grpc};
use crate::proto;

/// An answer that did not come within it is unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

impl Grpc {
    pub(super) async fn told(&self, verb: &Verb<'_>) -> Result<Progress, Fault> {
        let reply = self.retry().repeated(|| self.told_once(verb)).await?;
        let shown = reply.transaction.ok_or_else(|| missing("no transaction in the reply"))?;
        shown.try_into()
    }

    async fn told_once(&self, verb: &Verb<'_>) -> Result<proto::TransactionReply, Fault> {
        let mut verbs = self.transactions();
        let reply = match *verb {
            Verb::Begin { request, branches, wait_ms } => {
                let branches = branches.iter().map(branch).collect();
                let request = proto::BeginRequest { wait_ms, branches, ..request.clone() };
                verbs.begin(bounded(request)).await
            }
            Verb::Get { id, wait_ms } => {
                verbs.get(bounded(proto::GetTransactionRequest { id: id.into(), wait_ms })).await
            }
            Verb::Register { id, branch: asked } => {
                let branch = Some(branch(asked));
                verbs.register(bounded(proto::RegisterRequest { id: id.into(), branch })).await
            }
            Verb::Confirm { id } => {
                verbs.confirm(bounded(proto::ConfirmRequest { id: id.into(), wait_ms: 0 })).await
            }
            Verb::Cancel { id, detail } => {
                let request = proto::CancelRequest { id: id.into(), wait_ms: 0, detail: detail.into() };
                verbs.cancel(bounded(request)).await
            }
            Verb::Signal { id, branch, signal } => {
                let (outcome, result) = signal.parts();
                let (outcome, result) = (outcome as i32, result.into());
                let request = proto::SignalRequest { id: id.into(), branch: branch.into(), outcome, result };
                verbs.signal(bounded(request)).await
            }
            Verb::Retry { id } => verbs.retry(bounded(proto::RetryRequest { id: id.into() })).await,
        };
        reply.map(Response::into_inner).map_err(Fault::from)
    }

    /// One page of a timeline, and where the next begins.
    pub(super) async fn timeline(
        &self,
        id: &str,
        cursor: Option<&str>,
    ) -> Result<(Vec<Step>, Option<String>), Fault> {
        let cursor = cursor.unwrap_or_default();
        let asked = || proto::TimelineRequest { id: id.into(), limit: 0, cursor: cursor.into() };
        let reply = self
            .retry()
            .repeated(|| async {
                let reply = self.transactions().timeline(bounded(asked())).await;
                reply.map(Response::into_inner).map_err(Fault::from)
            })
            .await?;
        let next = Some(reply.next).filter(|next| !next.is_empty());
        Ok((reply.entries.into_iter().map(Step::from).collect(), next))
    }
}

fn branch(asked: &Asked) -> proto::Branch {
    proto::Branch { id: asked.id.clone(), after: asked.after.clone(), kind: Some(asked.kind.clone()) }
}

fn bounded<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(ANSWER_WITHIN);
    request
}

fn missing(what: &str) -> Fault {
    Fault::Misunderstood(what.to_owned())
}
